// From an HTTP request to the message that a fetch handler takes.

package site

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/server/problem"
)

// translate makes the message of a request. hideAuth leaves out the
// Authorization header: it holds a secret, and scripts never see one.
func (s *Site) translate(w http.ResponseWriter, r *http.Request, route *RouteSource, params []worker.Header, hideAuth bool) (*worker.Request, *problem.Problem) {
	body, p := s.readBody(w, r, route)
	if p != nil {
		return nil, p
	}
	return &worker.Request{
		Method: r.Method, URL: absoluteURL(r), Headers: headersOf(r, hideAuth), Body: body, Params: params, Depth: depthOf(r),
	}, nil
}

// MaxDepth is how deep scripts may call each other over HTTP. Honest ones are a
// few deep; one that calls itself would take connections until none are left.
const MaxDepth = 16

// depthOf returns how many scripts stand between r and the outside. Who forges
// the header only shortens what a script may do for them.
func depthOf(r *http.Request) int {
	n, err := strconv.Atoi(r.Header.Get(call.DepthHeader))
	if err != nil {
		return 0 // it is not one of ours
	}
	return max(n, 0)
}

// tooDeep refuses a request that scripts made going round in a circle.
func tooDeep(r *http.Request) *problem.Problem {
	n := depthOf(r)
	if n <= MaxDepth {
		return nil
	}
	return inCircle("%s %s is %d calls deep; the limit is %d", r.Method, r.URL.Path, n, MaxDepth)
}

func inCircle(format string, args ...any) *problem.Problem {
	return problem.New(http.StatusLoopDetected, call.CodeResource, "scripts call each other in a circle: "+format, args...).
		WithHint("Look for a script that calls its own route, or one that calls it back.")
}

// metCircle reports whether a script failed because a call of its own was
// refused as too deep. Its caller is told the same and not 500, which scripts
// try again: three times at each of the levels.
func metCircle(err *call.Error) bool {
	var data struct {
		Status int `json:"status"`
	}
	return err.Code == string(call.CodeHTTP) && json.Unmarshal(err.Data, &data) == nil && data.Status == http.StatusLoopDetected
}

// absoluteURL returns the URL as the client asked for it.
func absoluteURL(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	host := r.Host
	if host == "" { // HTTP/1.0 need not say
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = addr.String()
		} else {
			host = "localhost"
		}
	}
	return scheme + host + r.URL.RequestURI()
}

// headersOf returns the header lines by name; net/http does not keep the order
// of different names, only of lines with the same one.
func headersOf(r *http.Request, hideAuth bool) []worker.Header {
	out := make([]worker.Header, 0, len(r.Header)+1)
	if r.Host != "" {
		out = append(out, worker.Header{Name: "Host", Value: r.Host})
	}
	for name, values := range r.Header {
		if hideAuth && name == "Authorization" || name == call.DepthHeader {
			continue
		}
		for _, v := range values {
			out = append(out, worker.Header{Name: name, Value: v})
		}
	}
	// Stable: lines of one name stay in their order.
	slices.SortStableFunc(out, func(a, b worker.Header) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return out
}

// readBody reads the whole body, up to the limit of the script that it is for.
func (s *Site) readBody(w http.ResponseWriter, r *http.Request, route *RouteSource) (call.Body, *problem.Problem) {
	most := cmp.Or(route.MaxBody, s.maxBody)
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return call.Body{}, nil
	}
	if r.ContentLength > most {
		return call.Body{}, tooLarge(most)
	}
	// A client that sends a byte a minute must not hold its place for ever.
	// Both calls fail only where deadlines do not exist, as in tests.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.bodyTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()

	var buf bytes.Buffer
	if r.ContentLength > 0 {
		// bytes.Buffer wants room for one more read to find the end.
		buf.Grow(int(min(r.ContentLength, firstAllocation)) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	var over *http.MaxBytesError
	var timeout net.Error
	switch {
	case err == nil:
		return call.Bytes(buf.Bytes()), nil
	case errors.As(err, &over):
		return call.Body{}, tooLarge(most)
	case errors.As(err, &timeout) && timeout.Timeout():
		return call.Body{}, problem.New(http.StatusRequestTimeout, call.CodeTimeout, "the request's body did not arrive within %s", s.bodyTimeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return call.Body{}, problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the request's body ended early")
	}
	return call.Body{}, problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the request's body could not be read")
}

// firstAllocation bounds what a mere promise of a long body makes us set aside.
const firstAllocation = 1 << 20

func tooLarge(most int64) *problem.Problem {
	return problem.New(http.StatusRequestEntityTooLarge, call.CodeBodyTooLarge, "the request's body is larger than the limit of %d bytes", most).
		WithHint("Send less, or in parts.")
}
