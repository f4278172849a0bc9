package badger

import (
	"context"
	"sync"
	"sync/atomic"
)

// early knows what was written by Relaxed commits that are acknowledged but not
// landed: readers of that wait until it has. A scope is a KV namespace, a table,
// a run's journal or the timers.
type early struct {
	count  atomic.Int64 // of scopes; the common case is none
	mu     sync.Mutex
	scopes map[string]*batch // the last batch with such a commit
}

func newEarly() *early { return &early{scopes: make(map[string]*batch)} }

// add must be called before the commit is acknowledged.
func (e *early) add(b *batch, scopes []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range scopes {
		e.scopes[s] = b
	}
	e.count.Store(int64(len(e.scopes)))
}

// landed must be called after readers can see what b wrote.
func (e *early) landed(b *batch) {
	if len(b.scopes) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range b.scopes {
		if e.scopes[s] == b {
			delete(e.scopes, s)
		}
	}
	e.count.Store(int64(len(e.scopes)))
}

// wait returns when everything acknowledged in scope can be seen.
func (e *early) wait(ctx context.Context, scope string) error {
	if e.count.Load() == 0 {
		return nil
	}
	e.mu.Lock()
	b := e.scopes[scope]
	e.mu.Unlock()
	if b == nil {
		return nil
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const timerScope = string(kindTimer)

func kvScope(namespace string) string { return string(rune(kindKV)) + namespace }

func tableScope(table string) string { return string(rune(kindRow)) + table }

func journalScope(run string) string { return string(rune(kindHead)) + run }
