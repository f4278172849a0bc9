// How runs begin.

package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
	"reprise/store"
)

// beginning is all that the start of a run can ask for.
type beginning struct {
	id          string // of a child; empty makes one up
	script      string
	handler     string // empty means run
	input       []byte
	key         string // idempotency key
	tick        *time.Time
	parent      string
	call        uint64 // of the parent
	attached    bool
	depth       int
	predecessor string
	alone       bool // not beside another run of the same schedule
	after       int  // failures in a row that led to it
	relaxed     bool // a caller that is a run itself need not wait for the disk
	webhook     *Webhook
	dedupe      *dedupe // of a delivery; the start fails with a *store.CheckError where it does not hold
}

// Start begins a run of a script's run handler and returns once it is on disk.
// With an idempotency key that was used before it returns that run and created
// false, or CONFLICT_ERROR when the input is another value (see call.SameJSON).
func (e *Engine) Start(ctx context.Context, req StartRequest) (r Run, created bool, err error) {
	return e.begin(ctx, beginning{script: req.Script, input: req.Input, key: req.IdempotencyKey})
}

func (e *Engine) begin(ctx context.Context, b beginning) (r Run, created bool, err error) {
	s, missing := e.pick(b.script)
	if missing != nil {
		return Run{}, false, missing
	}
	defer e.options.Workers.Forget(s.Revision)
	if b.handler == "" {
		b.handler = string(worker.HandlerRun)
	}
	if !s.Has(worker.Handler(b.handler)) {
		return Run{}, false, call.Errorf(call.CodeInvalidArgument,
			"the script %s has no %s handler; it exports %s", b.script, b.handler, strings.Join(s.Handlers, ", "))
	}
	if b.input, err = compactInput(b.input); err != nil {
		return Run{}, false, err
	}
	if err := e.keep(ctx, s.Revision); err != nil {
		return Run{}, false, err
	}
	a, err := e.prepareRun(ctx, s, &b)
	if err != nil {
		return Run{}, false, err
	}
	e.mu.Lock()
	stopping, known := e.stopping, e.actors[a.id] != nil
	if !stopping && !known {
		e.work.Add(1)
		e.actors[a.id] = a // before anybody can see the row
	}
	e.mu.Unlock()
	switch {
	case stopping:
		return Run{}, false, call.Errorf(call.CodeUnavailable, "the server is stopping")
	case known:
		return e.sameStart(ctx, &b, a.id)
	}
	return e.launch(ctx, a, &b)
}

// launch records a prepared run and lets its actor live.
func (e *Engine) launch(ctx context.Context, a *actor, b *beginning) (Run, bool, error) {
	err := e.insert(a, b)
	if err != nil {
		if refusedWhole(err) {
			e.dropInput(ctx, a)
		}
		a.forget()
		go a.live() // it may have mail, and is that run's actor if there is one
		if failed, ok := errors.AsType[*store.CheckError](err); ok {
			return Run{}, false, failed
		}
		// A run whose id is made of the call that starts it has a journal already
		// when it is started again.
		if errors.Is(err, store.ErrRowExists) || errors.Is(err, store.ErrSequence) {
			return e.sameStart(ctx, b, a.id)
		}
		return Run{}, false, storeError("record the run", err)
	}
	shown := a.shown()
	queued := a.run.Status == Queued
	e.logStart(a.run.Run)
	flow := a.run
	go a.live()
	if queued {
		e.flow.look(flow.Script, flow.FlowKey)
	}
	if !b.relaxed {
		// The run is under way already; what waits for the disk is the answer.
		if _, err := e.options.Store.Commit(ctx, store.Commit{}); err != nil {
			return Run{}, false, storeError("record the run", err)
		}
	}
	return shown, true, nil
}

