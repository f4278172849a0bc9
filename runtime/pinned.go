// Revisions that runs are pinned to. They are in the store as long as a run
// needs them, whatever became of the files they were built from; see served.go
// for who else does.

package runtime

import (
	"context"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

// tableRevisions has a row for every revision that is kept: id -> hash of its
// packed form, which is a blob.
const tableRevisions = "revisions"

// tableByRevision lists the runs of a revision: revision NUL run.
const tableByRevision = "runs.revision"

func revisionOwner(id string) string { return "revision/" + id }

// loaded is a revision that the workers have because of us.
type loaded struct {
	users  int
	ready  chan struct{} // closed when what follows is set
	script *Script
	err    error
}

// keep sees to it that a revision is in the store.
func (e *Engine) keep(ctx context.Context, id string) error {
	if e.options.Revisions == nil || e.isKept(id) {
		return nil
	}
	e.keeping.Lock()
	defer e.keeping.Unlock()
	_, there, err := e.options.Store.Row(ctx, tableRevisions, id)
	if err != nil {
		return storeError("look for the revision", err)
	}
	if !there {
		if err := e.store(ctx, id); err != nil {
			return err
		}
	}
	e.mu.Lock()
	e.keptRevisions[id] = time.Now()
	e.mu.Unlock()
	return nil
}

// isKept reports whether a revision is known to be in the store, and sees to it
// that it stays there for a while: a run is about to begin with it.
func (e *Engine) isKept(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, known := e.keptRevisions[id]
	if known {
		e.keptRevisions[id] = time.Now()
	}
	return known
}

// unkeep forgets that a revision is in the store, unless it was asked for lately.
func (e *Engine) unkeep(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, known := e.keptRevisions[id]; known && time.Since(last) < keptLately {
		return false
	}
	delete(e.keptRevisions, id)
	return true
}

// keptLately is longer than a run takes from asking for its revision to its row.
const keptLately = sweepEvery / 2

func (e *Engine) store(ctx context.Context, id string) error {
	packed, err := e.options.Revisions.Pack(id)
	if err != nil {
		return err
	}
	return e.storePacked(ctx, id, packed)
}

func (e *Engine) storePacked(ctx context.Context, id string, packed []byte) error {
	hash, err := e.blobs.Put(ctx, revisionOwner(id), packed)
	if err != nil {
		return storeError("keep the revision", err)
	}
	_, err = e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: tableRevisions, Key: id, Value: hash[:]}}, Relaxed: true})
	if err != nil {
		return storeError("keep the revision", err)
	}
	return nil
}

// pinned returns a revision that the workers have loaded, until release. Loading
// may take long, where no worker is there or the top level ends one: who wants
// another revision does not wait for that.
func (e *Engine) pinned(ctx context.Context, script, id string) (s *Script, release func(), err error) {
	for {
		e.pins.Lock()
		l := e.loaded[id]
		first := l == nil
		if first {
			l = &loaded{ready: make(chan struct{})}
			e.loaded[id] = l
		}
		l.users++
		e.pins.Unlock()
		if first {
			e.loadFirst(ctx, script, id, l)
		}
		<-l.ready
		switch {
		case l.err == nil:
			return l.script, func() { e.unpin(id, l) }, nil
		case first:
			return nil, nil, l.err
		}
		// It may have been for a reason of its own, as that its client has left.
	}
}

// loadFirst has a revision loaded for all who wait for it.
func (e *Engine) loadFirst(ctx context.Context, script, id string, l *loaded) {
	defer close(l.ready)
	l.script, l.err = e.load(ctx, script, id)
	if l.err != nil {
		e.pins.Lock()
		defer e.pins.Unlock()
		delete(e.loaded, id)
	}
}

func (e *Engine) unpin(id string, l *loaded) {
	e.pins.Lock()
	l.users--
	last := l.users == 0
	if last {
		delete(e.loaded, id)
	}
	e.pins.Unlock()
	if last {
		e.options.Workers.Forget(id)
	}
}

// load has the workers hold a revision: one that serves, or one from the store.
func (e *Engine) load(ctx context.Context, script, id string) (*Script, error) {
	if e.options.Workers.Hold(id) {
		if s := e.options.Scripts.Current(script); s != nil && s.Revision == id {
			return s, nil
		}
		e.options.Workers.Forget(id)
	}
	if e.options.Revisions == nil {
		return nil, call.Errorf(call.CodeNotFound, "the revision %s is not kept", id)
	}
	packed, err := readRevision(ctx, e.options.Store, e.blobs, id)
	if err != nil {
		return nil, err
	}
	return e.options.Revisions.Unpack(packed)
}
