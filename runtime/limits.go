// The limits of a script as the engine holds them. They are live: a run has
// those that its script has now, whatever revision it is pinned to, so that
// raising one frees a stuck run and lowering one stops a runaway
// (docs/decisions/0014-limits-are-live.md). A replay has none of them but enough
// to come to its end: what was done has been allowed.

package runtime

import (
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// The names of limits in the data of errors.
const (
	limitTurnCPU = "turnCpu"
	limitRunCPU  = "runCpu"
	limitCalls   = "calls"
	limitResult  = "result"
	limitTimeout = "timeout" // config.timeout
	limitMessage = "message" // what fits between the server and a worker process
)

// limitsOf returns what a script may use: what its current revision says, or
// the one that is executed where the script is gone. A zero TurnCPU is the
// workers' own.
func (e *Engine) limitsOf(s *Script) call.Limits {
	if now := e.options.Scripts.Current(s.Name); now != nil {
		s = now
	}
	l := s.Limits.OrDefaults()
	l.TurnCPU = s.Limits.TurnCPU
	return l
}

// renewLimits looks what the limits are now, and reports whether they are
// others than before.
func (x *execution) renewLimits() bool {
	l := x.engine.limitsOf(x.script)
	if before := x.limits.Load(); before != nil && *before == l {
		return false
	}
	x.limits.Store(&l)
	return true
}

// relimit has the coming turn under the limits that hold now.
func (a *actor) relimit() {
	if a.x.renewLimits() {
		a.x.session.Limit(a.budget())
	}
}

func (x *execution) maxInFlight() int { return int(x.limits.Load().CallsInFlight) }

// budget is what a VM holds of the limits.
func (x *execution) budget() worker.Budget {
	l := x.limits.Load()
	return worker.Budget{TurnCPU: l.TurnCPU, RunCPU: l.RunCPU, CallDepth: int(l.CallDepth), Result: l.Result}
}

func (a *actor) budget() worker.Budget {
	b := a.x.budget()
	b.Used = a.h.CPU
	return b
}

// replayBudget is enough for turns that were executed before, whatever the
// limits are by now and however busy the machine is. The run is not charged.
func (e *Engine) replayBudget(h *journal.History, s *Script) worker.Budget {
	b := worker.Budget{CallDepth: call.MaxCallDepth}
	if b.TurnCPU = e.limitsOf(s).TurnCPU; b.TurnCPU == 0 {
		return b // the workers' own
	}
	var longest time.Duration
	for _, t := range h.Turns {
		longest = max(longest, t.CPU)
	}
	b.TurnCPU = max(b.TurnCPU, call.Limits{}.OrDefaults().TurnCPU, 4*longest)
	return b
}

// isSpent reports whether the turns in force have used all the CPU time that
// the run may use.
func (a *actor) isSpent() bool { return a.h.CPU >= a.x.limits.Load().RunCPU }

func (a *actor) spent() *call.Error { return call.OverRunCPU(a.h.CPU, a.x.limits.Load().RunCPU) }

// endSpent ends a run that is found to have used its time when it is taken up
// again. Nothing of it is being performed, and nothing more is.
func (a *actor) endSpent() {
	err := a.spent()
	if a.x.script.PauseOnFailure && a.h.Cancel == nil && !a.letGo() {
		a.pauseForFailure(failedTurn(err))
		return
	}
	status, reason := Failed, ""
	if a.h.Cancel != nil {
		status, reason = Cancelled, a.h.Cancel.Reason
	}
	a.end(status, reason, nil, err, a.giveUpAll())
}

// tooManyCalls ends a request that makes more calls than a run may: it can not
// be paused.
func (x *execution) tooManyCalls(t *worker.Turn) *call.Error {
	most := x.limits.Load().Calls
	for i := range t.Calls {
		if !worker.IsBodyKind(t.Calls[i].Kind) { // of these there may be many: a stream has no end
			x.made++
		}
	}
	if x.made <= most {
		return nil
	}
	return call.OverLimit(limitCalls, x.made, most, "the request made %d calls; a script may make %d: start a run, which can go on as another with continueAs", x.made, most)
}

func (x *execution) resultTooLarge(size int64) *call.Error {
	most := x.limits.Load().Result
	what := "the result of the run"
	if x.handler == worker.HandlerFetch {
		what = "the answer that the script made"
	}
	return call.OverLimit(limitResult, size, most,
		"%s has %d bytes; it may have %s: keep what is large elsewhere and say where, answer with the body of a response as it is, or raise config.limits.result", what, size, call.FormatSize(most))
}
