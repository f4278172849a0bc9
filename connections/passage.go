package connections

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"reprise/runtime/call"
)

// Breaker gives an upstream up for a while that fails again and again.
type Breaker struct {
	Failures int           // in a row, until it is given up
	Cooldown time.Duration // for how long; then one request tries
}

// MaxFailures is the most that a Breaker can wait for.
const MaxFailures = 10_000

// Observer is told what happens to the requests of connections. Its functions
// must not block; nil ones are not called.
type Observer struct {
	// Request has ended: with a status, or 0 where there was none. It had waited
	// for its turn.
	Request func(connection string, status int, waited time.Duration)
	// Circuit was opened for a while after failures, or closed.
	Circuit func(connection string, open bool, failures int, cooldown time.Duration)
	// Held says that the upstream wants nothing for a while, and why.
	Held func(connection string, wait time.Duration, reason string)
	// Retry was wanted by a call: it may be made, or the budget is spent.
	Retry func(connection string, ok bool)
	// Cached is how a call was answered, if there is a cache: "hit" and so on.
	Cached func(connection, result string)
	// Spent says that the budget is, of so many calls; it is told now and then.
	Spent func(connection string, calls, retries int)
}

// gate is what requests to an upstream pass. It is safe for concurrent use.
type gate struct {
	name     string
	throttle *throttle
	budget   *budget
	breaker  circuitbreaker.CircuitBreaker[any] // nil: none
	observer *Observer

	mu   sync.Mutex
	held time.Time // until when nothing is sent; guarded by mu
}

func newGate(u *Upstream, o *Observer) *gate {
	g := &gate{name: u.Name, throttle: newThrottle(u), budget: newBudget(u.RetryBudget), observer: o}
	if b := u.Breaker; b != nil {
		told := func(open bool) func(circuitbreaker.StateChangedEvent) {
			return func(circuitbreaker.StateChangedEvent) {
				if o != nil && o.Circuit != nil {
					o.Circuit(u.Name, open, b.Failures, b.Cooldown)
				}
			}
		}
		g.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(uint(b.Failures)).WithSuccessThreshold(1).WithDelay(b.Cooldown).
			OnOpen(told(true)).OnClose(told(false)).Build()
	}
	return g
}

// Passage is a request that may be sent. Its end must be told, once.
type Passage struct {
	gate *gate
	// Waited is how long it took until it might.
	Waited time.Duration
}

// enter waits until a request may be sent.
func (g *gate) enter(ctx context.Context) (*Passage, error) {
	began := time.Now()
	if err := g.throttle.enter(ctx); err != nil {
		return nil, err
	}
	if err := g.wait(ctx); err != nil {
		g.throttle.leave()
		return nil, err
	}
	if g.breaker != nil && !g.breaker.TryAcquirePermit() {
		g.throttle.leave()
		wait := g.breaker.RemainingDelay()
		return nil, call.Errorf(call.CodeCircuitOpen, "nothing was sent: the connection %s has failed again and again, and is given up for %s more", g.name, max(wait, time.Second).Round(time.Second)).
			WithData(map[string]any{"connection": g.name, "retryAfter": max(wait, 0).Seconds()})
	}
	return &Passage{gate: g, Waited: time.Since(began)}, nil
}

// wait waits while the upstream wants nothing. Those who wait do not come all at
// the same moment then.
func (g *gate) wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		d := time.Until(g.held)
		g.mu.Unlock()
		if d <= 0 {
			return nil
		}
		if d > spread {
			d += rand.N(spread)
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// spread is over how long those come who were told to come back.
const spread = 200 * time.Millisecond

// Answered ends a request that got an answer. What the upstream says of its
// limits there holds for all who come.
func (p *Passage) Answered(status int, header http.Header) {
	if p == nil {
		return
	}
	g := p.gate
	p.record(status < 500 || status == http.StatusNotImplemented)
	if wait, reason := learn(status, header, time.Now()); wait > 0 {
		g.mu.Lock()
		until := time.Now().Add(wait)
		later := until.After(g.held)
		if later {
			g.held = until
		}
		g.mu.Unlock()
		if later && g.observer != nil && g.observer.Held != nil {
			g.observer.Held(g.name, wait, reason)
		}
	}
	p.over(status)
}

// Failed ends a request that got none.
func (p *Passage) Failed() {
	if p == nil {
		return
	}
	p.record(false)
	p.over(0)
}

// GivenUp ends a request that nobody wants any more: it says nothing of the
// upstream.
func (p *Passage) GivenUp() {
	if p == nil {
		return
	}
	if b := p.gate.breaker; b != nil && b.IsHalfOpen() {
		b.RecordFailure() // the one that tried must have an end
	}
	p.over(0)
}

func (p *Passage) record(ok bool) {
	switch b := p.gate.breaker; {
	case b == nil:
	case ok:
		b.RecordSuccess()
	default:
		b.RecordFailure()
	}
}

func (p *Passage) over(status int) {
	p.gate.throttle.leave()
	if o := p.gate.observer; o != nil && o.Request != nil {
		o.Request(p.gate.name, status, p.Waited)
	}
}

// maxHeld is the longest that an upstream is left alone because it said so: a
// call that waits longer had better fail, and tell.
const maxHeld = time.Minute

// learn reads what an answer says of the upstream's limits: Retry-After, and
// the RateLimit headers in the forms that are in use, when nothing is left.
func learn(status int, header http.Header, now time.Time) (wait time.Duration, reason string) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		text := header.Get("Retry-After")
		if d, ok := RetryAfter(text, now); ok && d > 0 && d <= maxHeld {
			return d, fmt.Sprintf("%d with Retry-After: %s", status, text)
		}
	}
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		if strings.TrimSpace(header.Get(prefix+"Remaining")) != "0" {
			continue
		}
		text := strings.TrimSpace(header.Get(prefix + "Reset"))
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds > 0) {
			continue
		}
		d := time.Duration(min(seconds, 1e9) * float64(time.Second))
		if seconds > 1e8 { // a moment, and not how long
			d = time.Unix(int64(seconds), 0).Sub(now)
		}
		if d > 0 && d <= maxHeld {
			return d, prefix + "Remaining: 0, " + prefix + "Reset: " + text
		}
	}
	return 0, ""
}
