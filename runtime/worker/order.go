package worker

import (
	"fmt"
	"time"
)

// order is what the server knows of a run's turns so far. A turn that a worker
// wrote is recorded and acted upon only if it can be the next one: a journal
// with a gap in it could never be replayed, and the moment of a turn is when
// timers begin.
type order struct {
	handler Handler
	turn    uint64    // the number of the last turn
	call    uint64    // the number of the last call
	clock   time.Time // the script's, in the last turn
}

// next takes x as the turn in which the script's clock was moved to at: to
// Start.Now in the first one, then to what Deliver and Unwind were given.
func (o *order) next(x *Turn, at time.Time) error {
	clock := o.clock
	if at = at.Round(0); at.After(clock) {
		clock = at
	}
	switch {
	case x.N != o.turn+1:
		return fmt.Errorf("turn %d follows turn %d", x.N, o.turn)
	case !x.At.Equal(clock):
		return fmt.Errorf("turn %d happened at %v, and the script's clock said %v", x.N, x.At, clock)
	}
	last := o.call
	if n := len(x.Calls); n > 0 {
		if first := x.Calls[0].ID; first != last+1 {
			return fmt.Errorf("turn %d issues call %d after call %d", x.N, first, last)
		}
		last = x.Calls[n-1].ID // they are in order
	}
	for _, id := range x.Aborts {
		if id == 0 || id > last {
			return fmt.Errorf("turn %d aborts call %d, and the last one was %d", x.N, id, last)
		}
	}
	if err := o.result(x); err != nil {
		return err
	}
	o.turn, o.call, o.clock = x.N, last, clock
	return nil
}

// result holds a turn to what its handler has for a result.
func (o *order) result(x *Turn) error {
	fetch := o.handler == HandlerFetch
	switch {
	case fetch && x.Settled && x.Err == nil && x.Response == nil && x.TooLarge == 0:
		return fmt.Errorf("turn %d settles a request without a response", x.N)
	case fetch && len(x.Value) > 0, !fetch && x.Response != nil:
		return fmt.Errorf("turn %d has a result that no %s handler has", x.N, o.handler)
	}
	return nil
}
