// Calls to a connection that keeps answers. What is kept is what came, with the
// values of secrets in it if there were any; but an answer that repeats a
// credential is not kept, so that what one run sent is never in the answer to
// another.

package httpbind

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"reprise/connections/cache"
	"reprise/runtime/call"
)

// How a cache has answered: for the log and the metrics.
const (
	cacheHit         = "hit"
	cacheStale       = "stale"
	cacheRevalidated = "revalidated"
	cacheShared      = "shared"
	cacheMiss        = "miss"
	cacheBypass      = "bypass"
)

// perform answers the call from what its connection keeps, or asks.
func (x *exchange) perform(ctx context.Context) call.Outcome {
	kept := x.b.options.Connections.Cache(x.args.Connection)
	switch method := x.args.Method; {
	case kept == nil:
		return x.run(ctx)
	case method == http.MethodGet, method == http.MethodHead:
		return x.look(ctx, kept)
	case method == http.MethodOptions:
		return x.run(ctx)
	}
	return x.write(ctx, kept)
}

// write performs a call that may change what is kept.
func (x *exchange) write(ctx context.Context, kept *cache.Cache) call.Outcome {
	a, r, err := x.tries(ctx)
	if err == nil && r.err == nil && r.status >= 400 && r.status < 500 {
		x.report(a) // it was refused; of a 5xx nobody knows
		return x.outcome(a.N, r)
	}
	kept.Forget(x.request.url)
	for _, name := range []string{"Location", "Content-Location"} {
		if there := x.sameOrigin(r.header.Get(name)); there != "" {
			kept.Forget(there)
		}
	}
	if err != nil {
		return x.failed(err)
	}
	x.report(a)
	return x.outcome(a.N, r)
}

// sameOrigin is a URL of an answer, if it is at the host that was asked.
func (x *exchange) sameOrigin(text string) string {
	asked, err := url.Parse(x.request.url)
	if err != nil || text == "" {
		return ""
	}
	u, err := asked.Parse(text)
	if err != nil || !sameHost(asked, u) {
		return ""
	}
	return u.String()
}

// wanted says what to look for, or why not to.
func (x *exchange) wanted() (q cache.Request, why string) {
	h := x.request.header
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"} {
		if h[name] != nil {
			return q, "the call has " + name
		}
	}
	q = cache.Request{URL: x.request.url, Wish: cache.WishOf(h), Key: cache.KeyOf(x.args.Method, x.request.url, h, x.args.Redirect)}
	switch {
	case x.own:
		return q, "the call has credentials of its own"
	case x.request.present:
		return q, "the call has a body"
	case x.args.Stream:
		return q, "the call wants a stream"
	case q.Wish.None:
		return q, "the call says no-store"
	}
	return q, ""
}

// look answers a call that only reads.
func (x *exchange) look(ctx context.Context, kept *cache.Cache) call.Outcome {
	q, why := x.wanted()
	if why != "" {
		return x.ask(ctx, func(a *call.Attempt) { x.cached(a, cacheBypass, why) })
	}
	found := kept.Find(q, time.Now())
	switch found.State {
	case cache.Fresh:
		return x.serve(call.Attempt{}, cacheHit, found.Left(), found.Answer(), found.Age)
	case cache.Usable:
		x.refresh(ctx, kept, q)
		return x.serve(call.Attempt{}, cacheStale, found.Left()+", and asked for anew meanwhile", found.Answer(), found.Age)
	}
	flight, leads := kept.Join(q)
	if leads {
		return x.lead(ctx, kept, flight, &found)
	}
	return x.follow(ctx, flight)
}

// follow waits for another call that asks for the same. Where that takes longer
// than an attempt may, or fails, the call asks by itself, as if it were alone.
func (x *exchange) follow(ctx context.Context, flight *cache.Flight) call.Outcome {
	waiting, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	answer, err := flight.Wait(waiting)
	switch {
	case ctx.Err() != nil:
		return x.failed(x.interrupted(ctx, context.Cause(ctx)))
	case err == nil && answer != nil:
		return x.serve(call.Attempt{}, cacheShared, "another call was asking for the same", *answer, 0)
	}
	return x.ask(ctx, func(a *call.Attempt) { x.cached(a, cacheMiss, "another call that asked for the same has no answer") })
}

// ask asks the upstream; say completes the report.
func (x *exchange) ask(ctx context.Context, say func(*call.Attempt)) call.Outcome {
	a, r, err := x.tries(ctx)
	if err != nil {
		return x.failed(err)
	}
	say(&a)
	x.report(a)
	return x.outcome(a.N, r)
}

