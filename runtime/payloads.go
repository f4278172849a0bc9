// Payloads: what a run carries, as its journal holds it. Small ones are in the
// record, large ones are blobs.

package runtime

import (
	"context"
	"encoding/json"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// fullPause is how long a run waits for room on the disk before it looks again.
const fullPause = time.Second

// putBlob keeps bytes for a run and returns their name.
func (e *Engine) putBlob(run string, b []byte) (journal.Hash, error) {
	for {
		hash, err := e.blobs.Put(e.writes, run, b)
		if err == nil || !isFull(err) {
			return journal.Hash(hash), err
		}
		if stopped := wait(e.writes, fullPause); stopped != nil {
			return journal.Hash{}, err
		}
	}
}

// loader returns a function that reads blobs.
func (e *Engine) loader(ctx context.Context) func(journal.Hash) ([]byte, error) {
	return func(h journal.Hash) ([]byte, error) { return e.blobs.Get(ctx, h) }
}

// payload makes the payload of bytes. Large ones are kept, or only named when
// nothing is to be written (a replay).
func (a *actor) payload(b []byte) journal.Payload {
	if len(b) <= call.InlineMax {
		return journal.Payload{Inline: b, Size: int64(len(b))}
	}
	if a.x != nil && a.x.silent {
		return journal.Payload{Hash: journal.HashOf(b), Size: int64(len(b))}
	}
	hash, err := a.engine.putBlob(a.id, b)
	if err != nil {
		a.fail(err)
	}
	return journal.Payload{Hash: hash, Size: int64(len(b))}
}

func (a *actor) bodyOf(b call.Body) journal.Body {
	if !b.IsHeld() {
		return journal.Body{Present: b.Present, Payload: a.payload(b.Inline)}
	}
	out := journal.Body{Present: true, Held: true, Payload: journal.Payload{Size: b.Size}}
	hash, err := journal.ParseHandle(b.Handle)
	if err != nil {
		// Not of this run: the script made it up. What is recorded is what it
		// asked for, which the comparison of a replay needs.
		hash = journal.HashOf([]byte(b.Handle))
	}
	out.Hash = hash
	return out
}

func (a *actor) callRecord(c *call.Call) journal.Call {
	return journal.Call{
		ID: c.ID, Kind: c.Kind, Target: c.Target, Class: c.Class, Args: a.payload(c.Args), Body: a.bodyOf(c.Body),
		Pos: c.Pos, Scope: c.Scope,
	}
}

func (a *actor) turnRecord(t *worker.Turn, cause journal.Cause, outcome uint64) *journal.Turn {
	r := &journal.Turn{
		N: t.N, Cause: cause, Outcome: outcome, At: t.At, CPU: t.CPU, Aborts: t.Aborts,
		Failed: t.Failed, Held: t.Held, Unwinding: t.Unwinding,
	}
	if len(t.Calls) > 0 {
		r.Calls = make([]journal.Call, len(t.Calls))
		for i := range t.Calls {
			r.Calls[i] = a.callRecord(&t.Calls[i])
		}
	}
	return r
}

func (a *actor) outcomeRecord(c *call.Call, o *call.Outcome) *journal.Outcome {
	r := &journal.Outcome{Call: o.Call, At: a.now(), Err: o.Err}
	if o.Err != nil {
		return r
	}
	r.Value = a.payload(o.Value)
	if c != nil && c.Kind == worker.KindBodyRead {
		// The bytes are kept already, under the handle that was read.
		if hash, ok := readHash(c.Args); ok {
			r.Body = journal.Body{Present: true, Payload: journal.Payload{Hash: hash, Size: o.Body.Size}}
			return r
		}
	}
	r.Body = a.bodyOf(o.Body)
	return r
}

// readHash is the blob that a body.read names.
func readHash(args []byte) (journal.Hash, bool) {
	var a struct {
		Handle string `json:"handle"`
	}
	if json.Unmarshal(args, &a) != nil {
		return journal.Hash{}, false
	}
	hash, err := journal.ParseHandle(a.Handle)
	return hash, err == nil
}

// outcomeOf is what is delivered of a recorded outcome.
func outcomeOf(r *journal.Outcome, load func(journal.Hash) ([]byte, error)) (call.Outcome, error) {
	o := call.Outcome{Call: r.Call, Err: r.Err}
	if r.Err != nil {
		return o, nil
	}
	var err error
	if o.Value, err = r.Value.Bytes(load); err != nil {
		return o, err
	}
	switch {
	case r.Body.Held:
		o.Body = call.Held(journal.Handle(r.Body.Hash), r.Body.Size)
	case r.Body.Present:
		b, err := r.Body.Bytes(load)
		if err != nil {
			return o, err
		}
		o.Body = call.Bytes(b)
	}
	return o, nil
}

// kept keeps the large bodies of a durable run, beyond the life of a VM.
type kept struct {
	engine *Engine
	run    string
}

func (k kept) hold(b []byte) call.Body {
	if len(b) <= call.InlineMax {
		return call.Bytes(b)
	}
	hash, err := k.engine.putBlob(k.run, b)
	if err != nil {
		// The store has failed or closed; the actor finds out at its next
		// commit, before anybody sees the handle.
		k.engine.options.Logger.Error("a body could not be kept", "run", k.run, "bytes", len(b), "error", err)
	}
	return call.Held(journal.Handle(hash), int64(len(b)))
}

func (k kept) read(body call.Body) ([]byte, error) {
	if !body.IsHeld() {
		return body.Inline, nil
	}
	hash, err := journal.ParseHandle(body.Handle)
	if err != nil {
		return nil, call.Errorf(call.CodeNotFound, "there is no body %q", body.Handle)
	}
	own, err := k.engine.blobs.Owns(k.engine.ctx, k.run, hash)
	if err == nil && !own {
		return nil, call.Errorf(call.CodeNotFound, "the run has no body %q", body.Handle)
	}
	if err != nil {
		return nil, err
	}
	return k.engine.blobs.Get(k.engine.ctx, hash)
}
