// From a fetch handler's answer to the HTTP response.

package site

import (
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"reprise/runtime/worker"
)

// runHeader names the run that answered.
const runHeader = "X-Reprise-Run"

// brokenOffError is why an answer ended that had begun.
type brokenOffError struct{ error }

// respond sends the answer. An answer that HTTP has no form for is an error,
// and nothing has been sent. stream is the body where it has not arrived yet; where
// it breaks off the error is a brokenOffError.
func respond(w http.ResponseWriter, r *http.Request, resp *worker.Response, stream io.ReadCloser) error {
	if resp.Status < 200 || resp.Status > 599 {
		return fmt.Errorf("the status %d is not between 200 and 599", resp.Status)
	}
	if resp.Body.IsHeld() {
		return fmt.Errorf("the body of %d bytes was not resolved", resp.Body.Size)
	}
	h := w.Header()
	length, err := copyHeaders(h, resp.Headers)
	if err != nil {
		return err
	}
	body := resp.Body.Inline
	none := resp.Status == http.StatusNoContent || resp.Status == http.StatusNotModified
	switch {
	case none:
		body = nil // these have none, whatever the script says
	case stream != nil:
		if n := resp.Body.Size; n > 0 {
			h.Set("Content-Length", strconv.FormatInt(n, 10))
		}
	case r.Method == http.MethodHead && len(body) == 0 && length != "":
		// A script that answers HEAD knows the length and does not make the body.
		h.Set("Content-Length", length)
	default:
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or net/http would guess one
	}
	w.WriteHeader(resp.Status)
	if stream != nil {
		if !none && r.Method != http.MethodHead {
			return pass(w, stream)
		}
		return nil
	}
	if r.Method != http.MethodHead && len(body) > 0 {
		write(w, body)
	}
	return nil
}

// What the kernel takes at once needs no deadline. More has to be read by the
// client, at the pace of a slow telephone at least.
const (
	writtenAtOnce = 64 << 10
	slowestReader = 8 << 10 // bytes per second
	writePatience = time.Minute
)

// write sends the body. The only errors are a client that went away or reads
// too slowly, and it can not be told.
func write(w http.ResponseWriter, body []byte) {
	if len(body) > writtenAtOnce {
		control := http.NewResponseController(w)
		// Both calls fail only where deadlines do not exist, as in tests.
		_ = control.SetWriteDeadline(time.Now().Add(writePatience + time.Duration(len(body)/slowestReader)*time.Second))
		defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	}
	_, _ = w.Write(body)
}

// pass sends a body as it arrives, until that ends or the client leaves.
func pass(w http.ResponseWriter, body io.Reader) error {
	control := http.NewResponseController(w)
	// These calls fail only where there are no connections, as in tests.
	_ = control.Flush()
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(writePatience))
			if _, gone := w.Write(buf[:n]); gone != nil {
				return nil // it can not be told
			}
			_ = control.Flush()
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return brokenOffError{err}
		}
	}
}

// copyHeaders takes over the header lines, but for those that are about the
// connection: these are the server's. It returns the Content-Length among them.
func copyHeaders(h http.Header, lines []worker.Header) (length string, err error) {
	// What the server has set before gives way to what the script says.
	var perConnection []string
	for i := range lines {
		name, value := textproto.CanonicalMIMEHeaderKey(lines[i].Name), lines[i].Value
		if !httpguts.ValidHeaderFieldName(name) {
			return "", fmt.Errorf("%q is not the name of a header", lines[i].Name)
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return "", fmt.Errorf("the header %s has a line break or another control character in its value", name)
		}
		switch {
		case name == "Connection":
			perConnection = append(perConnection, strings.Split(value, ",")...)
		case name == runHeader || hopByHop(name):
		case name == "Content-Length":
			if n, err := strconv.ParseUint(value, 10, 63); err == nil {
				length = strconv.FormatUint(n, 10)
			}
		case strings.HasPrefix(name, "Access-Control-") && h.Get(name) != "" && !contains(lines[:i], name):
			h.Set(name, value)
		default:
			h[name] = append(h[name], value)
		}
	}
	for _, name := range perConnection {
		h.Del(strings.TrimSpace(name))
	}
	return length, nil
}

func contains(lines []worker.Header, name string) bool {
	for _, l := range lines {
		if strings.EqualFold(l.Name, name) {
			return true
		}
	}
	return false
}

// hopByHop reports whether a header is about one connection only (RFC 9110 §7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}
