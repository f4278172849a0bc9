package storetest

// A crash of the process, as the store sees it: up to some commit everything
// happened, and from then on nothing does. What then is on the disk is a prefix
// of the commits that contains every one that was waited for.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"reprise/store"
)

// Faults is a store that can stop as if the process had died. It counts what is
// written through it, one after the other, and remembers it, so that the data
// of a crash can be made again: as it is (in the store it wraps), or without
// the last commits that nobody waited for ([Faults.Survivors]).
//
//	f := storetest.NewFaults(s)
//	f.StopAfter(7)
//	runEverything(f)          // gets ErrClosed from the 8th write on
//	runEverything(s)          // after a crash that lost nothing, or:
//	g, err := f.Survivors(fresh, 0)
//	runEverything(g)          // after one that lost what it may
type Faults struct {
	// Unacknowledged says that the last write before the stop happens, and its
	// caller does not learn that it did. Set it before the first write.
	Unacknowledged bool
	// OnCommit, if set, is told of every write that happened, in order, with its
	// number from 1 on. It must not use the store, nor change or keep c. A
	// dropped journal is a commit with nothing but its Run.
	OnCommit func(n int, c *store.Commit)

	wrapped store.Store

	mu      sync.Mutex // held while a commit happens: one at a time
	commits int        // how many happened
	stop    int        // after how many it stops; -1: never
	stopped chan struct{}
	history []written
	durable int // how many of history no crash can lose
}

// written is one write that happened.
type written struct {
	commit store.Commit
	done   store.Committed
	drop   bool // commit.Run's journal was dropped, and nothing else
}

var _ store.Store = (*Faults)(nil)

// NewFaults wraps s, which must be empty if Survivors is to be used. The wrapped
// store stays open when this one stops or is closed.
func NewFaults(s store.Store) *Faults {
	return &Faults{wrapped: s, stop: -1, stopped: make(chan struct{})}
}

// StopAfter makes the store stop after n writes, counted from its beginning: the
// n-th still happens, and from then on every call returns ErrClosed.
func (f *Faults) StopAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop = n
	f.stopIfDue()
}

// Stop stops the store now.
func (f *Faults) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.halt()
}

// Stopped is closed when the store has stopped.
func (f *Faults) Stopped() <-chan struct{} { return f.stopped }

// Commits says how many writes happened: commits that wrote anything, and
// dropped journals.
func (f *Faults) Commits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commits
}

// Relaxed says how many of the last writes a crash may lose now.
func (f *Faults) Relaxed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.history) - f.durable
}

// Survivors writes into fresh, an empty store of the same engine, what is there
// after a crash that lost all but the first kept of the [Faults.Relaxed] last
// writes; and it wraps fresh in a store that can crash again. The versions are
// the same as they were, or it is an error. (Keys that expired meanwhile are
// absent, as after a crash; a Sum on such a key is beyond this.)
func (f *Faults) Survivors(fresh store.Store, kept int) (*Faults, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if relaxed := len(f.history) - f.durable; kept < 0 || kept > relaxed {
		return nil, fmt.Errorf("storetest: %d of %d relaxed writes can not survive", kept, relaxed)
	}
	after := NewFaults(fresh)
	after.history = slices.Clip(f.history[:f.durable+kept])
	after.durable = len(after.history)
	for i := range after.history {
		if err := again(fresh, &after.history[i]); err != nil {
			return nil, fmt.Errorf("storetest: doing write %d of %d again: %w", i+1, len(after.history), err)
		}
	}
	return after, nil
}

// again does w in another store.
func again(s store.Store, w *written) error {
	ctx := context.Background() //nolint:forbidigo // a test's own store, for which nobody waits elsewhere
	if w.drop {
		return s.DropJournal(ctx, w.commit.Run)
	}
	c := w.commit
	c.Checks = nil // they held; by now a key may have expired
	c.Relaxed = false
	done, err := s.Commit(ctx, c)
	if err == nil && done != w.done {
		err = fmt.Errorf("it returned %v, and %v the first time", done, w.done)
	}
	return err
}

// Commit implements [store.Store].
func (f *Faults) Commit(ctx context.Context, c store.Commit) (done store.Committed, err error) {
	writes := len(c.Appends)+len(c.KV)+len(c.Timers)+len(c.Rows) > 0
	err = f.write(ctx, func(ctx context.Context) (w *written, durable bool, err error) {
		if done, err = f.wrapped.Commit(ctx, c); err != nil || !writes {
			return nil, err == nil && !c.Relaxed, err
		}
		return &written{commit: clone(&c), done: done}, !c.Relaxed, nil
	})
	if err != nil {
		return store.Committed{}, err
	}
	return done, nil
}

