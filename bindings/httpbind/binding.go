package httpbind

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"reprise/connections"
	"reprise/connections/cache"
	"reprise/connections/egress"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// The defaults of Options.
const (
	// DefaultMaxBody is the largest response that is buffered, after
	// decompression. It is what a run's memory limit can take several times.
	DefaultMaxBody = 32 << 20
	// DefaultTimeout is how long one try may take: long enough for slow APIs,
	// short enough that a hung one is noticed.
	DefaultTimeout = 30 * time.Second
)

// Options is what the host side is made with. The zero value is usable.
type Options struct {
	// Connections are the upstreams that calls can name; nil means none.
	Connections *connections.Set
	// Secrets are resolved in requests; nil means none are set.
	Secrets *connections.Secrets
	// MaxBody and Timeout override the defaults when positive.
	MaxBody int64
	Timeout time.Duration
	// Egress says which URLs scripts may choose; nil means those that lead to
	// public addresses. Base URLs of connections are always allowed.
	Egress *egress.Policy
	// Proxy says which proxy a request goes through; nil asks the environment.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver looks names up; nil is Go's own.
	Resolver *net.Resolver
	// Transport overrides the tuned ones, for tests. It dials as it likes, so
	// only what the URLs say is checked then.
	Transport http.RoundTripper
	// Random draws the jitter of pauses, in [0, 1); nil means math/rand.
	Random func() float64
}

// Binding is the host side. It is safe for concurrent use.
type Binding struct {
	options Options
	roads   *roads
	clients clients
	asides  asides
	oauth   *connections.OAuth // of scripts' own token endpoints
	granter *connections.OAuth // of connections' token endpoints, which the operator wrote
	logins  Logins             // of connections that people log in for; nil: there are none
}

