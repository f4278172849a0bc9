// An execution drives one handler: it dispatches the calls of each turn and
// delivers their outcomes one at a time, in the order they arrived. One
// goroutine drives it; calls are performed on others and answer through a
// channel. This file is what fetch requests need; a durable run adds to it
// that everything is written down (see actor.go).

package runtime

import (
	"context"
	"crypto/rand"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
	"reprise/runtime/worker"
)

type execution struct {
	engine  *Engine
	by      call.Caller
	script  *Script
	egress  *hosts.List // the script's; read by those who perform calls
	handler worker.Handler
	count   *counters
	began   time.Time

	limits  atomic.Pointer[call.Limits] // as they are now; another one when they change
	session worker.Session
	entered bool                          // counted as running
	turn    atomic.Uint64                 // number of the last turn, for log entries
	seen    atomic.Pointer[call.Position] // where the script was last; see seen.go

	// The driving goroutine's own.
	open     map[uint64]*openCall
	waiting  []*openCall   // issued, and more than may be performed at once
	made     int64         // calls, of a request
	inFlight int           // being performed, timers aside
	wrote    bool          // a write has begun
	limit    time.Duration // of wall time; zero means none
	wall     *time.Timer   // of the limit; made when there is something to wait for
	ready    []worker.Turn // executed and not looked at yet
	stopped  *call.Error   // why the execution was stopped from outside

	outcomes chan call.Outcome // from the performing goroutines; made with the first call, as over is
	over     chan struct{}     // closed when nobody reads outcomes any more
	lane     lane              // KV calls, performed one after another
	bodies   keeper
	sending  *outgoing     // the answer of a request, where the script makes it while it is sent
	actor    *actor        // of a durable run; nil for a request
	silent   bool          // a replay: nothing is printed
	lines    *[]ReplayLine // where a silent one puts what the script prints, if anywhere
}

// keeper keeps the large bodies of an execution.
type keeper interface {
	hold(b []byte) call.Body
	read(body call.Body) ([]byte, error)
}

// openCall is a call that has been issued and not answered.
type openCall struct {
	call   call.Call
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // of a timer call
	slot   bool        // counts as in flight
	try    atomic.Pointer[call.Attempt]

	parking // of a durable run
}

func (e *Engine) newExecution(s *Script, h worker.Handler, run string) *execution {
	x := &execution{
		engine: e, script: s, egress: s.Egress, handler: h, count: e.counters(s.Name), began: time.Now(),
		by: call.Caller{Run: run, Script: s.Name, Revision: s.Revision, Connections: s.Connections},
	}
	x.bodies = &bodies{limit: func() int64 { return x.limits.Load().Body }}
	x.renewLimits()
	return x
}

// begin executes the first turn of a request.
func (x *execution) begin(start worker.Start) (worker.Turn, error) {
	secrets := x.engine.options.Secrets()
	if len(secrets) > 0 {
		x.by.SecretKey = x.engine.secretKey(x.by.Run)
	}
	start.Run = x.by.Run
	start.Env, start.Connections = x.engine.options.Env, x.script.inEnv()
	start.SecretKey, start.Secrets = x.by.SecretKey, secrets
	start.Now, start.Budget = x.began, x.budget()
	_, _ = rand.Read(start.Seed[:]) // crypto/rand.Read never fails
	x.count.requests.Add(1)
	return x.enter(start)
}

// enter gives the execution a VM and executes the first turn in it.
func (x *execution) enter(start worker.Start) (worker.Turn, error) {
	start.Script, start.Revision = x.by.Script, x.by.Revision
	start.Handler, start.Durable = x.handler, x.by.Durable
	x.count.running.Add(1)
	x.entered = true
	x.count.last.Store(x.began.UnixMilli())
	session, turn, err := x.engine.options.Workers.Begin(x.by.Revision, start, x.print)
	if err != nil {
		return turn, err
	}
	x.session = session
	x.turn.Store(turn.N)
	return turn, nil
}

