// How a durable run goes: a VM, the replay, and then turn after turn until it
// waits, is paused, or ends.

package runtime

import (
	"context"
	"errors"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
	"reprise/store"
)

// errAside is why calls are given up when a run loses its VM and goes on later.
var errAside = call.Errorf(call.CodeUnavailable, "the run was put aside; the call is made again when it goes on")

// isAside reports whether a call is given up for that.
func isAside(ctx context.Context) bool {
	e, ok := errors.AsType[*call.Error](context.Cause(ctx))
	return ok && e == errAside
}

// execute gives the run a VM until it has no use for one.
func (a *actor) execute() {
	a.woken = false
	if a.heed() {
		return
	}
	s, release, err := a.engine.pinned(a.engine.ctx, a.run.Script, a.h.Revision)
	if call.CodeOf(err) == call.CodeUnavailable || isLost(err) {
		a.tryLater(err)
		return
	}
	if err != nil {
		a.diverge(&Divergence{Revision: a.h.Revision, Message: "the revision that the run began with can not be loaded: " + err.Error()})
		return
	}
	defer release()
	a.x = a.engine.newDurable(a.h, s)
	a.x.actor, a.x.silent = a, true
	defer a.dropExecution()
	start, err := a.engine.startOf(a.h, s)
	switch {
	case err != nil:
		a.unread(err)
	case len(a.h.Turns) == 0:
		a.proceed(a.firstTurn(start))
	default:
		if last, ok := a.replay(start); ok {
			a.resume(last)
		}
	}
}

// heed does what a user asked for while the run was executing in a process that
// died before it could: it was killed, or paused.
func (a *actor) heed() bool {
	switch c, p := a.h.Cancel, a.h.Paused; {
	case c != nil && c.Op == journal.OpKill:
		a.endStopped(c.Reason)
	case p != nil && c == nil:
		a.pausedBecause(p.Reason)
	default:
		return false
	}
	return true
}

// dropExecution takes the VM away and gives up what is being performed.
func (a *actor) dropExecution() {
	if x := a.x; x != nil {
		if x.stopped == nil {
			x.stopped = errAside
		}
		x.close(false)
	}
	a.x, a.settled, a.facts, a.pausing, a.cleanup = nil, nil, nil, false, nil
	if a.broken != nil && !a.later && a.engine.ctx.Err() == nil && !errors.Is(a.broken, errStopped) {
		a.engine.options.Logger.Error("a run can not go on; it is resumed when the server is started again", "run", a.id, "script", a.run.Script, "error", a.broken)
	}
}

// replay brings a fresh VM to where the run is. ok is false when it can not.
func (a *actor) replay(start worker.Start) (last worker.Turn, ok bool) {
	release := a.engine.beginReplay()
	defer release()
	start.Budget.Result = a.x.limits.Load().Result // the run may end with it
	p := &player{x: a.x, h: a.h, load: a.engine.loader(a.engine.ctx), record: a.turnRecord, issued: a.replayed}
	last, diverged, err := p.play(start)
	switch {
	case isLost(err):
		a.woken = true // at once, in another process
		a.lostAgain(err)
	case worker.IsVerdict(err):
		a.x.silent = false
		a.endedWorker(call.From(err))
	case err != nil:
		a.unread(err)
	case diverged != nil:
		a.diverge(diverged)
	default:
		a.x.silent = false
		a.x.session.Limit(a.budget())
		return last, true
	}
	return last, false
}

// tryLater leaves a run as it is and has it taken up again after a while. It is
// no death of this process, should that end meanwhile.
func (a *actor) tryLater(err error) {
	at := a.now().Add(tryAgain)
	_, failed := a.engine.options.Store.Commit(a.engine.writes, store.Commit{
		Timers: []store.TimerOp{{Run: a.id, ID: timerWake, At: at}}, Rows: []store.RowOp{deathsRow(a.id)}, Relaxed: true,
	})
	a.engine.clock.expect(at)
	if a.later = failed == nil; a.later && a.broken == nil && !a.engine.isStopping() {
		a.engine.options.Logger.Warn("a run can not go on now; it is tried again", "run", a.id, "script", a.run.Script, "at", at, "error", err)
	}
	a.fail(errors.Join(err, failed))
}

// maxLosses is how often in a row a run is played again at once that lost its
// process before it got any further. Something else is wrong then.
const maxLosses = 10

// lostAgain counts the processes that a run has lost without getting further,
// and after many of them lets some time pass.
func (a *actor) lostAgain(err error) {
	if a.lost++; a.lost >= maxLosses && a.broken == nil && !a.leaving && !a.run.Status.Ended() && !a.run.Status.StandsStill() {
		a.tryLater(err)
	}
}

// tryAgain is when a run is taken up again that could not be.
const tryAgain = 30 * time.Second

// firstTurn calls the handler for the first time.
func (a *actor) firstTurn(start worker.Start) worker.Turn {
	a.x.silent = false
	a.x.count.requests.Add(1)
	start.Budget = a.budget()
	turn, err := a.x.enter(start)
	switch {
	case call.CodeOf(err) == call.CodeUnavailable:
		a.tryLater(err)
	case isLost(err):
		return worker.Turn{Settled: true, Done: true, Dead: true, Err: call.From(err)}
	case err != nil:
		return failedTurn(call.From(err))
	default:
		a.took(turn, journal.ByBegin, 0)
	}
	return turn
}

