package worker

import (
	"sync"
	"time"
)

// parts puts what the process uses of the processor down to the turns that
// execute, in equal parts. It shows how much a turn was charged that executed all
// the time: a turn is charged the difference between its end and its beginning.
// To divide only in the end would charge the last of many, which made each other
// slow, with all of it. It is safe for concurrent use.
type parts struct {
	cpu   func() time.Duration // of the process
	every time.Duration        // it is not asked more often

	mu    sync.Mutex
	turns int           // that execute; guarded by mu
	last  time.Duration // what cpu was; guarded by mu
	read  time.Time     // when; guarded by mu
	sum   time.Duration // guarded by mu
}

// change has so many turns more, or fewer, execute from now on.
func (p *parts) change(turns int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add()
	p.turns += turns
}

// now is what a turn was charged up to now.
func (p *parts) now() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add()
	return p.sum
}

// readEvery is how exact parts are: to ask the system costs as much as a small
// turn's tenth.
const readEvery = 50 * time.Microsecond

// add charges what was used since the last time. p.mu is held.
func (p *parts) add() {
	now := time.Now()
	if now.Sub(p.read) < p.every {
		return
	}
	p.read = now
	cpu := p.cpu()
	p.sum += (cpu - p.last) / time.Duration(max(1, p.turns))
	p.last = cpu
}