// drive goes on from turn until stop says so, and returns the last turn. A bug
// of ours fails one run, not the server.
func (x *execution) drive(turn worker.Turn, stop func(worker.Turn) bool) (last worker.Turn) {
	defer func() {
		if p := recover(); p != nil {
			x.engine.options.Logger.Error("driving a run panicked", "run", x.by.Run, "script", x.by.Script, "panic", p, "stack", string(debug.Stack()))
			last = failedTurn(call.Errorf(call.CodeInternal, "the run failed inside Reprise: %v", p))
		}
	}()
	for {
		if err := x.tooManyCalls(&turn); err != nil {
			x.stopped = err
			return failedTurn(err)
		}
		x.dispatch(turn)
		if stop(turn) {
			return turn
		}
		next, ok := x.next(turn)
		if !ok {
			return next
		}
		turn = next
		x.turn.Store(turn.N)
	}
}

// next waits for an outcome and delivers it. ok is false when the execution
// has to end instead: the returned turn says how.
func (x *execution) next(worker.Turn) (next worker.Turn, ok bool) {
	for {
		if len(x.ready) > 0 {
			next, x.ready = x.ready[0], x.ready[1:]
			return next, true
		}
		if len(x.open) == 0 {
			return x.stuck(), false
		}
		select {
		case o := <-x.outcomes:
			if list := x.gather(o); len(list) > 0 {
				x.ready = x.session.Deliver(list...)
			}
		case <-x.wallOver():
			x.stopped = x.tookTooLong()
			return failedTurn(x.stopped), false
		case <-x.engine.ctx.Done():
			x.stopped = call.From(context.Cause(x.engine.ctx))
			return failedTurn(x.stopped), false
		}
	}
}

// gather takes an outcome, and whatever others have come meanwhile. One whose
// call is aborted by the turn before its own makes an empty turn.
func (x *execution) gather(o call.Outcome) (list []worker.Delivery) {
	if x.inFlight > 1 {
		goruntime.Gosched() // those whose answer has come as well
	}
	now := time.Now()
	for {
		if c := x.open[o.Call]; c != nil && len(list) == 0 {
			x.saw(&c.call.Pos) // of several, nobody will know at which one it was
		}
		if x.answered(o) {
			list = append(list, worker.Delivery{Outcome: o, At: now})
		}
		if len(list) == maxGathered {
			return list
		}
		select {
		case o = <-x.outcomes:
		default:
			return list
		}
	}
}

// maxGathered is how many outcomes are delivered at once.
const maxGathered = 16

// wallOver is when the execution has taken the wall time it may; never where
// there is no limit.
func (x *execution) wallOver() <-chan time.Time {
	if x.limit == 0 {
		return nil
	}
	if x.wall == nil {
		x.wall = time.NewTimer(x.limit - time.Since(x.began))
	}
	return x.wall.C
}

func (x *execution) tookTooLong() *call.Error {
	return call.OverLimit(limitTimeout, time.Since(x.began).Milliseconds(), x.limit.Milliseconds(),
		"the request took longer than %s; raise config.timeout, or answer first and go on in a run", x.limit)
}

func failedTurn(err *call.Error) worker.Turn {
	return worker.Turn{Settled: true, Done: true, Err: err}
}

// stuck ends a run that can not go on: its promise is pending and nothing is open.
func (x *execution) stuck() worker.Turn {
	return failedTurn(call.Errorf(call.CodeNeverSettles,
		"the %s handler of %s waits for a promise that can never settle: no call is open and no timer is set", x.handler, x.script.Name))
}

// answered takes a call off the open ones. Late outcomes of calls that were
// aborted or cancelled are dropped.
func (x *execution) answered(o call.Outcome) bool {
	c, ok := x.open[o.Call]
	if !ok {
		return false
	}
	delete(x.open, o.Call)
	x.release(c)
	return true
}

// errGivenUp is why a call is stopped that nobody waits for.
var errGivenUp = call.Errorf(call.CodeAbort, "nobody waits for the outcome any more")