// DropJournal implements [store.Store].
func (f *Faults) DropJournal(ctx context.Context, run string) error {
	return f.write(ctx, func(ctx context.Context) (*written, bool, error) {
		if err := f.wrapped.DropJournal(ctx, run); err != nil {
			return nil, false, err
		}
		return &written{commit: store.Commit{Run: run}, drop: true}, true, nil
	})
}

// write lets do happen, alone, unless the store has stopped. It is not left in
// the open whether it happened: a context that ends can not interrupt it.
func (f *Faults) write(ctx context.Context, do func(context.Context) (w *written, durable bool, err error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("storetest: nothing was written: %w", err)
	}
	w, durable, err := do(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if w != nil {
		f.commits++
		f.history = append(f.history, *w)
		if f.OnCommit != nil {
			f.OnCommit(f.commits, &w.commit)
		}
	}
	if durable {
		f.durable = len(f.history)
	}
	f.stopIfDue()
	if w != nil && f.Unacknowledged {
		return f.alive()
	}
	return nil
}

// stopIfDue stops the store when it has reached its number. f.mu is held.
func (f *Faults) stopIfDue() {
	if f.stop >= 0 && f.commits >= f.stop {
		f.halt()
	}
}

// halt stops the store. f.mu is held.
func (f *Faults) halt() {
	if f.alive() == nil {
		close(f.stopped)
	}
}

// alive returns ErrClosed once the store has stopped.
func (f *Faults) alive() error {
	select {
	case <-f.stopped:
		return store.ErrClosed
	default:
		return nil
	}
}

// Close implements [store.Store]: the store stops, and nothing that happened
// can be lost any more. The wrapped one stays open.
func (f *Faults) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.alive() == nil {
		f.durable = len(f.history)
		f.halt()
	}
	return nil
}

// clone copies what c points to.
func clone(c *store.Commit) store.Commit {
	d := *c
	d.Appends = make([][]byte, len(c.Appends))
	for i, a := range c.Appends {
		d.Appends[i] = bytes.Clone(a)
	}
	if c.Stamp != nil {
		at := *c.Stamp
		d.Stamp = &at
	}
	d.Checks = slices.Clone(c.Checks)
	for i := range d.Checks {
		d.Checks[i].Key = bytes.Clone(d.Checks[i].Key)
	}
	d.KV = slices.Clone(c.KV)
	for i := range d.KV {
		d.KV[i].Key, d.KV[i].Value = bytes.Clone(d.KV[i].Key), bytes.Clone(d.KV[i].Value)
	}
	d.Timers = slices.Clone(c.Timers)
	d.Rows = slices.Clone(c.Rows)
	for i := range d.Rows {
		d.Rows[i].Value = bytes.Clone(d.Rows[i].Value)
	}
	return d
}

// read asks the wrapped store, unless this one has stopped before or meanwhile.
func read[T any](f *Faults, ask func() (T, error)) (T, error) {
	var none T
	if err := f.alive(); err != nil {
		return none, err
	}
	got, err := ask()
	if stopped := f.alive(); stopped != nil {
		return none, errors.Join(stopped, err)
	}
	return got, err
}

// Journal implements [store.Store].
func (f *Faults) Journal(ctx context.Context, run string, from uint64) ([][]byte, error) {
	return read(f, func() ([][]byte, error) { return f.wrapped.Journal(ctx, run, from) })
}

// Get implements [store.Store].
func (f *Faults) Get(ctx context.Context, namespace string, keys ...[]byte) ([]store.Entry, error) {
	return read(f, func() ([]store.Entry, error) { return f.wrapped.Get(ctx, namespace, keys...) })
}

// List implements [store.Store].
func (f *Faults) List(ctx context.Context, namespace string, r store.Range) ([]store.Entry, error) {
	return read(f, func() ([]store.Entry, error) { return f.wrapped.List(ctx, namespace, r) })
}

// Row implements [store.Store].
func (f *Faults) Row(ctx context.Context, table, key string) (value []byte, ok bool, err error) {
	value, err = read(f, func() (v []byte, err error) {
		v, ok, err = f.wrapped.Row(ctx, table, key)
		return v, err
	})
	return value, ok && err == nil, err
}

// Rows implements [store.Store].
func (f *Faults) Rows(ctx context.Context, table string, r store.Range) ([]store.Row, error) {
	return read(f, func() ([]store.Row, error) { return f.wrapped.Rows(ctx, table, r) })
}

// Due implements [store.Store].
func (f *Faults) Due(ctx context.Context, now time.Time, limit int) ([]store.Timer, error) {
	return read(f, func() ([]store.Timer, error) { return f.wrapped.Due(ctx, now, limit) })
}
