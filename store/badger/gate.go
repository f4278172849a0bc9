package badger

import (
	"sync"

	"reprise/store"
)

// gate lets operations in until it is closed, and then waits for those inside.
// (An RWMutex would deadlock on an operation that starts another one, as a
// callback of LogStore.Blocks may.)
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed when the gate is closed and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter returns ErrClosed once the gate is closed; else leave must be called.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return store.ErrClosed
	}
	g.inside++
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// close closes the gate and waits until nobody is inside. It reports whether
// this call was the one that closed it.
func (g *gate) close() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	if first && g.inside == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	<-g.empty
	return first
}
