package connections

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// throttle is what an upstream can take, of all scripts and runs together. Those
// who wait go in the order in which they came. It is safe for concurrent use.
type throttle struct {
	rate  *rate.Limiter // nil: no limit
	slots chan struct{} // nil: no limit
}

func newThrottle(u *Upstream) *throttle {
	t := &throttle{}
	if r := u.Rate; r != nil {
		// One after another, unless more are allowed to go at once: an upstream that
		// counts in windows would see too many where two of them meet.
		t.rate = rate.NewLimiter(rate.Limit(float64(r.Limit)/r.Per.Seconds()), max(1, r.Burst))
	}
	if u.Concurrency > 0 {
		t.slots = make(chan struct{}, u.Concurrency)
	}
	return t
}

// enter waits until a request may be sent; leave must be called when it is over.
// The error is ctx's.
func (t *throttle) enter(ctx context.Context) error {
	if t.slots != nil {
		select {
		case t.slots <- struct{}{}:
		default:
			select {
			case t.slots <- struct{}{}:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	if t.rate != nil {
		if err := t.wait(ctx); err != nil {
			t.leave()
			return err
		}
	}
	return nil
}

// wait takes a place in the order of requests and waits for it. The limiter's own
// Wait refuses at once what would come too late for ctx, and does not say why.
func (t *throttle) wait(ctx context.Context) error {
	r := t.rate.Reserve()
	d := r.Delay()
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		r.Cancel()
		return context.Cause(ctx)
	}
}

func (t *throttle) leave() {
	if t.slots != nil {
		<-t.slots
	}
}
