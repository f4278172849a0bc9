// Replay: the journal is delivered to a fresh VM, turn by turn, and what the
// script does is compared with what it did. It is the same loop as the first
// time; only where the outcomes come from differs.

package runtime

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// player plays a history in an execution. Nothing is performed or written.
type player struct {
	x    *execution
	h    *journal.History
	load func(journal.Hash) ([]byte, error)
	// record makes the record of a turn, to be compared.
	record func(t *worker.Turn, cause journal.Cause, outcome uint64) *journal.Turn
	// issued is told of every turn that agreed.
	issued func(t *worker.Turn, r *journal.Turn)

	ready []worker.Turn // played and not compared yet
}

// play plays all turns in force. It returns the last one, or where the script
// did something else.
func (p *player) play(start worker.Start) (last worker.Turn, diverged *Divergence, err error) {
	for i, want := range p.h.Turns {
		got, err := p.turn(i, want, start)
		if err == nil {
			err = endOf(&got)
		}
		if err == nil && got.Dead {
			err = call.Errorf(call.CodeUnavailable, "the replay was stopped in turn %d, which it could execute before: %v", want.N, got.Err)
		}
		if err != nil {
			return got, nil, err
		}
		if d := journal.Compare(want, p.record(&got, want.Cause, want.Outcome)); d != nil {
			return got, p.divergence(want, &got, d), nil
		}
		p.x.turn.Store(got.N)
		p.issued(&got, want)
		if s, ok := p.h.Reseeded(want.N); ok {
			p.x.session.Reseed(s.Run, s.Key)
		}
		last = got
	}
	return last, nil, nil
}

func (p *player) turn(i int, want *journal.Turn, start worker.Start) (worker.Turn, error) {
	switch {
	case i == 0:
		start.Now = want.At
		return p.x.enter(start)
	case want.Cause == journal.ByUnwind:
		return p.x.session.Unwind(want.At), nil
	}
	if len(p.ready) == 0 {
		list, err := p.gather(i)
		if err != nil {
			return worker.Turn{}, err
		}
		p.x.sawCall(p.h.Call(want.Outcome)) // as in gather
		p.ready = p.x.session.Deliver(list...)
	}
	got := p.ready[0]
	p.ready = p.ready[1:]
	return got, nil
}

// What is delivered at once in a replay: many turns, which is cheaper where the
// VM is in another process, and not more than can be compared soon.
const (
	maxPlayed      = 64
	maxPlayedBytes = 1 << 20
)

// gather returns the outcomes of turns from place i on, up to where something
// else than an outcome comes.
func (p *player) gather(i int) (list []worker.Delivery, err error) {
	size := 0
	for _, want := range p.h.Turns[i:] {
		if want.Cause != journal.ByOutcome {
			break
		}
		o, err := outcomeOf(p.h.Outcome(want.Outcome), p.load)
		if err != nil {
			return nil, unreadable(err, "the outcome of call %d", want.Outcome)
		}
		list = append(list, worker.Delivery{Outcome: o, At: want.At})
		size += len(o.Value) + len(o.Body.Inline)
		if _, reseeded := p.h.Reseeded(want.N); reseeded || len(list) == maxPlayed || size > maxPlayedBytes {
			break
		}
	}
	return list, nil
}

// endOf is the error of a turn whose process has ended, or nil.
func endOf(t *worker.Turn) error {
	if t.Dead && (isLost(t.Err) || worker.IsVerdict(t.Err)) {
		return t.Err
	}
	return nil
}

// divergence says in a sentence what differs, and where.
func (p *player) divergence(want *journal.Turn, got *worker.Turn, d *journal.Difference) *Divergence {
	out := &Divergence{Turn: want.N, Revision: p.x.by.Revision}
	if d.Expected != nil {
		out.Expected = p.detail(d.Expected)
	}
	if d.Got != nil {
		out.Got = p.detail(d.Got)
	}
	switch {
	case out.Expected != nil && out.Got != nil && out.Expected.Kind == out.Got.Kind && out.Expected.Target == out.Got.Target:
		out.Message = fmt.Sprintf("in turn %d the script did %s%s %s", want.N, out.Got.Target, at(out.Got.Src), differ(d.Expected, d.Got, p.load))
	case out.Expected != nil && out.Got != nil:
		out.Message = fmt.Sprintf("in turn %d the journal has %s%s, and the script did %s%s", want.N,
			out.Expected.Target, at(out.Expected.Src), out.Got.Target, at(out.Got.Src))
	case out.Expected != nil:
		out.Message = fmt.Sprintf("in turn %d the journal has %s%s, which the script did not do", want.N, out.Expected.Target, at(out.Expected.Src))
	case out.Got != nil:
		out.Message = fmt.Sprintf("in turn %d the script did %s%s, which the journal does not have", want.N, out.Got.Target, at(out.Got.Src))
	case got.Err != nil && !want.Failed:
		out.Message = fmt.Sprintf("in turn %d the script failed, and it did not when it was recorded: %s", want.N, got.Err)
	default:
		out.Message = fmt.Sprintf("in turn %d the script did not do what the journal has: %s", want.N, d)
	}
	return out
}

func at(p *call.Position) string {
	if p == nil {
		return ""
	}
	return " (" + p.String() + ")"
}

// maxShownArgs is how much of a call's arguments a report shows.
const maxShownArgs = 4 << 10

func (p *player) detail(c *journal.Call) *CallDetail { return detailOf(c, p.load) }

func detailOf(c *journal.Call, load func(journal.Hash) ([]byte, error)) *CallDetail {
	d := &CallDetail{CallRef: refOf(c), Kind: c.Kind}
	if c.Args.Size <= maxShownArgs {
		if b, err := c.Args.Bytes(load); err == nil && json.Valid(b) { // it may have been altered in the store
			d.Args = b
		}
	}
	return d
}

func refOf(c *journal.Call) CallRef {
	return CallRef{Call: c.ID, Target: c.Target, Src: place(c.Pos), Step: c.Scope}
}

// startOf is how a run's handler is called.
func (e *Engine) startOf(h *journal.History, s *Script) (worker.Start, error) {
	input, err := h.Started.Input.Bytes(e.loader(e.ctx))
	if err != nil {
		return worker.Start{}, unreadable(err, "the input of run %s", h.Started.Run)
	}
	start := worker.Start{
		Input: input, Env: h.Started.Env, Connections: h.Started.Connections, Secrets: h.Started.Secrets,
		Run: cmp.Or(h.Started.As, h.Started.Run), Seed: h.Started.Seed, HoldFailure: s.PauseOnFailure, Now: time.Now(), Budget: e.replayBudget(h, s),
	}
	if s, ok := h.Reseeded(0); ok { // a fork that shares nothing
		start.Run, start.Seed = s.Run, s.Key
	}
	if len(start.Secrets) > 0 {
		start.SecretKey = secretKey(h.Started.Seed)
	}
	return start, nil
}

// newDurable makes the execution of a durable run.
func (e *Engine) newDurable(h *journal.History, s *Script) *execution {
	x := e.newExecution(s, worker.Handler(h.Started.Handler), h.Started.Run)
	x.by.Durable = true
	x.bodies = kept{e, h.Started.Run}
	if len(h.Started.Secrets) > 0 {
		x.by.SecretKey = secretKey(h.Started.Seed)
	}
	return x
}