// refusedWhole reports whether nothing of a commit is there, and will be.
func refusedWhole(err error) bool {
	if _, failed := errors.AsType[*store.CheckError](err); failed {
		return true
	}
	for _, known := range []error{store.ErrRowExists, store.ErrSequence, store.ErrFull, store.ErrTooLarge} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// dropInput takes back what was kept for a run that did not begin, unless the
// run is there: begun before, by the same call.
func (e *Engine) dropInput(ctx context.Context, a *actor) {
	if a.run.InputHash == "" {
		return
	}
	if _, err := e.row(ctx, a.id); !isGone(err) {
		return
	}
	if err := e.blobs.Drop(ctx, a.id); err != nil {
		e.options.Logger.Warn("the input of a run that did not begin is left in the store", "run", a.id, "error", err)
	}
}

// forget makes an actor one that has not read its run yet.
func (a *actor) forget() {
	a.run, a.before, a.dirty, a.h, a.file = run{}, "", false, nil, ""
	a.buffer, a.after, a.signals = nil, extra{}, nil
}

// prepareRun makes the row, the first record and the actor of a new run.
func (e *Engine) prepareRun(ctx context.Context, s *Script, b *beginning) (*actor, error) {
	now := time.Now().UTC()
	if b.id == "" {
		b.id = newRunID()
	}
	a := e.newActor(b.id)
	started := &journal.Started{
		Run: b.id, Script: s.Name, File: s.File, Revision: s.Revision, Handler: b.handler, Engine: worker.Engine,
		Env: e.options.Env, Connections: s.inEnv(), Secrets: e.options.Secrets(),
		At: now, Parent: b.parent, ParentCall: b.call,
	}
	copy(started.Seed[:], randomBytes(32))
	var err error
	if started.Input, err = e.keepInput(ctx, b); err != nil {
		return nil, err
	}
	a.h, a.file = &journal.History{}, s.File
	a.record(started)
	if a.broken != nil {
		return nil, a.broken
	}
	r := run{Run: Run{
		ID: b.id, Script: s.Name, Revision: s.Revision, Handler: b.handler, Status: Running, CreatedAt: now,
		IdempotencyKey: b.key, Parent: b.parent, Attached: b.attached, Predecessor: b.predecessor, Tick: b.tick,
		Webhook: b.webhook,
	}, ParentCall: b.call, OnFailed: s.OnFailed, After: b.after, Depth: b.depth}
	r.setInput(started.Input)
	if err := e.flow.classify(s, b, &r); err != nil {
		return nil, err
	}
	if r.Status == Running {
		r.StartedAt = &now
	}
	a.run, a.dirty = r, true
	a.signals = map[string][]journal.Payload{}
	return a, nil
}

// keepInput makes the payload of an input. With a full disk a start is refused,
// unless it is another run that waits for it.
func (e *Engine) keepInput(ctx context.Context, b *beginning) (journal.Payload, error) {
	if len(b.input) <= call.InlineMax {
		return journal.Inline(b.input), nil
	}
	if b.relaxed {
		hash, err := e.putBlob(b.id, b.input)
		return journal.Kept(hash, int64(len(b.input))), err
	}
	hash, err := e.blobs.Put(ctx, b.id, b.input)
	if err != nil {
		return journal.Payload{}, storeError("keep the run's input", err)
	}
	return journal.Kept(hash, int64(len(b.input))), nil
}

// insert writes a new run. store.ErrRowExists means that its key was used.
func (e *Engine) insert(a *actor, b *beginning) error {
	a.setRow(store.RowOp{Table: tableByScript, Key: indexKey(a.run.Script, a.id), Value: []byte{}})
	a.setRow(storeIndex(tableByRevision, a.run.Revision, a.id))
	if b.key != "" {
		start := indexKey(a.run.Script, b.key)
		a.setRow(store.RowOp{Table: tableStarts, Key: start, Value: []byte(a.id), IfAbsent: true})
		a.setRow(store.RowOp{Table: tableStartOf, Key: a.id, Value: []byte(start)})
	}
	if b.parent != "" || b.predecessor != "" {
		// Its id is made of the call that starts it: it may be there already.
		a.setRow(store.RowOp{Table: tableChildren, Key: a.id, Value: []byte(b.parent), IfAbsent: true})
	}
	if b.tick != nil {
		a.setRow(tickingRow(&a.run, []byte{}))
	}
	if b.webhook != nil {
		for _, row := range deliveryRows(a.run.Script, a.id, []byte{}) {
			a.setRow(row)
		}
	}
	if a.run.Status == Queued {
		e.flow.enqueue(a)
	}
	c := store.Commit{
		Run: a.id, ExpectSeq: a.h.Len - uint64(len(a.buffer)), Appends: a.buffer,
		Rows: append(a.after.rows, a.rowOps()...), Timers: a.after.timers, Relaxed: true,
	}
	if b.dedupe != nil {
		c.Checks, c.KV = []store.Check{b.dedupe.check()}, []store.KVOp{b.dedupe.write(a.id)}
	}
	var err error
	if b.relaxed { // a run waits for room; whoever is outside is told that there is none
		_, err = e.commitPatiently(e.writes, a.id, c)
	} else {
		_, err = e.options.Store.Commit(e.writes, c)
	}
	if err != nil {
		return err
	}
	a.loose = true
	a.buffer, a.after, a.before, a.dirty = nil, extra{}, a.run.Status, false
	return nil
}

// sameStart returns the run that was started before, once it is on disk: who is
// told of it does not start it again.
func (e *Engine) sameStart(ctx context.Context, b *beginning, id string) (Run, bool, error) {
	if b.key != "" {
		first, ok, err := e.options.Store.Row(ctx, tableStarts, indexKey(b.script, b.key))
		if err != nil {
			return Run{}, false, storeError("read the run of the idempotency key", err)
		}
		if ok {
			id = string(first)
		}
	}
	r, err := e.Get(ctx, id)
	if err != nil {
		return Run{}, false, err
	}
	if !call.SameJSON(r.Input, b.input) { // r has its whole input, however large
		return Run{}, false, call.Errorf(call.CodeConflict,
			"the idempotency key %q of %s was used before with another input, by run %s", b.key, b.script, r.ID)
	}
	if !b.relaxed {
		if _, err := e.options.Store.Commit(ctx, store.Commit{}); err != nil {
			return Run{}, false, storeError("record the run", err)
		}
	}
	return r, false, nil
}

func compactInput(input json.RawMessage) (json.RawMessage, error) {
	if len(input) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, input); err != nil {
		return nil, call.Errorf(call.CodeInvalidJSON, "the input is not valid JSON: %v", err)
	}
	return b.Bytes(), nil
}

