package httpbind

import (
	"context"
	"sync"
)

// asides are what goes on while no call waits for it. The zero value is ready. It
// is safe for concurrent use.
type asides struct {
	group sync.WaitGroup

	mu     sync.Mutex
	closed bool              // guarded by mu
	ends   map[*aside]func() // by what is under way; guarded by mu
}

// start has f done, unless all is over. Its context ends with close and not with
// ctx.
func (a *asides) start(ctx context.Context, f func(context.Context)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	id := new(aside)
	if a.ends == nil {
		a.ends = map[*aside]func(){}
	}
	a.ends[id] = cancel
	a.group.Go(func() {
		defer func() {
			cancel()
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.ends, id)
		}()
		f(ctx)
	})
	return true
}

// close ends all and waits for it.
func (a *asides) close() {
	a.mu.Lock()
	a.closed = true
	for _, end := range a.ends {
		end()
	}
	a.mu.Unlock()
	a.group.Wait()
}

// aside names one of them.
type aside struct{ _ byte }
