// What is open after a replay: performed again, waited for again, or in doubt.

package runtime

import (
	"encoding/json"

	"reprise/runtime/call"
	"reprise/runtime/journal"
)

// placeAll begins, after a replay, what is open and has no outcome: again, or
// for the first time. It is false when the run has to be paused instead.
func (a *actor) placeAll() bool {
	var calls, doubtful []*openCall
	for _, id := range a.x.openIDs() {
		c := a.x.open[id]
		t := a.h.Tries(id)
		c.tries = t.Failed
		switch {
		case a.isCancelled(c):
			a.fact(&c.call, call.Failed(id, errCancelled(a.h.Cancel.Reason)))
			if c.call.Kind == call.KindInvoke {
				a.abandon(childID(c.issued, id, a.x.callKey(id)))
			}
		case t.InDoubt && c.call.Class == call.Write:
			switch inDoubtPolicy(c) {
			case "retry":
				calls = append(calls, c)
			case "fail":
				a.fact(&c.call, call.Failed(id, errInDoubt(c)))
			default:
				doubtful = append(doubtful, c)
			}
		case t.RetryAt.After(a.now()):
			c.parked, c.until = true, t.RetryAt
		default:
			calls = append(calls, c)
		}
	}
	if len(doubtful) > 0 {
		a.pauseInDoubt(doubtful)
		return false
	}
	a.begin(calls)
	return a.broken == nil
}

// isCancelled reports whether a call was open when the run was cancelled: a
// process may die between writing down the one and the other.
func (a *actor) isCancelled(c *openCall) bool {
	k := a.h.Cancel
	return k != nil && k.Op == journal.OpCancel && a.h.IssuedBy(c.call.ID).N <= k.Turn
}

// inDoubtPolicy is what the script says should happen to a call in doubt.
func inDoubtPolicy(c *openCall) string {
	var args struct {
		InDoubt string `json:"inDoubt"`
	}
	if json.Unmarshal(c.call.Args, &args) != nil {
		return ""
	}
	return args.InDoubt
}

func errInDoubt(c *openCall) *call.Error {
	return call.Errorf(call.CodeInDoubt, "%s: the server died while it was performed; nobody knows whether the upstream acted on it", c.call.Target)
}

func (a *actor) pauseInDoubt(calls []*openCall) {
	a.record(&journal.Control{Op: journal.OpPause, At: a.now(), Reason: ReasonInDoubt})
	a.status(Paused, ReasonInDoubt)
	for _, c := range calls {
		a.run.InDoubt = append(a.run.InDoubt, CallRef{Call: c.call.ID, Target: c.call.Target, Src: place(c.call.Pos), Step: c.call.Scope})
	}
	a.flush(true)
	if a.broken == nil {
		a.engine.logPaused(a.run.Run, errInDoubt(calls[0]))
	}
}
