// An execution drives one run: it dispatches the calls of each turn and
// delivers their outcomes one at a time, in the order they arrived. One
// goroutine drives it; calls are performed on others and answer through a
// channel.

package runtime

import (
	"context"
	"crypto/rand"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

type execution struct {
	engine  *Engine
	by      call.Caller
	script  *Script
	handler worker.Handler
	count   *counters
	began   time.Time

	session *worker.Session
	turn    atomic.Uint64 // number of the last turn, for log entries

	// The driving goroutine's own.
	open     map[uint64]*openCall
	waiting  []*openCall    // issued, and over maxInFlight
	inFlight int            // being performed, timers aside
	ready    []call.Outcome // of calls that were cancelled, to be delivered before anything that arrives
	kill     <-chan time.Time
	reason   *call.Error   // why the run was cancelled
	limit    time.Duration // of wall time; zero means none
	wall     *time.Timer   // of the limit; made when there is something to wait for
	stopped  *call.Error   // why the execution was stopped from outside

	outcomes chan call.Outcome // from the performing goroutines; made with the first call, as over is
	over     chan struct{}     // closed when nobody reads outcomes any more
	lane     lane              // KV calls, performed one after another
	bodies   bodies

	cancelOnce sync.Once
	cancelled  chan *call.Error // one request to cancel, at most
	ended      chan struct{}    // closed when the run has ended and is recorded
}

// openCall is a call that has been issued and not answered.
type openCall struct {
	call   call.Call
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer // of a timer call
	took   time.Time
	slot   bool // counts as in flight
	try    atomic.Pointer[call.Attempt]
}

func (e *Engine) newExecution(s *Script, h worker.Handler, run string, durable bool) *execution {
	x := &execution{
		engine: e, script: s, handler: h, count: e.counters(s.Name), began: time.Now(),
		by: call.Caller{Run: run, Script: s.Name, Revision: s.Revision, Durable: durable},
	}
	if durable {
		x.cancelled, x.ended = make(chan *call.Error, 1), make(chan struct{})
	}
	return x
}

// begin executes the first turn.
func (x *execution) begin(start worker.Start) (worker.Turn, error) {
	secrets := x.engine.options.Secrets()
	if len(secrets) > 0 {
		x.by.SecretKey = x.engine.secretKey(x.by.Run)
	}
	start.Run, start.Script, start.Revision = x.by.Run, x.by.Script, x.by.Revision
	start.Handler, start.Durable = x.handler, x.by.Durable
	start.Env, start.Connections = x.engine.options.Env, x.engine.options.Connections
	start.SecretKey, start.Secrets = x.by.SecretKey, secrets
	start.Now = x.began
	_, _ = rand.Read(start.Seed[:]) // crypto/rand.Read never fails
	x.count.requests.Add(1)
	x.count.running.Add(1)
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
	x.dispatch(turn)
	for !stop(turn) {
		next, ok := x.next(turn)
		if !ok {
			return next
		}
		turn = next
		x.turn.Store(turn.N)
		x.dispatch(turn)
	}
	return turn
}

// next waits for an outcome and delivers it. ok is false when the run has to
// end instead: the returned turn says how.
func (x *execution) next(turn worker.Turn) (next worker.Turn, ok bool) {
	for {
		if len(x.ready) > 0 {
			o := x.ready[0]
			x.ready = x.ready[1:]
			return x.session.Deliver(o, time.Now()), true
		}
		if len(x.open) == 0 {
			return x.stuck(), false
		}
		select {
		case o := <-x.outcomes:
			if x.answered(o) {
				return x.session.Deliver(o, time.Now()), true
			}
		case reason := <-x.cancelled:
			x.startCancel(reason)
		case <-x.kill:
			return failedTurn(x.reason), false
		case <-x.wallOver():
			x.stopped = x.tookTooLong()
			return failedTurn(x.stopped), false
		case <-x.engine.ctx.Done():
			x.stopped = call.From(context.Cause(x.engine.ctx))
			return failedTurn(x.stopped), false
		}
	}
}

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
	return call.Errorf(call.CodeResource, "the request took longer than %s; raise config.timeout, or answer first and go on in a run", x.limit).
		WithData(map[string]any{"limit": "wall time", "allowed": x.limit.Milliseconds()})
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

// release frees what an open call held and lets the next waiting one go.
func (x *execution) release(c *openCall) {
	if c.cancel != nil {
		if x.stopped != nil {
			c.cancel(x.stopped)
		} else {
			c.cancel(nil)
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
	for len(x.waiting) > 0 && x.inFlight < maxInFlight {
		w := x.waiting[0]
		x.waiting = x.waiting[1:]
		if x.open[w.call.ID] == w {
			x.perform(w)
		}
	}
}

// dispatch carries out what a turn asked for: aborts, then calls.
func (x *execution) dispatch(t worker.Turn) {
	for _, id := range t.Aborts {
		if c, ok := x.open[id]; ok {
			delete(x.open, id)
			x.release(c)
		}
	}
	if x.open == nil && len(t.Calls) > 0 {
		x.open = make(map[uint64]*openCall, len(t.Calls))
		x.outcomes, x.over = make(chan call.Outcome, 4), make(chan struct{})
	}
	for i := range t.Calls {
		c := &openCall{call: t.Calls[i], took: time.Now()}
		x.open[c.call.ID] = c
		if c.call.Kind != worker.KindTimer && x.inFlight >= maxInFlight {
			x.waiting = append(x.waiting, c)
			continue
		}
		x.perform(c)
	}
}

// answer hands an outcome to the driving goroutine.
func (x *execution) answer(o call.Outcome) {
	select {
	case x.outcomes <- o:
	case <-x.over:
	}
}

// cancelRun asks the run to end. Only the first request counts.
func (x *execution) cancelRun(reason *call.Error) {
	x.cancelOnce.Do(func() { x.cancelled <- reason })
}

// startCancel gives every open call a CancelledError, in call order, each its
// own turn. What the script does then has until the cleanup deadline.
func (x *execution) startCancel(reason *call.Error) {
	x.reason = reason
	x.kill = time.After(cleanupDeadline)
	x.waiting = nil // what has not begun does not begin
	for _, id := range x.openIDs() {
		c := x.open[id]
		delete(x.open, id)
		x.release(c)
		x.ready = append(x.ready, call.Failed(id, call.Errorf(call.CodeCancelled, "the run was cancelled: %s", reason.Message)))
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
		x.waiting = nil // what has not begun does not begin
		for _, id := range x.openIDs() {
			x.release(x.open[id])
		}
	}
	if x.over != nil {
		close(x.over)
	}
	if x.wall != nil {
		x.wall.Stop()
	}
	x.lane.close()
	if x.session != nil {
		x.session.End(last.Err == nil)
	}
	x.count.running.Add(-1)
	x.count.last.Store(time.Now().UnixMilli())
	if last.Err != nil {
		x.count.failures.Add(1)
	}
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