// lead asks the upstream for all who want the same. If there is an old answer, it
// asks whether that still holds.
func (x *exchange) lead(ctx context.Context, kept *cache.Cache, flight *cache.Flight, found *cache.Found) call.Outcome {
	x.kept, x.flight = kept, flight
	defer x.land(nil)
	if conditions := found.Conditions(); len(conditions) > 0 {
		x.request.header = x.request.header.Clone()
		maps.Copy(x.request.header, conditions)
	}
	asked := time.Now()
	a, r, err := x.tries(ctx)
	now := time.Now()
	switch {
	case err != nil:
		return x.failed(err)
	case failing(r) && found.OnError(now):
		if r.stream != nil {
			_ = r.stream.Close() // nobody wants it
		}
		return x.serve(a, cacheStale, "the API failed, and this answer may be used then (stale-if-error): "+found.Left(), found.Answer(), found.Age)
	case r.err == nil && r.status == http.StatusNotModified && found.State != cache.None:
		answer, why := found.Confirmed(r.header), "not kept: it took more than one attempt"
		if x.flight != nil {
			_, why = kept.Put(flight, answer, asked, now)
			x.land(&answer)
		}
		return x.serve(a, cacheRevalidated, "304 Not Modified; "+why, answer, 0)
	}
	why := "no answer came"
	if r.err == nil {
		why = x.keep(kept, flight, r, asked, now)
	}
	x.cached(&a, cacheMiss, why)
	x.report(a)
	return x.outcome(a.N, r)
}

// keep keeps a reply, if it may be kept, and gives it to those who wait, if they
// may have it.
func (x *exchange) keep(kept *cache.Cache, flight *cache.Flight, r reply, asked, now time.Time) (why string) {
	answer := cache.Answer{Status: r.status, Header: r.header.Clone(), Body: bytes.Clone(r.body)}
	switch {
	case x.flight == nil:
		return "not kept: it took more than one attempt"
	case r.stream != nil:
		return "not kept: its body is a stream"
	case x.hops > 0:
		return "not kept: it came by way of a redirect"
	case x.repeats(r):
		return "not kept: it has a credential in it"
	}
	ok, why := kept.Put(flight, answer, asked, now)
	if kept.Shares(answer) {
		x.land(&answer)
	}
	if !ok {
		return "not kept: " + why
	}
	return why
}

// repeats reports whether a reply has a credential in it.
func (x *exchange) repeats(r reply) bool {
	if !x.use.Active() {
		return false
	}
	for name, values := range r.header {
		if x.use.ScrubText(name) != name || slices.ContainsFunc(values, func(v string) bool { return x.use.ScrubText(v) != v }) {
			return true
		}
	}
	return !bytes.Equal(x.use.Scrub(r.body), r.body)
}

// land ends the flight that the exchange leads, if it does.
func (x *exchange) land(a *cache.Answer) {
	if x.flight != nil {
		x.kept.Land(x.flight, a)
		x.flight = nil
	}
}

// failing reports whether an old answer is better than this reply.
func failing(r reply) bool {
	switch call.CodeOf(r.err) {
	case call.CodeConnect, call.CodeNetwork, call.CodeTimeout, call.CodeCircuitOpen:
		return true
	}
	return r.err == nil && slices.Contains([]int{500, 502, 503, 504}, r.status)
}

// cached completes a report with how the cache answered.
func (x *exchange) cached(a *call.Attempt, result, why string) {
	a.Cache = result
	if a.Reason == "" {
		a.Reason = why
	}
	if !x.aside {
		x.b.options.Connections.Cached(x.args.Connection, result)
	}
}

// serve answers with what is kept. a is the last attempt, if there was any.
func (x *exchange) serve(a call.Attempt, result, why string, answer cache.Answer, age time.Duration) call.Outcome {
	x.cached(&a, result, why)
	a.Status, a.Err = answer.Status, nil
	x.report(a)
	if int64(len(answer.Body)) > x.maxBody() {
		return x.failed(x.tooLarge())
	}
	header := answer.Header.Clone()
	if age > 0 {
		header.Set("Age", strconv.FormatInt(int64(age/time.Second), 10))
	}
	return x.outcome(a.N, reply{status: answer.Status, header: header, body: bytes.Clone(answer.Body)})
}

// refresh asks for an answer anew while the old one is used: once, and in an
// exchange of its own.
func (x *exchange) refresh(ctx context.Context, kept *cache.Cache, q cache.Request) {
	flight, leads := kept.Join(q)
	if !leads {
		return
	}
	p := *x.p
	p.Attempt, p.Tries = nil, 0
	p.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	p.Hold, p.Stream = call.Bytes, nil
	y := &exchange{b: x.b, p: &p, aside: true, use: x.b.options.Secrets.Use(p.By.SecretKey)}
	started := x.b.asides.start(ctx, func(ctx context.Context) {
		defer kept.Land(flight, nil)
		if y.prepare() != nil {
			return
		}
		y.policy.attempts = 1
		found := kept.Find(q, time.Now())
		y.lead(ctx, kept, flight, &found)
	})
	if !started {
		kept.Land(flight, nil)
	}
}
