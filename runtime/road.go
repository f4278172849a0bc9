// The road every call walks. A station is a function around the rest of the
// road; bindings stand at its end and know nothing of the stations.

package runtime

import (
	"context"
	"encoding/json"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// performer answers a call.
type performer func(x *execution, c *openCall) call.Outcome

// makeRoad puts the stations in order, the first one outermost.
func (e *Engine) makeRoad() performer {
	return e.trace(e.protect(e.toBinding))
}

// perform sends a request's call down the road, on a goroutine of its own. KV
// calls share a lane, so that they happen in call order; timers need none.
func (x *execution) perform(c *openCall) {
	switch kind := c.call.Kind; {
	case kind == worker.KindTimer:
		x.setTimer(c)
		return
	case worker.IsBodyKind(kind):
		x.moveBody(c.call)
		return
	}
	if _, commits := x.engine.bindings[c.call.Kind].binding.(Committer); !commits {
		x.start(c)
		return
	}
	x.admit(c)
	x.lane.add(func() { x.answer(x.engine.road(x, c)) })
}

// start performs a call on a goroutine of its own.
func (x *execution) start(c *openCall) {
	x.admit(c)
	go func() {
		deepen(c.call.ID)
		x.answer(x.engine.road(x, c))
	}()
}

// admit counts a call as being performed.
func (x *execution) admit(c *openCall) {
	x.wrote = x.wrote || isWrite(c)
	c.slot = true
	x.inFlight++
	// Not below the engine's context: when that ends, the driving goroutine
	// releases the open calls, so there is no need for a tree of thousands.
	c.ctx, c.cancel = context.WithCancelCause(x.engine.calls)
}

// deepen makes room on the stack of a new goroutine. An HTTP call goes deep;
// without this the stack grows on the way, again and again, with ever more
// frames to move.
//
//go:noinline
func deepen(any uint64) byte {
	var room [5 << 10]byte             // with what is there already, a stack of 8 KiB
	return room[any%uint64(len(room))] // what is read must exist
}

// trace logs and meters every call.
func (e *Engine) trace(next performer) performer {
	return func(x *execution, c *openCall) call.Outcome {
		began := time.Now()
		o := next(x, c)
		if c.ctx != nil && isAside(c.ctx) {
			return o // nobody reads it: the call is made again when the run goes on
		}
		took := time.Since(began)
		x.logCall(c, &o, took)
		if e.options.Meter != nil {
			e.options.Meter.CallEnded(c.call.Kind, o.Err != nil, took)
		}
		return o
	}
}

// protect turns a binding's panic into an outcome: a bug in one binding fails
// one call.
func (e *Engine) protect(next performer) performer {
	return func(x *execution, c *openCall) (o call.Outcome) {
		defer func() {
			if p := recover(); p != nil {
				e.options.Logger.Error("a binding panicked", "kind", c.call.Kind, "run", x.by.Run, "panic", p, "stack", string(debug.Stack()))
				o = call.Failed(c.call.ID, call.Errorf(call.CodeInternal, "performing %s failed inside Reprise: %v", c.call.Kind, p))
			}
		}()
		return next(x, c)
	}
}

// toBinding is the end of the road.
func (e *Engine) toBinding(x *execution, c *openCall) call.Outcome {
	b, ok := e.bindings[c.call.Kind]
	if !ok {
		return call.Failed(c.call.ID, call.Errorf(call.CodeInternal, "nothing in this build performs calls of kind %q", c.call.Kind))
	}
	p := x.performance(c)
	if b.shape == call.ShapeCommit {
		return e.commit(x, c, b.binding, p)
	}
	if c.call.Kind == call.KindInvoke {
		return e.invokeFor(c.ctx, x, p) // of a request: a run's is parked
	}
	doer, ok := b.binding.(Doer)
	if !ok {
		return call.Failed(c.call.ID, call.Errorf(call.CodeInternal, "the binding of %q can not perform it", c.call.Kind))
	}
	return doer.Do(c.ctx, p)
}

func (x *execution) performance(c *openCall) *call.Performance {
	p := &call.Performance{
		By: x.by, Call: c.call, Limits: *x.limits.Load(), Egress: x.egress, Key: x.callKey(c.call.ID), At: c.issued, Tries: c.tries,
		Wait: wait, Hold: x.bodies.hold, Read: x.bodies.read,
		Attempt: func(a call.Attempt) { x.attempted(c, a) },
	}
	if live, ok := x.bodies.(*bodies); ok {
		p.Stream = live.stream
	}
	if x.actor != nil {
		p.Wait = func(ctx context.Context, d time.Duration) error { return x.actor.rest(ctx, c, d) }
	}
	return p
}

func (e *Engine) commit(x *execution, c *openCall, b Binding, p *call.Performance) call.Outcome {
	committer, ok := b.(Committer)
	if !ok {
		return call.Failed(p.Call.ID, call.Errorf(call.CodeInternal, "the binding of %q can not commit it", p.Call.Kind))
	}
	if x.actor != nil {
		return x.actor.commitCall(c, committer, p)
	}
	ops, refusal := committer.Commit(p)
	if refusal != nil {
		return call.Failed(p.Call.ID, refusal)
	}
	done, err := e.options.Store.Commit(c.ctx, ops)
	return committer.Committed(p, done, err)
}

// wait pauses between two tries of a call.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// setTimer parks a timer call. The engine owns it; no goroutine waits.
func (x *execution) setTimer(c *openCall) {
	var args struct {
		MS int64 `json:"ms"`
	}
	id := c.call.ID
	if err := json.Unmarshal(c.call.Args, &args); err != nil || args.MS < 0 {
		go x.answer(call.Failed(id, call.Errorf(call.CodeInvalidArgument, "a timer needs a number of milliseconds")))
		return
	}
	x.logTimer(c, args.MS)
	c.timer = time.AfterFunc(time.Duration(min(args.MS, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond, func() { x.answer(call.OK(id, nil)) })
}

// lane performs jobs one after another, on one goroutine that lives only
// while there are any.
type lane struct {
	mu   sync.Mutex
	jobs []func() // guarded by mu; the first one is being done
	shut bool     // guarded by mu
}

func (l *lane) add(job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return
	}
	l.jobs = append(l.jobs, job)
	if len(l.jobs) == 1 {
		go l.work()
	}
}

func (l *lane) work() {
	for {
		l.mu.Lock()
		job := l.jobs[0]
		l.mu.Unlock()
		job()
		l.mu.Lock()
		l.jobs = l.jobs[1:]
		empty := len(l.jobs) == 0
		l.mu.Unlock()
		if empty {
			return
		}
	}
}

// close drops the jobs that have not begun.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	if len(l.jobs) > 1 {
		l.jobs = l.jobs[:1]
	}
}
