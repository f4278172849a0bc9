package runtime

import (
	"errors"
	"slices"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// finish ends a run whose handler has settled, or never will: open writes are
// awaited for a while, everything else is dropped, and both are said.
func (a *actor) finish(last worker.Turn) {
	result := last
	if a.settled != nil {
		result = *a.settled
		result.Err = firstError(result.Err, last.Err)
	}
	if result.Err == nil && result.TooLarge > 0 {
		result.Err = a.x.resultTooLarge(result.TooLarge)
	}
	if result.Err != nil && a.x.script.PauseOnFailure && a.h.Cancel == nil && !a.letGo() {
		a.pauseForFailure(result)
		return
	}
	result.Err = a.x.locate(result.Err)
	dropped := a.awaitOpen(result.Err != nil)
	if a.broken != nil {
		return
	}
	if a.leaving {
		a.standStill() // the next process settles again, and awaits what is open
		return
	}
	switch {
	case a.h.Cancel != nil:
		a.end(Cancelled, a.h.Cancel.Reason, nil, result.Err, dropped)
	case result.Err != nil:
		a.end(Failed, "", nil, result.Err, dropped)
	default:
		a.end(Succeeded, "", result.Value, nil, dropped)
	}
}

func wasUndoing(t *journal.Turn) bool { return t.Unwinding || t.Cause == journal.ByUnwind }

// letGo reports whether a user has let go the failure of the run: its steps are
// undone, or there was nothing to undo.
func (a *actor) letGo() bool {
	return a.h.LetGo() || slices.ContainsFunc(a.h.Turns, func(t *journal.Turn) bool { return t.Cause == journal.ByUnwind })
}

func firstError(a, b *call.Error) *call.Error {
	if a != nil {
		return a
	}
	return b
}

// awaitOpen waits for the open writes, for a while, gives up the rest and
// returns what was given up.
func (a *actor) awaitOpen(failed bool) (dropped []uint64) {
	if !failed && a.h.Cancel == nil {
		a.warnUnread()
	}
	if len(a.x.open) == 0 {
		return nil
	}
	a.x.warnOpen(failed)
	var waiting []*openCall
	for _, c := range a.x.waiting {
		if isWrite(c) {
			waiting = append(waiting, c)
		}
	}
	a.x.waiting = waiting
	grace := time.NewTimer(openWriteGrace)
	defer grace.Stop()
	for over := false; a.broken == nil && !a.leaving && !a.killed && !over && a.hasOpenWrites(); {
		over = a.listen(grace.C)
		a.readMail()
	}
	if a.broken != nil || a.leaving {
		return nil
	}
	return a.giveUpAll()
}

func (a *actor) hasOpenWrites() bool {
	for _, c := range a.x.open {
		if isWrite(c) && !c.parked {
			return true
		}
	}
	return false
}

// endKilled ends the run at once.
func (a *actor) endKilled() {
	reason := a.run.Reason
	if c := a.h.Cancel; c != nil {
		reason = c.Reason
	}
	a.end(Cancelled, reason, nil, nil, a.giveUpAll())
}

// end writes down how the run ended, tells those who wait, and sees to what
// comes after.
func (a *actor) end(s Status, reason string, output []byte, failure *call.Error, dropped []uint64) {
	if bad := a.notJSON(output, failure); bad != nil {
		a.unread(bad)
		return
	}
	now := a.now()
	out := a.payload(output)
	a.record(&journal.Ended{At: now, Status: string(s), Reason: reason, Output: out, Err: failure, Dropped: dropped, Successor: a.successor})
	a.status(s, reason)
	a.run.EndedAt, a.run.Error, a.run.Successor = &now, failure, a.successor
	a.run.setOutput(out)
	a.run.Undone = slices.ContainsFunc(a.h.Turns, wasUndoing)
	a.setTimer(timerWake, time.Time{})
	if a.run.Attached && a.successor == "" {
		a.after.timers = append(a.after.timers, parentTimer(&a.run, now))
	}
	a.engine.flow.leave(a)
	if a.run.Tick != nil {
		a.setRow(tickingRow(&a.run, nil))
	}
	after := a.run.OnFailed != "" && s == Failed
	if after {
		a.setTimer(timerAfter, now)
	}
	a.flush(true)
	if a.broken != nil {
		return
	}
	a.dropExecution()
	a.ended(after)
}

// ended tells those who wait for the run's end.
func (a *actor) ended(after bool) {
	e := a.engine
	e.logEnd(a.run.Run)
	took := a.run.EndedAt.Sub(*a.run.StartedAt)
	if e.options.Meter != nil {
		e.options.Meter.RunEnded(a.run.Script, string(a.run.Status), took)
	}
	if a.run.Status == Failed {
		e.counters(a.run.Script).failures.Add(1)
	}
	e.announce(a.run)
	if a.run.Attached && a.run.Successor == "" {
		e.tellParent(a.run.Parent, a.run.ParentCall)
	}
	e.flow.look(a.run.Script, a.run.FlowKey)
	if !after {
		return
	}
	if err := e.afterEnd(e.ctx, a.run); err != nil && !errors.Is(err, errStopped) && e.ctx.Err() == nil {
		e.options.Logger.Warn("what follows the end of a run is tried again later", "run", a.id, "error", err)
		e.clock.expect(time.Now().Add(time.Minute))
	}
}

// pauseForFailure keeps a run that would fail, before anything is undone.
func (a *actor) pauseForFailure(t worker.Turn) {
	t.Err = a.x.locate(t.Err)
	a.record(&journal.Control{Op: journal.OpPause, At: a.now(), Reason: ReasonFailure})
	a.run.Error = t.Err
	a.pausedBecause(ReasonFailure)
	if a.broken == nil {
		a.engine.logPaused(a.run.Run, t.Err)
	}
}

func (a *actor) pausedBecause(reason string) {
	a.status(Paused, reason)
	a.setTimer(timerWake, time.Time{})
	a.flush(true)
}

// diverge stops a run whose script does something else than its journal has.
// The journal stays as it is.
func (a *actor) diverge(d *Divergence) {
	a.status(Diverged, "")
	a.run.Divergence = d
	a.setTimer(timerWake, time.Time{})
	a.flush(true)
	if a.broken == nil {
		a.engine.logDiverged(a.run.Run)
	}
}

// tooLong warns of a long history, at a tenth of the calls that the run may
// make, and pauses a run whose history is too long: to replay it must stay
// possible.
func (a *actor) tooLong() bool {
	n, most := a.h.Calls(), a.x.limits.Load().Calls
	if many := most / 10; int64(n) >= many && int64(a.said) < many {
		a.engine.logLong(a.run.Run, n, most)
	}
	a.said = n
	if !a.tooMany() {
		return false
	}
	a.record(&journal.Control{Op: journal.OpPause, At: a.now(), Reason: ReasonLimit})
	a.standStillFor(ReasonLimit)
	return true
}

func (a *actor) tooMany() bool {
	return int64(a.h.Calls()) >= a.x.limits.Load().Calls && !a.mayGoOn()
}

// mayGoOn reports whether a user has let a run go on that was paused at the limit.
func (a *actor) mayGoOn() bool {
	return slices.ContainsFunc(a.h.Controls, func(c *journal.Control) bool {
		return c.Op == journal.OpResume && c.Reason == ReasonLimit
	})
}

func (a *actor) standStillFor(reason string) {
	a.pausing, a.run.Reason = true, reason
	a.standStill()
}
