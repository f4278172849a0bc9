package cache

import "context"

// Flight is a request that is under way, and those who wait for its answer.
type Flight struct {
	request   Request
	landed    chan struct{}
	answer    *Answer // nil: they ask themselves; set before landed is closed
	over      bool    // guarded by the cache's mu
	forgotten bool    // something was written there meanwhile; guarded by the cache's mu
}

// Join joins the flight of a request. Who leads asks the upstream and must Land
// it; the others Wait.
func (c *Cache) Join(r Request) (f *Flight, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[r.Key]; f != nil {
		return f, false
	}
	f = &Flight{request: r, landed: make(chan struct{})}
	c.flights[r.Key] = f
	return f, true
}

// Land ends a flight. Those who wait have the answer; without one they ask
// themselves. Only the first time counts.
func (c *Cache) Land(f *Flight, a *Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.over {
		return
	}
	if c.flights[f.request.Key] == f {
		delete(c.flights, f.request.Key)
	}
	f.over, f.answer = true, a
	close(f.landed)
}

// Wait waits until the flight has landed. Without an answer one asks oneself. The
// error is ctx's.
func (f *Flight) Wait(ctx context.Context) (*Answer, error) {
	select {
	case <-f.landed:
		return f.answer, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
