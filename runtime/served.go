// Which revision of each script serves is in the store, and so is that revision,
// also when no run has it: if the file is broken when the next process starts,
// what served last serves on. Nobody waits for this to be written: a process that
// is killed a few milliseconds after a save leaves what served before that. A
// start at which nothing has changed reads the table once and writes nothing.

package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"reprise/runtime/blobs"
	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/store"
)

// tableServed has what serves, or did last: script -> Served.
const tableServed = "scripts.served"

// Served is the revision of a script that serves, or did last.
type Served struct {
	Revision string    `json:"revision"` // its id; empty while none serves
	Since    time.Time `json:"since"`
	// Engine is the number of the VM side that it served with.
	Engine uint64 `json:"engine"`
}

// ReadServed returns what served last, by script. It is for the time before
// there is an engine.
func ReadServed(ctx context.Context, s store.Store) (map[string]Served, error) {
	out := map[string]Served{}
	r := store.Range{Limit: 500}
	for {
		rows, err := s.Rows(ctx, tableServed, r)
		if err != nil {
			return nil, storeError("read what served last", err)
		}
		for _, row := range rows {
			var v Served
			if json.Unmarshal(row.Value, &v) == nil { // of one that is damaged nothing is known
				out[row.Key] = v
			}
		}
		if len(rows) < r.Limit {
			return out, nil
		}
		r.Start = []byte(rows[len(rows)-1].Key + "\x00")
	}
}

// ReadRevision returns the packed form of a revision that is kept, or
// NOT_FOUND_ERROR.
func ReadRevision(ctx context.Context, s store.Store, id string) ([]byte, error) {
	return readRevision(ctx, s, blobs.New(s), id)
}

func readRevision(ctx context.Context, s store.Store, b *blobs.Blobs, id string) ([]byte, error) {
	value, ok, err := s.Row(ctx, tableRevisions, id)
	if err != nil {
		return nil, storeError("read the revision", err)
	}
	if !ok || len(value) != 32 {
		return nil, call.Errorf(call.CodeNotFound, "the revision %s is not in the store", id)
	}
	packed, err := b.Get(ctx, [32]byte(value))
	if err != nil {
		return nil, storeError("read the revision", err)
	}
	return packed, nil
}

// serving keeps what serves in the store.
type serving struct {
	engine *Engine
	rang   chan struct{} // has room for one: now has changed

	mu  sync.Mutex
	now map[string]Served // as it was said last; nil when that is in the store; guarded by mu

	kept map[string]Served // what the store has; nil until it was read. The goroutine's own
}

// Serving tells the engine which revision of each script serves now. For one
// that is there and that none serves, Revision is empty: what served it last
// stays, while what served scripts that are gone does not. It returns at once.
func (e *Engine) Serving(now map[string]Served) {
	s := e.serving
	s.mu.Lock()
	s.now = now
	s.mu.Unlock()
	select {
	case s.rang <- struct{}{}:
	default:
	}
}

// keepAgain is when what serves is written again that could not be.
const keepAgain = time.Minute

// run writes down what is said, until the engine stops. What was said by then
// is written first.
func (s *serving) run() {
	defer s.engine.work.Done()
	var again <-chan time.Time
	for stopping := false; !stopping; {
		select {
		case <-s.rang:
		case <-again:
		case <-s.engine.quit:
			stopping = true
		}
		again = nil
		if err := s.keep(s.engine.ctx); err != nil && !stopping && s.engine.ctx.Err() == nil {
			s.engine.options.Logger.Warn("which revisions serve could not be kept; trying again", "error", err)
			again = time.After(keepAgain)
		}
	}
}

// keep brings the store up to what was said last.
func (s *serving) keep(ctx context.Context) error {
	s.mu.Lock()
	now := s.now
	s.mu.Unlock()
	if now == nil || s.engine.options.Revisions == nil {
		return nil
	}
	if s.kept == nil {
		kept, err := ReadServed(ctx, s.engine.options.Store)
		if err != nil {
			return err
		}
		s.kept = kept
	}
	changed, failed := s.changes(ctx, now)
	for part := range slices.Chunk(changed, 500) { // one commit holds so many
		if _, err := s.engine.options.Store.Commit(ctx, store.Commit{Rows: part}); err != nil {
			s.kept = nil // who knows what it has
			return errors.Join(failed, storeError("keep what serves", err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed == nil && maps.Equal(s.now, now) {
		s.now = nil
	}
	return failed
}

// changes are the rows that differ from what is said now. The revisions they
// name are in the store before them.
func (s *serving) changes(ctx context.Context, now map[string]Served) (rows []store.RowOp, failed error) {
	for _, script := range slices.Sorted(maps.Keys(now)) {
		is, was := now[script], s.kept[script]
		is.Engine = worker.Engine
		if is.Revision == "" || is.Revision == was.Revision && is.Engine == was.Engine {
			continue
		}
		if err := s.engine.keep(ctx, is.Revision); err != nil {
			if !s.isOutdated(script, is.Revision) {
				failed = errors.Join(failed, err)
			}
			continue
		}
		if is.Revision == was.Revision {
			is.Since = was.Since
		}
		value, err := call.Encode(is)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		rows = append(rows, store.RowOp{Table: tableServed, Key: script, Value: value})
		s.kept[script] = is
	}
	for _, script := range slices.Sorted(maps.Keys(s.kept)) {
		if _, there := now[script]; !there {
			rows = append(rows, store.RowOp{Table: tableServed, Key: script})
			delete(s.kept, script)
		}
	}
	return rows, failed
}

// isOutdated reports whether another revision of a script serves by now: the
// one before may be loaded no more.
func (s *serving) isOutdated(script, revision string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now[script].Revision != revision
}
