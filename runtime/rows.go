// How runs lie in the store: one row each, and index rows to list them by
// script and by status. Run ids are UUIDv7, so ids in order are runs in order
// of creation.

package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/store"
)

const (
	tableRuns     = "runs"          // id -> run
	tableByScript = "runs.script"   // script NUL id
	tableByStatus = "runs.status"   // status NUL id
	tableStarts   = "runs.starts"   // script NUL idempotency key -> id
	tableStartOf  = "runs.start-of" // id -> key of its row in tableStarts
	tableChildren = "runs.children" // id of a run that another one started -> parent
	tableSignals  = "runs.signals"  // id NUL key of a signal that was counted
)

// run is the row of a run: what the API shows, and what the engine needs
// besides. Large input and output are blobs.
type run struct {
	Run
	InputHash  string `json:"inputHash,omitempty"`
	OutputHash string `json:"outputHash,omitempty"`
	ParentCall uint64 `json:"parentCall,omitempty"`
	OnFailed   string `json:"onFailed,omitempty"`
	Depth      int    `json:"depth,omitempty"` // how many runs wait for this one, through each other
	After      int    `json:"after,omitempty"` // failures in a row that led to this run by onFailed
	RateKey    string `json:"rateKey,omitempty"`
}

func (r *run) setInput(p journal.Payload) { r.Input, r.InputHash = split(p) }

func (r *run) setOutput(p journal.Payload) { r.Output, r.OutputHash = split(p) }

func split(p journal.Payload) (inline json.RawMessage, hash string) {
	if p.IsKept() {
		return nil, p.Hash.String()
	}
	return p.Inline, ""
}

func (r *run) encode() []byte {
	b, err := call.Encode(r)
	if err != nil {
		panic("runtime: a run does not encode: " + err.Error()) // its parts are checked JSON
	}
	return b
}

func indexKey(prefix, id string) string { return prefix + "\x00" + id }

func storeIndex(table, prefix, id string) store.RowOp {
	return store.RowOp{Table: table, Key: indexKey(prefix, id), Value: []byte{}}
}

// rangeOf is the range of the keys that begin with a prefix that ends in NUL.
func rangeOf(prefix string, limit int) store.Range {
	return store.Range{Start: []byte(prefix), End: []byte(strings.TrimSuffix(prefix, "\x00") + "\x01"), Limit: limit}
}

// parentTimer wakes the parent of an attached run.
func parentTimer(r *run, at time.Time) store.TimerOp {
	return store.TimerOp{Run: r.Parent, ID: timerOf(r.ParentCall), At: at}
}

// row reads a run's row, or NOT_FOUND_ERROR.
func (e *Engine) row(ctx context.Context, id string) (run, error) {
	value, ok, err := e.options.Store.Row(ctx, tableRuns, id)
	if err != nil {
		return run{}, storeError("read the run", err)
	}
	if !ok {
		return run{}, call.Errorf(call.CodeNotFound, "there is no run %s", id)
	}
	var r run
	if err := json.Unmarshal(value, &r); err != nil {
		return run{}, call.Errorf(call.CodeStore, "the row of run %s is damaged: %v", id, err)
	}
	return r, nil
}

// show fills in what a row does not hold itself.
func (e *Engine) show(ctx context.Context, r run) (Run, error) {
	for _, part := range []struct {
		hash string
		to   *json.RawMessage
	}{{r.InputHash, &r.Input}, {r.OutputHash, &r.Output}} {
		if part.hash == "" {
			continue
		}
		hash, err := journal.ParseHash(part.hash)
		if err != nil {
			return Run{}, call.Errorf(call.CodeStore, "the row of run %s is damaged: %v", r.ID, err)
		}
		if *part.to, err = e.blobs.Get(ctx, hash); err != nil {
			return Run{}, unreadable(err, "the input or the output of run %s", r.ID)
		}
	}
	return r.Run, nil
}

// Get returns a run, or NOT_FOUND_ERROR.
func (e *Engine) Get(ctx context.Context, id string) (Run, error) {
	r, err := e.row(ctx, id)
	if err != nil {
		return Run{}, err
	}
	return e.show(ctx, r)
}

// List returns a page of runs, newest first, and the cursor of the next page,
// empty at the end.
func (e *Engine) List(ctx context.Context, q ListQuery) (runs []Run, cursor string, err error) {
	table, prefix := tableRuns, ""
	switch {
	case q.Status != "":
		table, prefix = tableByStatus, indexKey(string(q.Status), "")
	case q.Script != "":
		table, prefix = tableByScript, indexKey(q.Script, "")
	}
	return e.page(ctx, table, prefix, q.Limit, q.Cursor, func(r *Run) bool {
		return (q.Script == "" || r.Script == q.Script) && (q.Status == "" || r.Status == q.Status)
	})
}

// page returns a page of the runs that a table lists below a prefix, newest
// first, of those that are wanted.
func (e *Engine) page(ctx context.Context, table, prefix string, limit int, from string, wanted func(*Run) bool) (runs []Run, cursor string, err error) {
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	r := store.Range{Start: []byte(prefix), Limit: limit + 1, Reverse: true}
	if prefix != "" {
		r.End = []byte(strings.TrimSuffix(prefix, "\x00") + "\x01")
	}
	if from != "" {
		r.End = []byte(prefix + from)
	}
	for {
		rows, err := e.options.Store.Rows(ctx, table, r)
		if err != nil {
			return nil, "", storeError("list the runs", err)
		}
		for _, row := range rows {
			if len(runs) == limit {
				return runs, runs[limit-1].ID, nil
			}
			r, err := e.row(ctx, row.Key[len(prefix):])
			if isGone(err) {
				continue // deleted meanwhile
			}
			run := r.Run // what is large is left out: a page of it could be gigabytes
			if err != nil {
				return nil, "", err
			}
			if wanted(&run) {
				runs = append(runs, run)
			}
		}
		if len(rows) <= limit {
			return runs, "", nil
		}
		r.End = []byte(rows[len(rows)-1].Key)
	}
}

// eachOf calls f for the runs of a script, newest first.
func (e *Engine) eachOf(ctx context.Context, script string, f func(r *run) error) error {
	prefix := indexKey(script, "")
	q := rangeOf(prefix, 500)
	q.Reverse = true
	for {
		rows, err := e.options.Store.Rows(ctx, tableByScript, q)
		if err != nil {
			return storeError("list the runs", err)
		}
		for _, row := range rows {
			r, err := e.row(ctx, row.Key[len(prefix):])
			if isGone(err) {
				continue // deleted meanwhile
			}
			if err == nil {
				err = f(&r)
			}
			if err != nil {
				return err
			}
		}
		if len(rows) < q.Limit {
			return nil
		}
		q.End = []byte(rows[len(rows)-1].Key)
	}
}

func isGone(err error) bool { return call.CodeOf(err) == call.CodeNotFound }

func isFull(err error) bool { return errors.Is(err, store.ErrFull) }

// storeError makes the error of a failed store operation.
func storeError(doing string, err error) error {
	switch {
	case err == nil:
		return call.Errorf(call.CodeStore, "could not %s: it is gone", doing)
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrClosed):
		return call.Errorf(call.CodeUnavailable, "could not %s: %v", doing, err)
	case errors.Is(err, store.ErrTooLarge):
		return call.Errorf(call.CodeInvalidArgument, "could not %s: it is larger than the store takes in one piece", doing)
	}
	return call.Errorf(call.CodeStore, "could not %s: %v", doing, err)
}