// isLost reports whether a run lost the process that executed it, and nobody
// says that it was its own doing.
func isLost(err error) bool { return call.CodeOf(err) == call.CodeWorkerLost }

// endedWorker ends a run whose replay ended the process that executed it, and
// not for the first time. The VM is gone, and so are its undos; what is open is
// known from the journal, because the replay did not get that far.
func (a *actor) endedWorker(failure *call.Error) {
	failure = a.x.locate(failure)
	switch c := a.h.Cancel; {
	case c != nil:
		a.end(Cancelled, c.Reason, nil, failure, a.dropOpen())
	case a.x.script.PauseOnFailure && !a.letGo():
		a.pauseForFailure(worker.Turn{Err: failure})
	default:
		a.end(Failed, "", nil, failure, a.dropOpen())
	}
}

// replayed follows a turn that agreed with the journal.
func (a *actor) replayed(t *worker.Turn, r *journal.Turn) {
	delete(a.x.open, r.Outcome)
	a.x.expect(len(t.Calls))
	for i := range t.Calls {
		a.x.open[t.Calls[i].ID] = &openCall{call: t.Calls[i], parking: parking{issued: r.At}}
	}
	for _, id := range t.Aborts {
		delete(a.x.open, id)
	}
	if t.Settled {
		settled := *t
		a.settled = &settled
	}
}

// resume goes on after a replay: facts that were not delivered come first, and
// what is open is performed, or waited for, again.
func (a *actor) resume(last worker.Turn) {
	load := a.engine.loader(a.engine.ctx)
	for _, fact := range a.h.Pending() {
		o, err := outcomeOf(fact, load)
		if err != nil {
			a.unread(unreadable(err, "the outcome of call %d", fact.Call))
			return
		}
		delete(a.x.open, fact.Call)
		a.facts = append(a.facts, o)
	}
	if a.run.Status == Waiting {
		a.status(Running, "")
		a.setTimer(timerWake, time.Time{})
	}
	if a.resuming {
		a.survived = time.After(survival)
	}
	if a.h.Cancel != nil {
		a.cleanup = time.After(cleanupDeadline)
	}
	if last.Held && !a.h.LetGo() && a.h.Cancel == nil {
		a.pauseForFailure(last)
		return
	}
	if a.isSpent() && !last.Done {
		a.endSpent()
		return
	}
	if !a.placeAll() {
		return
	}
	if last.Held {
		last = a.x.session.Unwind(time.Now())
		a.took(last, journal.ByUnwind, 0)
	}
	a.proceed(last)
}

// took records a turn and does what it asks for.
func (a *actor) took(t worker.Turn, cause journal.Cause, outcome uint64) {
	a.x.turn.Store(t.N)
	if t.Settled && a.settled == nil {
		a.settled = &t
	}
	if t.Dead {
		return // half done: nobody can say what it did
	}
	a.record(a.turnRecord(&t, cause, outcome))
	a.lost = 0
	a.survive()
	if !a.tooMany() && (t.Done || !a.isSpent()) { // otherwise the run is paused or ended, and what it asked for is not done
		a.issue(&t)
	}
}

// proceed delivers outcomes until the run waits, is paused, or ends.
func (a *actor) proceed(turn worker.Turn) {
	for a.broken == nil {
		switch {
		case turn.Held && a.h.Cancel != nil:
			turn = a.x.session.Unwind(time.Now()) // nobody is asked about a run that is cancelled
			a.took(turn, journal.ByUnwind, 0)
			continue
		case turn.Dead && isLost(turn.Err):
			a.standStill() // a write that is under way must not come into doubt
			a.lostAgain(turn.Err)
			return // and again, from the journal
		case turn.Dead && a.mayRepeat(&turn):
			a.engine.logRepeat(a.run.Run, a.x.locate(turn.Err), a.cut+1)
			a.standStill()
			return
		case turn.Held || turn.Dead && a.x.script.PauseOnFailure && a.h.Cancel == nil && !a.letGo():
			a.pauseForFailure(turn)
			return
		case turn.Done && (len(turn.Calls) == 0 || !a.tooMany()):
			a.finish(turn)
			return
		case a.isSpent():
			a.finish(failedTurn(a.spent()))
			return
		case a.tooLong():
			return
		}
		a.ready()
		a.ready = func() {}
		o, ok := a.next()
		if !ok {
			return
		}
		a.idle = time.Time{}
		if a.recount(); a.broken != nil {
			return
		}
		a.relimit()
		a.x.sawCall(a.h.Call(o.Call))
		turn = a.x.session.Deliver(worker.Delivery{Outcome: o, At: time.Now()})[0]
		a.took(turn, journal.ByOutcome, o.Call)
	}
}

// maxCutOff is how often a turn is executed that was cut off by the clock. A
// machine that stood still for a moment is no reason to fail a run.
const maxCutOff = 3

