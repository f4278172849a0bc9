// Where a request may go is decided here, twice: permit looks at what a URL
// says, before each hop; the dialer of the road for URLs that scripts choose
// looks at the address that is connected to.
//
// There are two roads, each with a pool of connections of its own, because a
// connection that is idle would be used for any request to the same host: one
// that a base URL had made must not serve a URL that a script chose.

package httpbind

import (
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
	open, checked := newTransport(dialer), newTransport(dialer)
	open.Proxy = r.proxy
	checked.Proxy = nil
	checked.DialContext = o.Egress.Dial(dialer)
	r.open, r.checked = open, checked
	return r
}

func (r *roads) close() {
	for _, t := range []http.RoundTripper{r.open, r.checked} {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// RoundTrip takes the road that the request has a right to. One without an
// exchange is for a token endpoint, whose URL a script chose.
func (r *roads) RoundTrip(req *http.Request) (*http.Response, error) {
	if x, err := exchangeOf(req); err == nil && x.trusted() {
		return r.open.RoundTrip(req)
	}
	proxy, err := r.proxy(req)
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

// trusted reports whether the request is for the base URL of a connection,
// which the operator wrote. After a redirect to anywhere else it is the word of
// a stranger, also when that leads back.
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
