// The tries of a call, each written down by the run's actor for the goroutine
// that performs the call.

package runtime

import (
	"context"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// attempted takes, on the performing goroutine, the report of a try that
// another one follows. It is on disk before that begins.
func (a *actor) attempted(c *openCall, at call.Attempt) {
	c.barred = <-a.post(c, func() {
		retry := a.now().Add(at.RetryIn)
		a.record(&journal.Attempt{
			Call: c.call.ID, N: at.N, At: a.now(), Failed: true, Status: at.Status, Err: at.Err,
			Took: at.Took, Bytes: at.Bytes, RetryAt: retry, Reason: at.Reason,
		})
		if c.tries = at.N; at.RetryIn > retryParked {
			c.until = retry // it may be put aside until then
			return
		}
		a.beginTry(c)
	})
}

// rest is the pause before the next try, on the performing goroutine.
func (a *actor) rest(ctx context.Context, c *openCall, d time.Duration) error {
	if c.barred != nil {
		return c.barred
	}
	if err := wait(ctx, d); err != nil || d <= retryParked {
		return err
	}
	return <-a.post(c, func() {
		c.until = time.Time{}
		a.beginTry(c)
	})
}

// beginTry writes down that another try of a write begins.
func (a *actor) beginTry(c *openCall) {
	if c.call.Class == call.Write {
		a.record(&journal.Attempt{Call: c.call.ID, N: c.tries + 1, At: a.now()})
		a.flush(true)
	}
}

// post has f done by the actor while c is open, for the goroutine that performs
// it. The error says why the call must not go on.
func (a *actor) post(c *openCall, f func()) <-chan error {
	done := make(chan error, 1)
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	if a.engine.actors[a.id] != a {
		done <- errAside
		return done
	}
	a.mail = append(a.mail, letter{
		do: func(*actor) {
			if a.x == nil || a.x.open[c.call.ID] != c {
				done <- errAside // aborted meanwhile, or put aside
				return
			}
			f()
			done <- a.broken
		},
		refuse: func(err error) { done <- err },
	})
	a.ring()
	return done
}
