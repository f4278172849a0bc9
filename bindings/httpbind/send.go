package httpbind

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"reprise/runtime/call"
)

const (
	// maxRedirects is what browsers and curl are near to, and more than any
	// honest API needs.
	maxRedirects = 10
	// maxDrain is how much of an unwanted body is read to keep its connection.
	// More than that costs more than a new connection.
	maxDrain     = 64 << 10
	drainTimeout = 100 * time.Millisecond
)

// exchangeKey is the context key under which a request carries its exchange
// through resty and net/http.
type exchangeKey struct{}

func exchangeOf(r *http.Request) (*exchange, error) {
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, call.Errorf(call.CodeInternal, "a request without its exchange")
	}
	return x, nil
}

// send sends the request and returns the response with its body unread.
func (x *exchange) send(ctx context.Context) (*http.Response, error) {
	x.hops, x.departed = 0, false
	if err := x.bringToken(ctx); err != nil {
		return nil, err
	}
	return x.b.clients.of(x.args.Connection).execute(ctx, x)
}

// fill completes the request that resty made. It is what comes before the wire.
func (x *exchange) fill(r *http.Request) error {
	r.Header = x.request.header
	r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	switch {
	case !x.request.present:
		return x.sign(r, nil)
	case len(x.request.body) == 0:
		r.Body = http.NoBody
		return x.sign(r, nil)
	}
	r.ContentLength = int64(len(x.request.body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.request.body)), nil }
	r.Body = io.NopCloser(bytes.NewReader(x.request.body))
	return x.sign(r, x.request.body)
}

// followRedirect decides about one redirect. next is the request that would
// follow; its header is ours to change.
func followRedirect(next *http.Request, via []*http.Request) error {
	x, err := exchangeOf(next)
	if err != nil {
		return err
	}
	from := x.p.Call.Target
	switch {
	case x.args.Redirect == "manual":
		return http.ErrUseLastResponse
	case x.args.Redirect == "error":
		return call.Errorf(call.CodeRedirect, "%s was redirected to %s, and the call says redirect: \"error\"", from, shownURL(next.URL))
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return call.Errorf(call.CodeRedirect, "%s was redirected to a %s URL; only http and https can be followed", from, next.URL.Scheme)
	case len(via) >= maxRedirects:
		return call.Errorf(call.CodeRedirect, "%s was redirected more than %d times, last to %s; it may be a loop", from, maxRedirects, shownURL(next.URL))
	}
	x.hops++
	// The page before may have a secret in its query.
	if x.request.header["Referer"] == nil {
		next.Header.Del("Referer")
	}
	x.countDepth(next.Header, next.URL)
	tidy(next.URL)
	x.departed = x.departed || !x.follows(via[0].URL, next.URL)
	if err := x.permit(next.URL); err != nil {
		return err
	}
	if !x.departed {
		if err := x.carry(next); err != nil {
			return err
		}
		return x.use.Check(next.URL)
	}
	for _, name := range x.request.private {
		next.Header.Del(name)
	}
	for _, name := range []string{headerAuthorization, "Cookie", "Cookie2"} {
		next.Header.Del(name)
	}
	next.URL.User = nil
	if next.Body == nil || next.Body == http.NoBody {
		return x.use.CheckRedirect(next.URL, nil)
	}
	return x.use.CheckRedirect(next.URL, x.request.body)
}

// follows reports whether credentials for from may follow a redirect to another
// URL: to the same host, or to one that the connection allows.
func (x *exchange) follows(from, to *url.URL) bool {
	return sameHost(from, to) || x.args.Connection != "" && x.b.options.Connections.Allows(x.args.Connection, to)
}

// carry puts the credentials into a request that follows and may have them:
// net/http has taken off those that it knows. What is signed is signed anew.
func (x *exchange) carry(next *http.Request) error {
	for _, name := range []string{headerAuthorization, "Cookie"} {
		if values := x.request.header[name]; values != nil {
			next.Header[name] = values
		}
	}
	if next.Body == nil || next.Body == http.NoBody {
		return x.sign(next, nil)
	}
	return x.sign(next, x.request.body)
}

// noRedirect is for token endpoints: credentials go nowhere else.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// sameHost reports whether credentials for a may go to b: the same host and
// port, or the step from http to https on their usual ports.
func sameHost(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	if a.Scheme == b.Scheme {
		return portOf(a) == portOf(b)
	}
	return a.Scheme == "http" && portOf(a) == "80" && portOf(b) == "443"
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// shownURL is a URL for messages: without query and credentials.
func shownURL(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// finalURL is where the response came from, for the script.
func (x *exchange) finalURL(res *http.Response) string {
	if res.Request == nil || res.Request.URL == nil {
		return ""
	}
	u := *res.Request.URL
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u.String()
}

// drain reads the rest of a small body, so that the connection can be used again.
func drain(body io.Reader) {
	// What fails here is a connection that will not be used again, and nothing else.
	_, _ = io.CopyN(io.Discard, body, maxDrain)
}

// maxBody is the largest body of the script's calls that is held in memory.
func (x *exchange) maxBody() int64 { return cmp.Or(x.p.Limits.Body, x.b.options.MaxBody) }

func (x *exchange) tooLarge() *call.Error {
	limit := x.maxBody()
	return call.Errorf(call.CodeBodyTooLarge, "%s: the response's body is larger than %d bytes; ask the API for less, in pages or with fewer fields", x.p.Call.Target, limit).
		WithData(map[string]any{"limit": "body", "allowed": limit})
}
