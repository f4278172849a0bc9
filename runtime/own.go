// The calls that a run's actor performs itself, in call order: those for which
// only the store is needed. A KV write and its outcome are one commit, and so
// the write is made exactly once.

package runtime

import (
	"bytes"
	"context"
	"errors"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
	"reprise/store"
)

func (a *actor) performOwn(c *openCall) {
	c.ctx, c.cancel = context.WithCancelCause(a.engine.calls)
	var o call.Outcome
	switch c.call.Kind {
	case worker.KindBodyRead:
		o = a.x.readBody(c.call)
	case call.KindPublish:
		o = a.publish(c)
	case call.KindContinue:
		a.continueAs(c)
		return
	default:
		o = a.engine.road(a.x, c)
	}
	if a.broken != nil {
		return
	}
	a.x.answered(o)
	if c.kept {
		a.facts = append(a.facts, o)
		return
	}
	a.fact(&c.call, o)
}

// commitCall writes what a call asks for together with its outcome.
func (a *actor) commitCall(c *openCall, b Committer, p *call.Performance) call.Outcome {
	ops, refusal := b.Commit(p)
	if refusal != nil {
		return call.Failed(c.call.ID, refusal)
	}
	if a.size > call.InlineMax {
		a.flush(false) // the two might not fit into one commit
	}
	a.addOutcome(&ops, c, b.Committed(p, store.Committed{}, nil))
	ops.Relaxed = !a.x.script.Strict
	done, err := a.commit(a.engine.writes, ops)
	if err != nil && !refused(err) {
		a.fail(err)
		return call.Failed(c.call.ID, call.From(err))
	}
	o := b.Committed(p, done, err)
	if err == nil {
		if err := a.h.Add(a.outcomeRecord(&c.call, &o)); err != nil {
			a.fail(call.Errorf(call.CodeInternal, "the run can not record what it does: %v", err))
		}
		c.kept = true
	}
	return o
}

// addOutcome makes the outcome a part of the commit. What it says of the
// commit's version is filled in by the store.
func (a *actor) addOutcome(ops *store.Commit, c *openCall, o call.Outcome) {
	r := a.outcomeRecord(&c.call, &o)
	b := journal.Append(nil, r, a.file)
	if at := bytes.Index(r.Value.Inline, []byte(store.Version(0).String())); at >= 0 && len(ops.KV) > 0 {
		if value := bytes.Index(b, r.Value.Inline); value >= 0 {
			ops.Stamp = &store.Stamp{Append: len(a.buffer), Offset: value + at}
		}
	}
	ops.Appends = [][]byte{b}
}

// refused reports whether a commit wrote nothing for a reason that the script
// is told; everything else ends the actor.
func refused(err error) bool {
	var check *store.CheckError
	return errors.As(err, &check) || errors.Is(err, store.ErrNotNumber) || errors.Is(err, store.ErrTooLarge)
}

// publish shows the state that a script gives out.
func (a *actor) publish(c *openCall) call.Outcome {
	state, err := a.x.bodies.read(c.call.Body)
	if err != nil {
		return call.Failed(c.call.ID, call.From(err))
	}
	if len(state) > call.InlineMax {
		return call.Failed(c.call.ID, call.Errorf(call.CodeInvalidArgument, "publish takes at most %d bytes of JSON, not %d; publish a summary", call.InlineMax, len(state)))
	}
	a.run.State, a.dirty = state, true
	a.x.logState(c, state)
	return call.OK(c.call.ID, nil)
}
