// What users do to runs: cancel, kill, pause, resume, retry, upgrade, fork. Each
// is a record in the run's journal, written by its actor before anything
// happens.

package runtime

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/store"
)

// change has f done by a run's actor and returns the run afterwards.
func (e *Engine) change(ctx context.Context, id string, f func(a *actor) error) (Run, error) {
	return on(ctx, e, id, changing(f))
}

func changing(f func(a *actor) error) func(a *actor) (Run, error) {
	return func(a *actor) (Run, error) {
		if err := f(a); err != nil {
			return Run{}, err
		}
		if a.broken != nil {
			return Run{}, a.broken
		}
		return a.shown(), nil
	}
}

// Cancel asks a run to end: its open calls fail with CancelledError, finally
// blocks and undos run, and after 30 s it is stopped. A run that has ended is
// CONFLICT_ERROR.
func (e *Engine) Cancel(ctx context.Context, id string) (Run, error) {
	return onAny(ctx, e, id, changing(func(a *actor) error { return a.cancel("cancelled by a user") }))
}

func (a *actor) cancel(reason string) error {
	switch {
	case a.run.Status.Ended():
		return call.Errorf(call.CodeConflict, "the run %s has already ended: %s", a.id, a.run.Status)
	case a.h.Cancel != nil && a.x == nil && a.run.Status != Running:
		a.endStopped(a.h.Cancel.Reason) // it stands still while it is being cancelled
		return nil
	case a.h.Cancel != nil:
		return nil // it is being cancelled
	case a.run.Status == Queued || a.run.Status == Diverged || len(a.h.Turns) == 0 && a.x == nil:
		a.stop(journal.OpCancel, reason)
		return nil
	}
	// What is open in these turns fails; a failure held in the last one is let go.
	a.record(&journal.Control{Op: journal.OpCancel, At: a.now(), Reason: reason, Turn: uint64(len(a.h.Turns))})
	a.failOpen(reason)
	if a.x == nil {
		a.status(Running, "")
		a.setTimer(timerWake, time.Time{})
	} else {
		a.cleanup = time.After(cleanupDeadline)
	}
	a.pausing = false
	a.run.Reason, a.dirty = reason, true
	a.flush(true)
	return nil
}

// failOpen gives every open call a CancelledError, in call order.
func (a *actor) failOpen(reason string) {
	var given []*openCall
	for _, c := range a.h.Open() {
		o := call.Failed(c.ID, errCancelled(reason))
		a.record(a.outcomeRecord(nil, &o))
		if a.x == nil { // the fact is found when the run is resumed
			a.abandonInvoked(c)
			continue
		}
		if open := a.x.open[c.ID]; open != nil {
			given = append(given, open)
		}
		a.facts = append(a.facts, o)
	}
	a.giveUp(given)
}

func errCancelled(reason string) *call.Error {
	return call.Errorf(call.CodeCancelled, "the run was cancelled: %s", reason)
}

// abandonInvoked cancels the attached run that an open call waits for.
func (a *actor) abandonInvoked(c *journal.Call) {
	if c.Kind == call.KindInvoke {
		a.abandon(childID(a.h.IssuedBy(c.ID).At, c.ID, callKey(a.h, c.ID)))
	}
}

// Kill ends a run without cleaning up.
func (e *Engine) Kill(ctx context.Context, id string) (Run, error) {
	return onAny(ctx, e, id, changing(func(a *actor) error {
		if a.run.Status.Ended() {
			return call.Errorf(call.CodeConflict, "the run %s has already ended: %s", a.id, a.run.Status)
		}
		if a.x == nil {
			a.stop(journal.OpKill, "killed by a user")
			return nil
		}
		a.record(&journal.Control{Op: journal.OpKill, At: a.now(), Reason: "killed by a user"})
		a.flush(true)
		a.killed, a.run.Reason = true, "killed by a user"
		return nil
	}))
}

// stop ends a run that has no VM.
func (a *actor) stop(op journal.Op, reason string) {
	a.record(&journal.Control{Op: op, At: a.now(), Reason: reason})
	a.endStopped(reason)
}

// endStopped ends a run that was stopped and has no VM.
func (a *actor) endStopped(reason string) {
	dropped := a.dropOpen()
	if a.run.StartedAt == nil {
		now := a.now()
		a.run.StartedAt = &now
	}
	a.end(Cancelled, reason, nil, nil, dropped)
}

// dropOpen gives up what is open according to the journal, and returns it.
func (a *actor) dropOpen() (ids []uint64) {
	for _, c := range a.h.Open() {
		ids = append(ids, c.ID)
		a.abandonInvoked(c)
	}
	return ids
}

