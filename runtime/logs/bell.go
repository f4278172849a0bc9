package logs

import (
	"sync/atomic"
	"time"
)

// bellEvery is the shortest time between two wake-ups of the waiting readers.
// The first entry after a quiet time wakes them at once.
const bellEvery = 5 * time.Millisecond

// bell wakes all who wait for entries, on its own goroutine: for the one who
// emits, ringing costs the same whether nobody waits or a hundred do.
type bell struct {
	kick chan struct{}
	wait atomic.Pointer[chan struct{}]
}

func newBell() *bell {
	b := &bell{kick: make(chan struct{}, 1)}
	c := make(chan struct{})
	b.wait.Store(&c)
	return b
}

// ring says that there is something new. It never blocks.
func (b *bell) ring() {
	select {
	case b.kick <- struct{}{}:
	default: // a wake-up is already due
	}
}

// next returns a channel that is closed when the bell rings. Take it before
// looking for entries, and wait on it after finding none.
func (b *bell) next() <-chan struct{} { return *b.wait.Load() }

// run rings until stop is closed, and once more then.
func (b *bell) run(stop <-chan struct{}) {
	timer := time.NewTimer(bellEvery)
	defer timer.Stop()
	for {
		select {
		case <-b.kick:
		case <-stop:
			b.wake()
			return
		}
		b.wake()
		timer.Reset(bellEvery)
		select {
		case <-timer.C:
		case <-stop:
			b.wake()
			return
		}
	}
}

func (b *bell) wake() {
	c := make(chan struct{})
	close(*b.wait.Swap(&c))
}
