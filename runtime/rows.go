// How runs lie in the store: one row each, and index rows to list them by
// script and by status. Run ids are UUIDv7, so ids in order are runs in order
// of creation.

package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

const (
	tableRuns     = "runs"          // id -> Run
	tableByScript = "runs.script"   // script NUL id
	tableByStatus = "runs.status"   // status NUL id
	tableStarts   = "runs.starts"   // script NUL idempotency key -> id
	tableStartOf  = "runs.start-of" // id -> key of its row in tableStarts
)

func indexKey(prefix, id string) string { return prefix + "\x00" + id }

func encodeRun(run Run) []byte {
	b, err := call.Encode(run)
	if err != nil {
		panic("runtime: a run does not encode: " + err.Error()) // its parts are checked JSON
	}
	return b
}

// insert writes a new run. store.ErrRowExists means that its key was used.
func (e *Engine) insert(ctx context.Context, run Run, key string) error {
	rows := []store.RowOp{
		{Table: tableRuns, Key: run.ID, Value: encodeRun(run)},
		{Table: tableByScript, Key: indexKey(run.Script, run.ID), Value: []byte{}},
		{Table: tableByStatus, Key: indexKey(string(run.Status), run.ID), Value: []byte{}},
	}
	if key != "" {
		start := indexKey(run.Script, key)
		rows = append(rows,
			store.RowOp{Table: tableStarts, Key: start, Value: []byte(run.ID), IfAbsent: true},
			store.RowOp{Table: tableStartOf, Key: run.ID, Value: []byte(start)})
	}
	_, err := e.options.Store.Commit(ctx, store.Commit{Rows: rows})
	return err
}

// update writes a run whose status was before.
func (e *Engine) update(ctx context.Context, run Run, before Status) error {
	_, err := e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{
		{Table: tableRuns, Key: run.ID, Value: encodeRun(run)},
		{Table: tableByStatus, Key: indexKey(string(before), run.ID)},
		{Table: tableByStatus, Key: indexKey(string(run.Status), run.ID), Value: []byte{}},
	}})
	return err
}

func (e *Engine) remove(ctx context.Context, run Run) error {
	rows := []store.RowOp{
		{Table: tableRuns, Key: run.ID},
		{Table: tableByScript, Key: indexKey(run.Script, run.ID)},
		{Table: tableByStatus, Key: indexKey(string(run.Status), run.ID)},
	}
	start, ok, err := e.options.Store.Row(ctx, tableStartOf, run.ID)
	if err != nil {
		return storeError("delete the run", err)
	}
	if ok {
		rows = append(rows, store.RowOp{Table: tableStarts, Key: string(start)}, store.RowOp{Table: tableStartOf, Key: run.ID})
	}
	if _, err := e.options.Store.Commit(ctx, store.Commit{Rows: rows}); err != nil {
		return storeError("delete the run", err)
	}
	return nil
}

// sameStart returns the run that an idempotency key started before.
func (e *Engine) sameStart(ctx context.Context, script, key string, input []byte) (Run, error) {
	id, ok, err := e.options.Store.Row(ctx, tableStarts, indexKey(script, key))
	if err != nil || !ok {
		return Run{}, storeError("read the run of the idempotency key", err)
	}
	run, err := e.Get(ctx, string(id))
	if err != nil {
		return Run{}, err
	}
	if !bytes.Equal(run.Input, input) {
		return Run{}, call.Errorf(call.CodeConflict,
			"the idempotency key %q of %s was used before with another input, by run %s", key, script, run.ID)
	}
	return run, nil
}

// Get returns a run, or NOT_FOUND_ERROR.
func (e *Engine) Get(ctx context.Context, id string) (Run, error) {
	value, ok, err := e.options.Store.Row(ctx, tableRuns, id)
	if err != nil {
		return Run{}, storeError("read the run", err)
	}
	if !ok {
		return Run{}, call.Errorf(call.CodeNotFound, "there is no run %s", id)
	}
	var run Run
	if err := json.Unmarshal(value, &run); err != nil {
		return Run{}, call.Errorf(call.CodeStore, "the row of run %s is damaged: %v", id, err)
	}
	return run, nil
}

// List returns a page of runs, newest first, and the cursor of the next page,
// empty at the end.
func (e *Engine) List(ctx context.Context, q ListQuery) (runs []Run, cursor string, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	table, prefix := tableRuns, ""
	switch {
	case q.Status != "":
		table, prefix = tableByStatus, indexKey(string(q.Status), "")
	case q.Script != "":
		table, prefix = tableByScript, indexKey(q.Script, "")
	}
	r := store.Range{Start: []byte(prefix), Limit: limit + 1, Reverse: true}
	if prefix != "" {
		r.End = []byte(strings.TrimSuffix(prefix, "\x00") + "\x01")
	}
	if q.Cursor != "" {
		r.End = []byte(prefix + q.Cursor)
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
			run, err := e.Get(ctx, row.Key[len(prefix):])
			if call.CodeOf(err) == call.CodeNotFound {
				continue // deleted meanwhile
			}
			if err != nil {
				return nil, "", err
			}
			if (q.Script == "" || run.Script == q.Script) && (q.Status == "" || run.Status == q.Status) {
				runs = append(runs, run)
			}
		}
		if len(rows) <= limit {
			return runs, "", nil
		}
		r.End = []byte(rows[len(rows)-1].Key)
	}
}

// closeUnfinished marks the runs that an earlier process left behind.
func (e *Engine) closeUnfinished(ctx context.Context) error {
	for _, status := range []Status{Running, Queued, Waiting} {
		for {
			runs, cursor, err := e.List(ctx, ListQuery{Status: status, Limit: 500})
			if err != nil {
				return err
			}
			for _, run := range runs {
				now := time.Now().UTC()
				run.Status, run.EndedAt = Failed, &now
				run.Error = call.Errorf(call.CodeServerStopped, "the server stopped while the run was %s", status)
				if err := e.update(ctx, run, status); err != nil {
					return storeError("close an unfinished run", err)
				}
			}
			if cursor == "" {
				break
			}
		}
	}
	return nil
}

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
