package runtime

import (
	"context"
	"slices"
	"time"

	"reprise/runtime/call"
	"reprise/store"
)

// waiter is somebody who waits for a run.
type waiter struct {
	answer chan run // has room for one
	enough func(Status) bool
}

// Wait returns the run as soon as it has ended, or stands still and so will not
// end by itself, or as it is after d. Its status says which.
func (e *Engine) Wait(ctx context.Context, id string, d time.Duration) (Run, error) {
	return e.wait(ctx, id, d, func(s Status) bool { return s.Ended() || s.StandsStill() })
}

// wait returns the run as soon as its status is enough, or as it is after d.
func (e *Engine) wait(ctx context.Context, id string, d time.Duration, enough func(Status) bool) (Run, error) {
	if d <= 0 {
		return e.Get(ctx, id)
	}
	w := &waiter{make(chan run, 1), enough}
	e.mu.Lock()
	e.waiters[id] = append(e.waiters[id], w)
	e.mu.Unlock()
	defer e.stopWaiting(id, w)
	r, err := e.Get(ctx, id) // after we are listed, so that nothing is missed
	if err != nil || enough(r.Status) {
		return r, err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case r := <-w.answer:
		return e.show(ctx, r)
	case <-timer.C:
	case <-e.quit:
	case <-ctx.Done():
		return Run{}, context.Cause(ctx)
	}
	return e.Get(ctx, id)
}

func (e *Engine) stopWaiting(id string, w *waiter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keepWaiters(id, func(other *waiter) bool { return other != w })
}

// keepWaiters lets the waiters of a run go that keep does not want. e.mu is held.
func (e *Engine) keepWaiters(id string, keep func(*waiter) bool) {
	left := slices.DeleteFunc(e.waiters[id], func(w *waiter) bool { return !keep(w) })
	if len(left) == 0 {
		delete(e.waiters, id)
	} else {
		e.waiters[id] = left
	}
}

// announce tells those who wait for it that a run has ended or stands still.
func (e *Engine) announce(r run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keepWaiters(r.ID, func(w *waiter) bool {
		if !w.enough(r.Status) {
			return true
		}
		w.answer <- r // there is room: nothing else is ever sent
		return false
	})
}

// Delete removes an ended run. One in progress is CONFLICT_ERROR.
func (e *Engine) Delete(ctx context.Context, id string) error {
	_, err := onAny(ctx, e, id, func(a *actor) (struct{}, error) {
		if !a.run.Status.Ended() {
			return struct{}{}, call.Errorf(call.CodeConflict, "the run %s is still %s; cancel it first", id, a.run.Status)
		}
		if err := e.remove(e.ctx, &a.run); err != nil {
			return struct{}{}, err
		}
		a.fail(call.Errorf(call.CodeNotFound, "there is no run %s", id))
		return struct{}{}, nil
	})
	return err
}

// remove deletes all that is kept of a run: the row last, so that a crash in
// between leaves a run that can be deleted again.
func (e *Engine) remove(ctx context.Context, r *run) error {
	s := e.options.Store
	if err := s.DropJournal(ctx, r.ID); err != nil {
		return storeError("delete the run", err)
	}
	if err := e.blobs.Drop(ctx, r.ID); err != nil {
		return storeError("delete the run", err)
	}
	rows := []store.RowOp{
		{Table: tableByScript, Key: indexKey(r.Script, r.ID)},
		{Table: tableByStatus, Key: indexKey(string(r.Status), r.ID)},
		{Table: tableByRevision, Key: indexKey(r.Revision, r.ID)},
		{Table: tableChildren, Key: r.ID},
		deathsRow(r.ID),
	}
	if r.Tick != nil {
		rows = append(rows, tickingRow(r, nil))
	}
	if r.FlowKey != "" {
		rows = append(rows, store.RowOp{Table: tableSlots, Key: slotKey(r)}, store.RowOp{Table: tableQueue, Key: slotKey(r)})
	}
	start, ok, err := s.Row(ctx, tableStartOf, r.ID)
	if err != nil {
		return storeError("delete the run", err)
	}
	if ok {
		rows = append(rows, store.RowOp{Table: tableStarts, Key: string(start)}, store.RowOp{Table: tableStartOf, Key: r.ID})
	}
	for _, table := range []string{tableSignals, tableDuplicates} {
		if err := e.removeBelow(ctx, table, r.ID); err != nil {
			return err
		}
	}
	if r.Webhook != nil {
		rows = append(rows, deliveryRows(r.Script, r.ID, nil)...)
	}
	rows = append(rows, store.RowOp{Table: tableRuns, Key: r.ID})
	timers := []store.TimerOp{{Run: r.ID, ID: timerWake}, {Run: r.ID, ID: timerAfter}}
	for len(rows) > 0 {
		n := min(len(rows), 1000)
		if _, err := s.Commit(ctx, store.Commit{Rows: rows[:n], Timers: timers}); err != nil {
			return storeError("delete the run", err)
		}
		rows, timers = rows[n:], nil
	}
	return nil
}

// removeBelow deletes a run's rows of a table that has many for each: the keys of
// the signals that it got, the duplicates of its delivery.
func (e *Engine) removeBelow(ctx context.Context, table, id string) error {
	for {
		found, err := e.options.Store.Rows(ctx, table, rangeOf(indexKey(id, ""), 1000))
		if err != nil || len(found) == 0 {
			return orStoreError("delete the run", err)
		}
		rows := make([]store.RowOp, len(found))
		for i, row := range found {
			rows[i] = store.RowOp{Table: table, Key: row.Key}
		}
		if _, err := e.options.Store.Commit(ctx, store.Commit{Rows: rows}); err != nil {
			return storeError("delete the run", err)
		}
	}
}

func orStoreError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return storeError(doing, err)
}