// Pause stops a run after the turn it is in. What is being performed is awaited.
func (e *Engine) Pause(ctx context.Context, id string) (Run, error) {
	return e.change(ctx, id, func(a *actor) error {
		switch {
		case a.h.Cancel != nil && !a.run.Status.Ended():
			return call.Errorf(call.CodeConflict, "the run %s can not be paused: it is %s, and being cancelled", a.id, a.state())
		case a.pausing:
			return nil // it is being paused
		case a.run.Status != Running && a.run.Status != Waiting:
			return a.conflict("paused")
		}
		a.record(&journal.Control{Op: journal.OpPause, At: a.now(), Reason: ReasonUser})
		if a.x == nil {
			a.pausedBecause(ReasonUser)
			return nil
		}
		a.pausing, a.run.Reason = true, ReasonUser
		a.flush(true)
		return nil
	})
}

// Resume lets a paused or diverged run go on. One that was paused for its
// failure then fails; one in doubt performs the calls again or fails them.
func (e *Engine) Resume(ctx context.Context, id string, req ResumeRequest) (Run, error) {
	switch req.InDoubt {
	case "", "retry", "fail":
	default:
		return Run{}, call.Errorf(call.CodeInvalidArgument, "inDoubt is \"retry\" or \"fail\", not %q", req.InDoubt)
	}
	return e.change(ctx, id, func(a *actor) error {
		switch a.run.Status {
		case Diverged:
			a.status(Running, "")
			a.flush(true)
			return nil
		case Paused:
			return a.resumePaused(req)
		}
		if a.pausing { // it waits for what is being performed
			a.pausing = false
			return a.resumePaused(req)
		}
		return a.conflict("resumed")
	})
}

func (a *actor) resumePaused(req ResumeRequest) error {
	control := &journal.Control{Op: journal.OpResume, At: a.now(), Reason: a.run.Reason}
	switch a.run.Reason {
	case ReasonFailure:
		control.Turn = uint64(len(a.h.Turns))
	case ReasonInDoubt:
		for _, c := range a.run.InDoubt {
			if req.InDoubt == "fail" {
				o := call.Failed(c.Call, call.Errorf(call.CodeInDoubt, "%s: the server died while it was performed, and a user decided that it failed", c.Target))
				a.record(a.outcomeRecord(nil, &o))
			} else {
				control.Void = append(control.Void, c.Call)
			}
		}
	}
	a.record(control)
	a.run.Error = nil
	a.status(Running, "")
	a.setRow(deathsRow(a.id))
	a.flush(true)
	return nil
}

// Retry rewinds a failed run to just before the outcome that failed it was
// delivered, and has that call performed again.
func (e *Engine) Retry(ctx context.Context, id string, req RetryRequest) (Run, error) {
	return e.change(ctx, id, func(a *actor) error {
		if a.run.Status != Failed && !(a.run.Status == Paused && a.run.Reason == ReasonFailure) {
			return a.conflict("retried; only a failed one can")
		}
		for _, t := range a.h.Turns {
			if wasUndoing(t) {
				return call.Errorf(call.CodeConflict, "the run %s can not be retried: its steps were being undone; fork it instead, from before turn %d", a.id, t.N)
			}
		}
		control := a.rewind()
		revision, err := a.chosen(req.Revision)
		if err != nil {
			return err
		}
		if revision != a.h.Revision {
			if err := a.agree(revision, control.Turn); err != nil {
				return err
			}
		}
		for _, t := range a.h.Turns[max(control.Turn, 1)-1:] {
			for i := range t.Calls {
				a.abandonInvoked(&t.Calls[i]) // nobody will wait for it any more
			}
		}
		a.record(control)
		a.findSignals() // some may have been given back
		if revision != a.h.Revision {
			a.upgradeTo(revision)
		}
		a.run.Error, a.run.EndedAt = nil, nil
		a.status(Running, "")
		a.setTimer(timerAfter, time.Time{})
		a.engine.flow.comeBack(a)
		a.flush(true)
		if a.broken == nil {
			a.logRetried(control)
		}
		return nil
	})
}

// rewind finds what a retry has to void: the turn that delivered the outcome
// that the failure stems from, and that outcome. An error of the script's own
// stems from none: then the last turn is executed again, and if what was
// delivered in it may be the reason, that call is made again, too.
func (a *actor) rewind() *journal.Control {
	c := &journal.Control{Op: journal.OpRetry, At: a.now(), Reason: "retried by a user", Turn: uint64(len(a.h.Turns))}
	id := originOf(a.run.Error)
	for _, t := range a.h.Turns {
		if id != 0 && t.Cause == journal.ByOutcome && t.Outcome == id {
			c.Turn, c.Void = t.N, []uint64{id}
			return c
		}
	}
	if n := len(a.h.Turns); n > 0 && !a.h.Turns[n-1].Failed {
		c.Turn = uint64(n) + 1 // it failed in a turn that was not recorded, or waits for nothing
	} else if n > 0 && a.isSuspect(a.h.Turns[n-1]) {
		c.Void = []uint64{a.h.Turns[n-1].Outcome}
	}
	return c
}

