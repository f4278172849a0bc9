// Runs that runs start: detached ones, attached ones whose end the parent waits
// for, successors after continueAs, and the script that is told of a failure.
// Their ids are made from the call that starts them, so that starting one twice
// is starting it once.

package runtime

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/store"
)

func mac(key []byte, what string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(what))
	return m.Sum(nil)
}

// callKey names a call to the outside: the same for all tries and after every
// resume. h is nil for a request.
func (x *execution) callKey(id uint64) string {
	if x.actor != nil {
		return callKey(x.actor.h, id)
	}
	return keyOf(x.by.Run, id, 0)
}

func callKey(h *journal.History, id uint64) string {
	return keyOf(h.Started.Run, id, h.Generation(id))
}

func keyOf(run string, id, generation uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", run, id, generation))
	return hex.EncodeToString(sum[:16])
}

// childID makes a UUIDv7 of a moment, a number and a name. They come from the
// journal. Of what one run starts in a millisecond, ids are in order of the
// numbers: runs are listed, and let in by flow control, in the order of ids.
func childID(at time.Time, n uint64, name string) string {
	var id uuid.UUID
	sum := sha256.Sum256([]byte("child/" + name))
	copy(id[:], sum[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6], id[7] = byte(n>>8)&0x0f|0x70, byte(n)
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// StartRun starts a detached run for a call: the host side of start().
func (e *Engine) StartRun(ctx context.Context, p *call.Performance, script string, input []byte, idempotencyKey string) (id string, err error) {
	run, _, err := e.begin(ctx, beginning{
		id: childID(p.At, p.Call.ID, p.Key), script: script, input: input, key: idempotencyKey, parent: p.By.Run, relaxed: p.By.Durable,
	})
	return run.ID, err
}

// maxDepth is how many runs may wait for each other's results in a row: a script
// that invokes itself comes to an end.
const maxDepth = 32

// parkInvoke starts an attached run, or finds it.
func (a *actor) parkInvoke(c *openCall) {
	var args call.StartArgs
	if !a.parseArgs(c, &args) {
		return
	}
	if a.run.Depth >= maxDepth {
		a.fact(&c.call, call.Failed(c.call.ID, call.Errorf(call.CodeResource, "%d runs wait for each other's results already; start() the next one, or do its work here", maxDepth).
			WithData(map[string]any{"limit": "invoke depth", "allowed": maxDepth})))
		return
	}
	input, err := a.x.bodies.read(c.call.Body)
	if err != nil {
		a.fact(&c.call, call.Failed(c.call.ID, call.From(err)))
		return
	}
	child, _, err := a.engine.begin(a.engine.ctx, beginning{
		id: childID(c.issued, c.call.ID, a.x.callKey(c.call.ID)), script: args.Script, input: input,
		parent: a.id, call: c.call.ID, attached: true, depth: a.run.Depth + 1, relaxed: true,
	})
	if err != nil {
		if a.engine.isStopping() {
			a.leaving = true
			return
		}
		a.fact(&c.call, call.Failed(c.call.ID, call.From(err)))
		return
	}
	c.child = child.ID
	if child.Status.Ended() {
		a.childEnded(c)
	}
}

// childEnded takes the result of an attached run.
func (a *actor) childEnded(c *openCall) {
	child, err := a.engine.Get(a.engine.ctx, c.child)
	for err == nil && child.Successor != "" { // what it continues as answers for it
		c.child = child.Successor
		child, err = a.engine.Get(a.engine.ctx, c.child)
	}
	if err != nil {
		a.fail(err)
		return
	}
	if !child.Status.Ended() {
		return
	}
	a.setTimer(timerOf(c.call.ID), time.Time{})
	a.fact(&c.call, childOutcome(c.call.ID, &child))
}

func childOutcome(id uint64, child *Run) call.Outcome {
	if child.Status == Succeeded {
		return call.OK(id, child.Output)
	}
	err := call.Errorf(call.CodeRunFailed, "the run %s of %s %s", child.ID, child.Script, map[Status]string{Failed: "failed", Cancelled: "was cancelled"}[child.Status]).
		WithData(map[string]any{"run": child.ID, "status": child.Status})
	if child.Error != nil {
		err.Message += ": " + clipped(child.Error.Error())
		err.Cause = child.Error
	}
	return call.Failed(id, err)
}

// clipped keeps the messages of runs that wait for each other from repeating all
// those below them; the whole error is the cause.
func clipped(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// timerOf is the timer of a parent that the end of an attached run sets. It is
// apart from the parent's own, which the parent may be setting at the same time.
func timerOf(id uint64) uint64 { return 2 + id }

// tellParent has the parent of an attached run look.
func (e *Engine) tellParent(parent string, id uint64) {
	e.tell(parent, letter{
		do: func(a *actor) {
			switch {
			case a.x != nil:
				if c := a.x.open[id]; c != nil && c.child != "" {
					a.childEnded(c)
				}
			case a.run.Status == Waiting:
				a.woken = true
			case a.run.Status.Ended():
				a.setTimer(timerOf(id), time.Time{})
				a.flush(false)
			}
		},
		// The timer stays in the store and is found again.
		refuse: func(error) {},
	})
}

// reasonOrphan is why a run is cancelled that another one invoked, and does not
// wait for any more.
const reasonOrphan = "the run that invoked it does not wait for it any more"

// abandon has an attached run cancelled, from the next commit on.
func (a *actor) abandon(child string) {
	a.after.timers = append(a.after.timers, store.TimerOp{Run: child, ID: timerOrphan, At: a.now()})
	a.after.orphans = append(a.after.orphans, child)
}

// cancelChild cancels an attached run whose result nobody waits for any more.
func (e *Engine) cancelChild(id, why string) {
	e.tell(id, letter{
		do:     func(a *actor) { a.orphaned(why) },
		anyway: true,
		refuse: func(error) {}, // if it is there, its timer is found again
	})
}

// orphaned cancels a run, unless it has ended, and takes away the timer that
// would see to that.
func (a *actor) orphaned(why string) {
	a.setTimer(timerOrphan, time.Time{})
	switch {
	case a.run.Successor != "":
		a.abandon(a.run.Successor)
	case !a.run.Status.Ended():
		if err := a.cancel(why); err != nil {
			a.engine.options.Logger.Warn("a run that nobody waits for could not be cancelled", "run", a.id, "error", err)
		}
	}
	a.flush(false)
}

// continueAs ends the run and starts its successor.
func (a *actor) continueAs(c *openCall) {
	input, err := a.x.bodies.read(c.call.Body)
	if err != nil {
		a.fact(&c.call, call.Failed(c.call.ID, call.From(err)))
		return
	}
	next, _, err := a.engine.begin(a.engine.ctx, beginning{
		id: childID(c.issued, c.call.ID, a.x.callKey(c.call.ID)), script: a.run.Script, input: input,
		handler: a.run.Handler, predecessor: a.id, relaxed: true,
		parent: a.run.Parent, call: a.run.ParentCall, attached: a.run.Attached, depth: a.run.Depth,
	})
	if err != nil {
		if a.engine.isStopping() {
			a.leaving = true
			return
		}
		a.fact(&c.call, call.Failed(c.call.ID, call.From(err)))
		return
	}
	delete(a.x.open, c.call.ID)
	a.successor = next.ID
}

// afterEnd does what others need of a run that has ended, and then takes the
// timer away that would have it done by the next process.
func (e *Engine) afterEnd(ctx context.Context, r run) error {
	if r.OnFailed != "" && r.OnFailed != r.Script && r.Status == Failed {
		if err := e.startOnFailed(ctx, r); err != nil {
			return err
		}
	}
	return e.removeTimer(ctx, r.ID, timerAfter)
}

// maxAfter is how many runs in a row may be started for the failure of the one
// before. A script that is told of failures and fails itself may well be told of
// to another one; scripts that tell of each other must come to an end.
const maxAfter = 5

// startOnFailed starts the script that the config names, with the failed run.
func (e *Engine) startOnFailed(ctx context.Context, r run) error {
	if r.After >= maxAfter {
		e.logNoMoreAfter(r)
		return nil
	}
	shown, err := e.show(ctx, r)
	if err != nil {
		return err
	}
	input, err := json.Marshal(map[string]any{"run": shown})
	if err != nil {
		return fmt.Errorf("runtime: a run does not encode: %w", err)
	}
	_, _, err = e.begin(ctx, beginning{
		id: childID(*r.EndedAt, 0, "failed/"+r.ID), script: r.OnFailed, input: input, parent: r.ID, after: r.After + 1, relaxed: true,
	})
	if err != nil && !e.isStopping() {
		// The script may be broken or gone: that must not keep coming back.
		e.options.Logger.Error("the script for failed runs could not be started", "run", r.ID, "script", r.Script, "onFailed", r.OnFailed, "error", err)
		return nil
	}
	return err
}

func isUnavailable(err *call.Error) bool {
	return err != nil && err.Code == string(call.CodeUnavailable)
}

// invokeFor starts an attached run for a request, and waits for it.
func (e *Engine) invokeFor(ctx context.Context, x *execution, p *call.Performance) call.Outcome {
	var args call.StartArgs
	if err := json.Unmarshal(p.Call.Args, &args); err != nil {
		return call.Failed(p.Call.ID, call.Errorf(call.CodeInvalidArgument, "the arguments of %s can not be read: %v", p.Call.Kind, err))
	}
	input, err := x.bodies.read(p.Call.Body)
	if err != nil {
		return call.Failed(p.Call.ID, call.From(err))
	}
	child, _, err := e.begin(ctx, beginning{id: childID(x.began, p.Call.ID, p.Key), script: args.Script, input: input, parent: x.by.Run})
	for err == nil && !child.Status.Ended() && ctx.Err() == nil && !e.isStopping() {
		child, err = e.wait(ctx, child.ID, lookAgain, Status.Ended) // one that stands still may be let go on
	}
	switch {
	case ctx.Err() != nil:
		e.cancelChild(child.ID, "the request that invoked it has ended")
		return call.Failed(p.Call.ID, call.From(context.Cause(ctx)))
	case err != nil:
		return call.Failed(p.Call.ID, call.From(err))
	case !child.Status.Ended():
		return call.Failed(p.Call.ID, errStopped)
	}
	return childOutcome(p.Call.ID, &child)
}