// mayRepeat reports whether a turn that was cut off is executed again: nothing
// of it has been recorded.
func (a *actor) mayRepeat(t *worker.Turn) bool {
	if limit := call.LimitOf(t.Err); limit != limitTurnCPU && limit != limitRunCPU || worker.IsVerdict(t.Err) || a.h.Cancel != nil {
		return false
	}
	if a.cutTurn != t.N {
		a.cutTurn, a.cut = t.N, 0
	}
	a.cut++
	return a.cut < maxCutOff
}

// next returns the outcome to deliver. ok is false when the run goes no
// further for now.
func (a *actor) next() (o call.Outcome, ok bool) {
	for {
		a.readMail()
		a.hear()
		switch {
		case a.broken != nil:
			return o, false
		case a.killed:
			a.endKilled()
			return o, false
		case a.successor != "":
			a.finish(worker.Turn{Settled: true, Done: true})
			return o, false
		case a.moved:
			a.moved = false
			a.flush(false)
			return o, false // and again, with the other revision
		case a.pausing || a.leaving:
			a.standStill()
			return o, false
		case len(a.facts) > 0:
			o, a.facts = a.facts[0], a.facts[1:]
			return o, true
		case len(a.x.open) == 0:
			a.finish(a.x.stuck())
			return o, false
		}
		if a.park() {
			return o, false
		}
		a.uncount()
		a.flush(a.x.script.Strict)
		a.listen(nil)
	}
}

// hear looks, without waiting, for what a run that always has something to
// deliver would miss: outcomes, times, the end of the server.
func (a *actor) hear() {
	now := time.Now()
	if now.Sub(a.heard) < hearEvery {
		return
	}
	a.heard = now
	a.due()
	for {
		select {
		case o := <-a.x.outcomes:
			a.arrived(o)
			continue
		case <-a.cleanup:
			a.killed = true
		case <-a.stopping():
			a.leaving = true
		case <-a.engine.ctx.Done():
			a.fail(context.Cause(a.engine.ctx))
		default:
		}
		return
	}
}

// hearEvery is how often a run that never waits looks up.
const hearEvery = 5 * time.Millisecond

// listen waits until something happens. It returns true when until is over.
func (a *actor) listen(until <-chan time.Time) bool {
	due, stop := a.alarm()
	defer stop()
	select {
	case o := <-a.x.outcomes:
		a.arrived(o)
	case <-a.rang:
	case <-due:
		a.due()
	case <-a.cleanup:
		a.killed = true
	case <-a.survived:
		a.survive()
		a.flush(false)
	case <-a.stopping():
		a.leaving = true
	case <-a.engine.ctx.Done():
		a.fail(context.Cause(a.engine.ctx))
	case <-until:
		return true
	}
	return false
}

// stopping is closed when the server stops, and the run has not taken note yet.
func (a *actor) stopping() <-chan struct{} {
	if a.leaving {
		return nil
	}
	return a.engine.quit
}

// alarm rings when something is due, or the run has been idle for long enough.
func (a *actor) alarm() (due <-chan time.Time, stop func()) {
	at, ok := a.nextLook()
	if !ok {
		return nil, func() {}
	}
	left := time.Until(at)
	if left <= 0 { // no timer needed: a short sleep costs no more than its record
		rang := make(chan time.Time, 1)
		rang <- at
		return rang, func() {}
	}
	t := time.NewTimer(left)
	return t.C, func() { t.Stop() }
}

// arrived takes the outcome of a call that was performed: a fact from now on.
func (a *actor) arrived(o call.Outcome) {
	c, open := a.x.open[o.Call]
	if !open {
		if a.h.IssuedBy(o.Call) != nil {
			late := a.outcomeRecord(nil, &o)
			late.Late = true
			a.record(late)
		}
		return
	}
	a.x.answered(o)
	if a.engine.isStopping() && isUnavailable(o.Err) && strings.HasPrefix(c.call.Kind, "run.") {
		return // the server stops: the next process makes the call
	}
	a.fact(&c.call, o)
}

// fact records an outcome and queues it for delivery.
func (a *actor) fact(c *call.Call, o call.Outcome) {
	delete(a.x.open, o.Call)
	a.record(a.outcomeRecord(c, &o))
	a.facts = append(a.facts, o)
	if a.x.script.Strict {
		a.flush(true)
	}
}

// standStill lets what is being performed come to its end, records it, and
// leaves the run as it is: paused, or to be resumed by the next process.
func (a *actor) standStill() {
	a.survive() // whatever becomes of the wait
	a.flush(false)
	a.x.waiting = nil
	for a.broken == nil && !a.killed && a.performing() {
		a.listen(nil)
		a.readMail()
	}
	if a.killed && a.broken == nil {
		a.endKilled()
		return
	}
	if a.pausing {
		a.status(Paused, a.run.Reason)
	}
	a.flush(true)
}

// performing reports whether a write is under way: to give it up would leave
// it in doubt.
func (a *actor) performing() bool {
	for _, c := range a.x.open {
		if c.slot && isWrite(c) && c.until.IsZero() {
			return true
		}
	}
	return false
}

func (a *actor) now() time.Time { return time.Now().UTC() }