// isSuspect reports whether a turn failed for what was delivered in it, as far
// as anybody can tell from outside: a read may answer something else by now, and
// so may a request that was answered with an error status. What was written with
// success is not written again because of a mistake behind it.
func (a *actor) isSuspect(t *journal.Turn) bool {
	if t.Cause != journal.ByOutcome {
		return false
	}
	c, o := a.h.Call(t.Outcome), a.h.Outcome(t.Outcome)
	if c == nil || o == nil || !strings.HasPrefix(c.Kind, "http.") {
		return false
	}
	var answer struct {
		Status int `json:"status"`
	}
	value, err := o.Value.Bytes(a.engine.loader(a.engine.ctx))
	return o.Err != nil || c.Class <= call.Read || err == nil && json.Unmarshal(value, &answer) == nil && answer.Status >= 400
}

// originOf is the call that an error stems from, deepest cause first.
func originOf(err *call.Error) (id uint64) {
	for e := err; e != nil; e = e.Cause {
		if e.Call != 0 {
			id = e.Call
		}
	}
	return id
}

// chosen is the revision that a request names.
func (a *actor) chosen(name string) (string, error) {
	switch name {
	case "":
		return a.h.Revision, nil
	case "current":
		s := a.engine.options.Scripts.Current(a.run.Script)
		if s == nil {
			return "", call.Errorf(call.CodeNotFound, "there is no script %s any more", a.run.Script)
		}
		return s.Revision, a.engine.keep(a.engine.ctx, s.Revision)
	}
	return name, nil
}

func (a *actor) upgradeTo(revision string) {
	a.record(&journal.Control{Op: journal.OpUpgrade, At: a.now(), Revision: revision})
	a.setRow(store.RowOp{Table: tableByRevision, Key: indexKey(a.run.Revision, a.id)})
	a.setRow(storeIndex(tableByRevision, revision, a.id))
	a.run.Revision, a.dirty = revision, true
}

// Upgrade has a run go on with another revision, if that one does, on replay,
// what the journal has: otherwise it is DIVERGED_ERROR, with the report.
func (e *Engine) Upgrade(ctx context.Context, id, revision string) (Run, error) {
	if revision == "" {
		revision = "current"
	}
	return e.change(ctx, id, func(a *actor) error {
		if a.run.Status.Ended() || a.run.Status == Running && a.x != nil && !a.allParked() {
			return a.conflict("upgraded now")
		}
		chosen, err := a.chosen(revision)
		if err != nil || chosen == a.h.Revision {
			return err
		}
		if err := a.agree(chosen, uint64(len(a.h.Turns))+1); err != nil {
			return err
		}
		a.upgradeTo(chosen)
		if a.run.Status == Diverged {
			a.status(Running, "")
		}
		a.flush(true)
		a.moved = a.x != nil
		return nil
	})
}

// agree checks that a revision does what the turns before turn have.
func (a *actor) agree(revision string, turn uint64) error {
	h, err := a.h.Until(turn)
	if err != nil {
		return err
	}
	d, err := a.engine.compare(a.engine.ctx, h, revision)
	if err != nil {
		return err
	}
	if d != nil {
		return call.Errorf(call.CodeDiverged, "the revision %s does not fit the run %s: %s", revision, a.id, d.Message).WithData(map[string]any{"divergence": d})
	}
	return nil
}

// Fork starts a new run that shares the turns before FromTurn of another.
func (e *Engine) Fork(ctx context.Context, id string, req ForkRequest) (Run, error) {
	fork := newRunID()
	type origin struct {
		run      run
		h        *journal.History
		revision string
	}
	from, err := on(ctx, e, id, func(a *actor) (origin, error) {
		if req.FromTurn < 1 || req.FromTurn > uint64(len(a.h.Turns))+1 {
			return origin{}, call.Errorf(call.CodeInvalidArgument, "fromTurn is 1 to %d: the run %s has %d turns", len(a.h.Turns)+1, id, len(a.h.Turns))
		}
		revision, err := a.chosen(req.Revision)
		if err == nil && revision != a.h.Revision {
			err = a.agree(revision, req.FromTurn)
		}
		if err != nil {
			return origin{}, err
		}
		h, err := a.h.Until(req.FromTurn)
		if err == nil {
			err = a.engine.blobs.Share(a.engine.ctx, a.id, fork) // here, where nobody can delete them
		}
		return origin{a.run, h, revision}, err
	})
	if err != nil {
		return Run{}, err
	}
	return e.fork(ctx, fork, &from.run, from.h, req.FromTurn, from.revision)
}