// New makes the host side.
func New(o Options) *Binding {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Egress == nil {
		o.Egress = egress.Strict()
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	roads := newRoads(&o)
	b := &Binding{
		options: o,
		roads:   roads,
		clients: clients{transport: roads},
		oauth:   connections.NewOAuth(&http.Client{Transport: roads, CheckRedirect: noRedirect}),
	}
	b.granter = connections.NewOAuth(b.Endpoints())
	return b
}

// Kinds implements the engine's Binding.
func (b *Binding) Kinds() map[string]call.Shape {
	return map[string]call.Shape{web.KindHTTP: call.ShapeDo}
}

// Client returns a client for what the server itself fetches from a URL that a
// script chose: it reaches what the script may call, and follows no redirects.
func (b *Binding) Client() *http.Client {
	return &http.Client{Transport: b.roads, CheckRedirect: noRedirect}
}

// Close ends what goes on in the background, and closes the connections that are
// idle.
func (b *Binding) Close() {
	b.asides.close()
	b.roads.close()
}

// Do implements the engine's Doer: it performs an "http.request" call. Every
// HTTP status is a success here; what a script wants to throw is its affair.
func (b *Binding) Do(ctx context.Context, p *call.Performance) call.Outcome {
	x := &exchange{b: b, p: p, use: b.options.Secrets.Use(p.By.SecretKey)}
	if err := x.prepare(); err != nil {
		return x.failed(err)
	}
	return x.perform(ctx)
}

// exchange is one call being performed: a request, its tries and their replies.
type exchange struct {
	b    *Binding
	p    *call.Performance
	args web.HTTPRequest
	use  connections.Use

	request   prepared
	policy    policy
	timeout   time.Duration
	signer    connections.Signer // of the connection, in clear; nil: nothing is signed
	inherited bool               // auth is the connection's
	lane      *lane              // of the connection, if its TLS is its own
	proxied   bool               // the connection says which proxy
	proxy     *url.URL           // nil: none
	own       bool               // the call has credentials of its own
	kept      *cache.Cache       // where the flight is
	flight    *cache.Flight      // that the exchange leads, and others may wait for; nil: none
	aside     bool               // no call waits for it
	grant     *connections.Grant // OAuth 2.0, in clear
	login     bool               // OAuth 2.0, with the login of the connection
	token     string             // the access token of the last try
	renewed   bool               // a refused access token has been replaced once
	hops      int                // redirects followed in this try
	waited    time.Duration      // that the last try waited for its turn
	departed  bool               // a redirect of this try led to another host
}

// reply is how one try ended: with a response or with an error.
type reply struct {
	status int // zero with an error
	header http.Header
	url    string // where the response came from, if not from the first URL
	body   []byte
	stream io.ReadCloser // the body, where it is still arriving
	err    *call.Error
}

// run tries until a reply is final.
func (x *exchange) run(ctx context.Context) call.Outcome {
	a, r, err := x.tries(ctx)
	if err != nil {
		return x.failed(err)
	}
	x.report(a)
	return x.outcome(a.N, r)
}

// tries tries until a reply is final, and leaves the last report to the caller.
// Tries made before, by another process or before the run was put aside, count.
// A try that another follows is reported before the pause: if the pause does not
// end here, someone else goes on.
func (x *exchange) tries(ctx context.Context) (call.Attempt, reply, error) {
	if x.p.Tries == 0 {
		x.b.options.Connections.Called(x.args.Connection)
	}
	for n, free := x.p.Tries+1, 0; ; n++ {
		began := time.Now()
		r, next := x.try(ctx, n-free)
		a := call.Attempt{
			N: n, Status: r.status, Err: r.err, Took: time.Since(began), Bytes: int64(len(r.body)), Waited: x.waited,
			Retry: next.retry, RetryIn: next.wait, Reason: next.reason,
		}
		if !next.retry {
			return a, r, nil
		}
		x.land(nil) // others need not wait as well
		x.report(a)
		if next.free {
			free++
		}
		if next.wait > 0 {
			if err := x.p.Wait(ctx, next.wait); err != nil {
				return a, r, x.interrupted(ctx, err)
			}
		}
	}
}

// try sends the request once. Whether another try follows is decided before
// the body is read: nobody would look at it then.
func (x *exchange) try(ctx context.Context, n int) (reply, verdict) {
	passage, err := x.b.options.Connections.Enter(ctx, x.args.Connection)
	if err != nil {
		r := reply{err: x.use.ScrubError(x.failure(ctx, err))}
		return r, x.judge(n, r)
	}
	if passage != nil {
		x.waited = passage.Waited
	}
	ended := false
	defer func() {
		if !ended {
			passage.GivenUp() // a panic must not keep the slot
		}
	}()
	r, v := x.pass(ctx, n)
	ended = true
	switch code := call.CodeOf(r.err); {
	case r.status != 0:
		passage.Answered(r.status, r.header)
	case ctx.Err() == nil && (code == call.CodeConnect || code == call.CodeNetwork || code == call.CodeTimeout):
		passage.Failed()
	default: // it is not the upstream's doing
		passage.GivenUp()
	}
	return r, v
}

// pass sends the request of a try that may be sent.
//
//nolint:contextcheck // a try's context ends with the call's, unless its body streams
func (x *exchange) pass(ctx context.Context, n int) (reply, verdict) {
	t := x.begin(ctx)
	defer t.end()
	res, err := x.send(t.ctx) //nolint:bodyclose // the try closes it, or the stream
	if err != nil {
		r := reply{err: x.use.ScrubError(x.failure(t.ctx, err))}
		return r, x.judge(n, r)
	}
	t.res = res
	r := reply{status: res.StatusCode, header: res.Header}
	if x.hops > 0 {
		r.url = x.finalURL(res)
	}
	v := x.judge(n, r)
	if v.retry {
		defer time.AfterFunc(drainTimeout, t.cancel).Stop()
		drain(res.Body)
		return r, v
	}
	r.body, r.stream, err = x.receive(t)
	if err == nil {
		return r, v
	}
	r = reply{err: x.use.ScrubError(x.failure(t.ctx, err))}
	return r, x.judge(n, r)
}

func (x *exchange) report(a call.Attempt) {
	if x.p.Attempt != nil {
		x.p.Attempt(a)
	}
}

func (x *exchange) failed(err error) call.Outcome {
	return call.Failed(x.p.Call.ID, x.use.ScrubError(call.From(err)))
}

// outcome makes the final reply what the script gets. Nothing of a reply gets
// past here unscrubbed.
func (x *exchange) outcome(attempts int, r reply) call.Outcome {
	if r.err != nil {
		if attempts > 1 {
			e := *r.err
			e.Message += " (after " + strconv.Itoa(attempts) + " attempts)"
			r.err = &e
		}
		return call.Failed(x.p.Call.ID, r.err)
	}
	o := call.OK(x.p.Call.ID, x.value(r))
	switch {
	case r.stream != nil:
		size := int64(0)
		if !x.use.Active() { // or what is scrubbed may have another length
			size = lengthOf(r.header)
		}
		o.Body = x.p.Stream(r.stream, size)
	case hasBody(x.args.Method, r.status):
		o.Body = x.p.Hold(x.use.Scrub(r.body))
	}
	return o
}

// hasBody tells an empty body from none.
func hasBody(method string, status int) bool {
	return method != http.MethodHead && status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}
