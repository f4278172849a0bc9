// Where a request may go is decided here, twice: permit looks at what a URL
// says, before each hop; the dialer of the road for URLs that scripts choose
// looks at the address that is connected to.
//
// There are two roads, each with a pool of connections of its own, because a
// connection that is idle would be used for any request to the same host: one
// that a base URL had made must not serve a URL that a script chose. A connection
// with certificates of its own has a road of its own besides: see lanes.go.

package httpbind

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"

	"reprise/connections/egress"
	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
)

// roads is the transport of all clients.
type roads struct {
	policy   *egress.Policy
	proxy    func(*http.Request) (*url.URL, error)
	resolver *net.Resolver

	open    http.RoundTripper // base URLs of connections, and whatever a proxy performs
	checked http.RoundTripper // what is dialled is checked, and there is no proxy
	lanes   *lanes            // base URLs of connections with TLS of their own; nil: a test's transport does all
}

func newRoads(o *Options) *roads {
	r := &roads{policy: o.Egress, proxy: o.Proxy, resolver: o.Resolver}
	if r.proxy == nil {
		r.proxy = http.ProxyFromEnvironment
	}
	if r.resolver == nil {
		r.resolver = net.DefaultResolver
	}
	if o.Transport != nil {
		r.open, r.checked = o.Transport, o.Transport
		return r
	}
	dialer := newDialer(o.Resolver)
	open := func(c *tls.Config) *http.Transport {
		t := newTransport(dialer)
		t.Proxy, t.TLSClientConfig, t.OnProxyConnectResponse = r.proxyOf, c, proxyAnswered
		return t
	}
	checked := newTransport(dialer)
	checked.DialContext = o.Egress.Dial(dialer)
	r.open, r.checked, r.lanes = open(nil), checked, newLanes(open)
	return r
}

func (r *roads) close() {
	for _, t := range []http.RoundTripper{r.open, r.checked} {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
	if r.lanes != nil {
		r.lanes.close()
	}
}

// proxyOf is the proxy that a request goes through: its connection's, or what the
// environment says.
func (r *roads) proxyOf(req *http.Request) (*url.URL, error) {
	if x, err := exchangeOf(req); err == nil && x.proxied {
		return x.proxy, nil
	}
	return r.proxy(req)
}

// proxyRefusedError says that a proxy did not connect to a host.
type proxyRefusedError struct{ proxy, status string }

func (e *proxyRefusedError) Error() string {
	return "the proxy " + e.proxy + " did not connect: it answered " + e.status
}

func proxyAnswered(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyRefusedError{proxy: proxy.Host, status: statusLine(res.StatusCode)}
}

// trusted is the road of a request for a URL that the operator wrote.
func (r *roads) trusted(x *exchange, u *url.URL) http.RoundTripper {
	if x.lane == nil {
		return r.open
	}
	return x.lane.to(x.b.options.Connections.AtHome(x.args.Connection, u))
}

// tokenRoad is for the token endpoints of connections. Their requests take the
// road of the connection.
type tokenRoad struct{ *roads }

func (r tokenRoad) RoundTrip(req *http.Request) (*http.Response, error) {
	x, err := exchangeOf(req)
	if err != nil {
		return r.open.RoundTrip(req)
	}
	return r.trusted(x, req.URL).RoundTrip(req)
}

// RoundTrip takes the road that the request has a right to. One without an
// exchange is for a token endpoint, whose URL a script chose.
func (r *roads) RoundTrip(req *http.Request) (*http.Response, error) {
	if x, err := exchangeOf(req); err == nil && x.trusted() {
		return r.trusted(x, req.URL).RoundTrip(req)
	}
	proxy, err := r.proxyOf(req)
	if err == nil && proxy != nil {
		err = r.beforeProxy(req)
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as every RoundTripper has to
		}
		return nil, err
	}
	if proxy != nil {
		return r.open.RoundTrip(req)
	}
	return r.checked.RoundTrip(req)
}

// beforeProxy decides about a request that a proxy will perform: only the proxy
// sees the address that is dialled. So the name is looked up here too, and all
// that it leads to has to be allowed. One that this machine does not know goes
// on only if the operator's list has the name itself.
func (r *roads) beforeProxy(req *http.Request) error {
	t, err := hosts.Of(req.URL)
	if err != nil || t.Name == "" {
		return err // an address has been looked at
	}
	found, err := r.resolver.LookupNetIP(req.Context(), "ip", t.Name)
	if err != nil || len(found) == 0 {
		if ctx := req.Context(); ctx.Err() != nil {
			return ctx.Err()
		}
		found = nil
		var dns *net.DNSError
		switch d := r.policy.CheckUnknown(t); {
		case d != nil && errors.As(err, &dns) && dns.Temporary():
			return err // which may be tried again
		case d != nil:
			return d
		}
	}
	for _, addr := range found {
		if d := r.policy.CheckAddr(t, addr); d != nil {
			return d
		}
	}
	return nil
}

// trusted reports whether the request is for the base URL of a connection or for
// a host that the connection allows, which the operator wrote. After a redirect
// to anywhere else it is the word of a stranger, also when that leads back.
func (x *exchange) trusted() bool { return x.args.Connection != "" && !x.departed }

// permit decides by what a URL says whether the exchange may go there.
func (x *exchange) permit(u *url.URL) error {
	if x.trusted() {
		return nil
	}
	return x.permitChosen(u)
}

// permitChosen is permit for a URL that the script chose, whatever the
// exchange is for.
func (x *exchange) permitChosen(u *url.URL) error {
	t, err := hosts.Of(u)
	if err != nil {
		return call.Errorf(call.CodeInvalidArgument, "%s: the host of the URL can not be read: %s", x.p.Call.Target, err)
	}
	if own := x.p.Egress; own != nil && !own.Has(t) {
		return x.denied(egress.Script(t))
	}
	if d := x.b.options.Egress.Check(t); d != nil {
		return x.denied(d)
	}
	return nil
}

// denied is the error that a script gets.
func (x *exchange) denied(d *egress.DeniedError) *call.Error {
	return call.Errorf(call.CodeEgressDenied, "%s: %s", x.p.Call.Target, d).WithData(d.Data())
}
