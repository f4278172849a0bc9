// How a run's actor writes its journal. Records gather in a buffer and go to
// the store as one commit, with the row, timers and KV operations that belong
// to them. A commit that is not waited for keeps its place in the order, so that
// what survives a crash is always the beginning of what was written.

package runtime

import (
	"context"
	"errors"
	"math"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/store"
)

// maxRecord is the largest record that is stored as one. A larger one is kept
// like a payload: a commit of the store has its limits.
const maxRecord = 512 << 10

// What is recorded and not committed yet is bounded, because a commit is.
const (
	maxBuffer   = 256 << 10 // bytes
	maxBuffered = 1000      // records
)

// extra is what is committed with the next records.
type extra struct {
	timers  []store.TimerOp
	rows    []store.RowOp
	orphans []string // runs that are told afterwards that nobody waits for them
}

// Timers of a run.
const (
	timerWake  = 0 // the run has to look again
	timerAfter = 1 // the run has ended, and others have to be told
	// timerOrphan: the run that invoked this one does not wait for it any more.
	// Its parent sets it with the record that says so, so that no crash in between
	// leaves a child that nobody cancels.
	timerOrphan = math.MaxUint64
)

// record puts a record into the buffer. It is in the history at once.
func (a *actor) record(r journal.Record) {
	if a.broken != nil || a.damaged != nil {
		return
	}
	if err := a.h.Add(r); err != nil {
		a.fail(call.Errorf(call.CodeInternal, "the run can not record what it does: %v", err))
		return
	}
	file := a.file
	if _, first := r.(*journal.Started); first {
		file = ""
	}
	b := journal.Append(nil, r, file)
	if len(b) > maxRecord {
		hash, err := a.engine.putBlob(a.id, b)
		if err != nil {
			a.fail(err)
			return
		}
		b = journal.Spilled(hash, int64(len(b)))
	}
	a.buffer = append(a.buffer, b)
	if a.size += len(b); a.size > maxBuffer || len(a.buffer) >= maxBuffered {
		a.flush(false)
	}
}

// setTimer and others note what is committed with the next records.
func (a *actor) setTimer(id uint64, at time.Time) {
	a.after.timers = append(a.after.timers, store.TimerOp{Run: a.id, ID: id, At: at})
}

func (a *actor) setRow(op store.RowOp) { a.after.rows = append(a.after.rows, op) }

// status changes the run's status; its row is part of the next commit.
func (a *actor) status(s Status, reason string) {
	if s != Running {
		a.survive()
	}
	a.run.Status, a.run.Reason, a.dirty = s, reason, true
	if s != Waiting {
		a.run.Waits = nil
	}
	if s != Paused {
		a.run.InDoubt = nil
	}
	if s != Diverged {
		a.run.Divergence = nil
	}
}

// flush commits what is in the buffer. With wait it returns when that is on
// disk; otherwise when its place in the order is certain.
func (a *actor) flush(wait bool) {
	nothing := len(a.buffer) == 0 && !a.dirty && len(a.after.timers) == 0 && len(a.after.rows) == 0
	if nothing && !(wait && a.loose) {
		return // and all of it is on disk, or nobody waits for it
	}
	_, err := a.commit(a.engine.writes, store.Commit{Relaxed: !wait})
	if err != nil {
		a.fail(err)
	}
}

// commit commits the buffer together with c. A refusal (a check that did not
// hold) leaves the buffer as it was.
func (a *actor) commit(ctx context.Context, c store.Commit) (store.Committed, error) {
	if a.broken != nil {
		return store.Committed{}, a.broken
	}
	appended := uint64(len(a.buffer))
	c.Run, c.ExpectSeq = a.id, a.h.Len-appended
	c.Appends = append(a.buffer[:appended:appended], c.Appends...)
	c.Timers = append(c.Timers, a.after.timers...)
	c.Rows = append(c.Rows, a.after.rows...)
	if a.dirty {
		c.Rows = append(c.Rows, a.rowOps()...)
	}
	done, err := a.engine.commitPatiently(ctx, a.id, c)
	if err != nil {
		return done, err
	}
	orphans := a.after.orphans
	a.buffer, a.size, a.after, a.loose = a.buffer[:0], 0, extra{}, c.Relaxed
	stopped := a.dirty && a.before != a.run.Status && a.run.Status.StandsStill()
	if a.dirty {
		a.before, a.dirty = a.run.Status, false
	}
	if stopped {
		a.engine.announce(a.run)
	}
	for _, id := range orphans {
		a.engine.cancelChild(id, reasonOrphan)
	}
	return done, nil
}

func (a *actor) rowOps() []store.RowOp {
	ops := []store.RowOp{{Table: tableRuns, Key: a.id, Value: a.run.encode()}}
	if a.before != a.run.Status {
		ops = append(ops, store.RowOp{Table: tableByStatus, Key: indexKey(string(a.run.Status), a.id), Value: []byte{}})
		if a.before != "" {
			ops = append(ops, store.RowOp{Table: tableByStatus, Key: indexKey(string(a.before), a.id)})
		}
	}
	return ops
}

// commitPatiently waits while the disk is full: a run stands still then and
// loses nothing. Any other failure is final.
func (e *Engine) commitPatiently(ctx context.Context, run string, c store.Commit) (store.Committed, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		done, err := e.options.Store.Commit(ctx, c)
		if !errors.Is(err, store.ErrFull) {
			return done, err
		}
		if pause == 100*time.Millisecond {
			e.options.Logger.Warn("a run stands still: the disk is nearly full", "run", run, "error", err)
		}
		if stopped := wait(ctx, pause); stopped != nil {
			return done, err
		}
	}
}