// fork records a run that begins with what another one did before turn.
func (e *Engine) fork(ctx context.Context, id string, from *run, h *journal.History, turn uint64, revision string) (Run, error) {
	s, release, err := e.pinned(ctx, from.Script, revision)
	if err != nil {
		return Run{}, err
	}
	defer release()
	now := time.Now().UTC()
	b := beginning{id: id}
	a := e.newActor(b.id)
	started := *h.Started
	started.Run, started.Revision, started.File, started.At = b.id, revision, s.File, now
	started.As = h.Seeds()[0].Run
	started.Fork, started.ForkTurn, started.Parent, started.ParentCall = from.ID, turn, "", 0
	a.h, a.file = &journal.History{}, s.File
	a.record(&started)
	for _, r := range h.All()[1:] {
		if c, ok := r.(*journal.Control); !ok || c.Op == journal.OpReseed {
			a.record(r)
		}
	}
	reseed := &journal.Control{Op: journal.OpReseed, At: now, Turn: uint64(len(a.h.Turns)), Run: b.id}
	copy(reseed.Seed[:], randomBytes(32))
	a.record(reseed)
	if a.broken != nil {
		return Run{}, a.broken
	}
	a.run = run{Run: Run{
		ID: b.id, Script: from.Script, Revision: revision, Handler: from.Handler, Status: Running, CreatedAt: now, StartedAt: &now,
		Input: from.Input, ForkOf: from.ID, FlowKey: from.FlowKey,
	}, InputHash: from.InputHash, OnFailed: s.OnFailed, RateKey: from.RateKey}
	a.dirty = true
	a.adopt(a.run, a.h)
	a.before, a.dirty = "", true
	e.flow.comeBack(a) // it does not queue, and others wait for it
	if err := e.employ(a); err != nil {
		return Run{}, err
	}
	shown, _, err := e.launch(ctx, a, &b)
	return shown, err
}

// employ makes a the actor of its run.
func (e *Engine) employ(a *actor) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return call.Errorf(call.CodeUnavailable, "the server is stopping")
	}
	e.work.Add(1)
	e.actors[a.id] = a
	return nil
}