// release frees what an open call held and lets the next waiting one go.
func (x *execution) release(c *openCall) {
	if c.cancel != nil {
		if x.stopped != nil {
			c.cancel(x.stopped)
		} else {
			c.cancel(errGivenUp)
		}
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.slot {
		return
	}
	c.slot = false
	x.inFlight--
	for len(x.waiting) > 0 && x.inFlight < x.maxInFlight() {
		w := x.waiting[0]
		x.waiting = x.waiting[1:]
		if x.open[w.call.ID] != w {
			continue
		}
		if x.actor != nil {
			x.actor.begin([]*openCall{w})
		} else {
			x.perform(w)
		}
	}
}

// dispatch carries out what a turn asked for: aborts, then calls.
func (x *execution) dispatch(t worker.Turn) {
	var given []*openCall
	for _, id := range t.Aborts {
		if c, ok := x.open[id]; ok {
			given = append(given, c)
			delete(x.open, id) // all of them, before one makes room for another
		}
	}
	for _, c := range given {
		x.release(c)
	}
	x.expect(len(t.Calls))
	for i := range t.Calls {
		c := &openCall{call: t.Calls[i], parking: parking{issued: t.At}}
		if slices.Contains(t.Aborts, c.call.ID) {
			continue // issued and aborted in one turn
		}
		x.open[c.call.ID] = c
		if isPerformed(c.call.Kind) && x.inFlight >= x.maxInFlight() {
			x.waiting = append(x.waiting, c)
			continue
		}
		x.perform(c)
	}
}

// isPerformed reports whether a call is one of those that may be in flight in
// limited number.
func isPerformed(kind string) bool { return kind != worker.KindTimer && !worker.IsBodyKind(kind) }

// expect makes what is needed for calls to be open.
func (x *execution) expect(calls int) {
	if x.open == nil && calls > 0 {
		x.open = make(map[uint64]*openCall, calls)
		x.outcomes, x.over = make(chan call.Outcome, 4), make(chan struct{})
	}
}

// answer hands an outcome to the driving goroutine.
func (x *execution) answer(o call.Outcome) {
	select {
	case x.outcomes <- o:
	case <-x.over:
	}
}

func (x *execution) openIDs() []uint64 {
	ids := make([]uint64, 0, len(x.open))
	for id := range x.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// finish ends an execution whose handler has settled: open writes are
// awaited for a while, everything else is dropped, and both are said.
func (x *execution) finish(last worker.Turn) {
	if len(x.open) > 0 {
		x.warnOpen(last.Err != nil)
		x.waiting = slices.DeleteFunc(x.waiting, func(c *openCall) bool { return !isWrite(c) })
		x.awaitWrites()
	}
	x.close(last.Err == nil)
	if last.Err != nil {
		x.count.failures.Add(1)
	}
}

// close gives up what the execution holds: open calls, timers, the VM.
func (x *execution) close(succeeded bool) {
	x.waiting = nil // what has not begun does not begin
	for _, id := range x.openIDs() {
		x.release(x.open[id])
	}
	if x.over != nil {
		close(x.over)
	}
	if x.wall != nil {
		x.wall.Stop()
	}
	x.lane.close()
	x.closeStreams()
	if x.session != nil {
		x.session.End(succeeded)
	}
	if x.entered {
		x.count.running.Add(-1)
	}
	x.count.last.Store(time.Now().UnixMilli())
}

// awaitWrites waits for the open writes, for a while.
func (x *execution) awaitWrites() {
	grace := time.NewTimer(openWriteGrace)
	defer grace.Stop()
	for x.stopped == nil && x.hasOpenWrites() {
		select {
		case o := <-x.outcomes:
			x.answered(o)
		case <-grace.C:
			return
		case <-x.wallOver():
			x.stopped = x.tookTooLong()
		case <-x.engine.ctx.Done():
			x.stopped = call.From(context.Cause(x.engine.ctx))
		}
	}
}

func isWrite(c *openCall) bool { return c.call.Class >= call.Idempotent }

func (x *execution) hasOpenWrites() bool {
	for _, c := range x.open {
		if isWrite(c) {
			return true
		}
	}
	return false
}
