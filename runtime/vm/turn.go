package vm

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// run is the part of a VM's state that belongs to one run.
type run struct {
	start   Start
	info    Info
	clock   time.Time
	seed    *rand.ChaCha8 // made at the first draw
	turn    uint64
	nextID  uint64
	open    map[uint64]openCall
	calls   []call.Call
	aborts  []uint64
	result  result
	settled bool
	waits   []*goja.Promise
	failure failure
	locals  map[any]any
	budget  Budget
}

// result is what the handler returned: a promise, or a value that is final.
type result struct {
	promise *goja.Promise
	value   goja.Value
}

// pending reports whether the handler has not settled yet.
func (r result) pending() bool {
	return r.value == nil && (r.promise == nil || r.promise.State() == goja.PromiseStatePending)
}

// openCall is a call that has no outcome yet.
type openCall struct {
	settle func(call.Outcome)
	scope  *Scope
}

// Info is what the script and the bindings may know about the run.
type Info struct {
	ID, Script, Revision string
	Handler              Handler
	Durable              bool
	SecretKey            []byte
	Secrets              []string
}

// Info returns the run the VM executes; ok is false at the top level.
func (v *VM) Info() (info Info, ok bool) {
	if v.run == nil {
		return Info{}, false
	}
	return v.run.info, true
}

// Begin gives the VM a run and executes its first turn: the call of the handler.
func (v *VM) Begin(s Start) Turn {
	r := &run{start: s, clock: s.Now.Round(0)}
	r.info = Info{
		ID: s.Run, Script: s.Script, Revision: s.Revision, Handler: s.Handler, Durable: s.Durable,
		SecretKey: s.SecretKey, Secrets: s.Secrets,
	}
	v.run, v.scope, v.tasks, v.rejections = r, nil, nil, nil
	v.Limit(s.Budget)
	return v.turn(s.Now, func() { v.callHandler(s) })
}

// callHandler calls the handler and keeps its result.
func (v *VM) callHandler(s Start) {
	h := v.handlers[s.Handler]
	if h == nil {
		panic(v.NewError(call.Errorf(call.CodeNotFound, "the script %s has no %s handler", s.Script, s.Handler)))
	}
	var input goja.Value
	if s.Handler == HandlerFetch {
		input = v.config.Platform.Request(v, s.Request)
	} else {
		value, err := v.ParseJSON(s.Input)
		if err != nil {
			panic(v.NewError(call.From(err)))
		}
		input = value
	}
	returned, err := h(nil, input, v.makeEnv(s), v.makeContext(s))
	if err != nil {
		panic(err)
	}
	v.run.result = v.resultOf(returned)
}

// resultOf spares a promise for a value that is none: making one costs as much
// as a small handler.
func (v *VM) resultOf(value goja.Value) result {
	if p, ok := promiseOf(value); ok {
		return result{promise: p}
	}
	if obj, ok := value.(*goja.Object); ok {
		if _, thenable := goja.AssertFunction(obj.Get("then")); thenable {
			return result{promise: v.toPromise(value)}
		}
	}
	return result{value: value}
}

// toPromise is Promise.resolve(value), as the script could not have changed it.
func (v *VM) toPromise(value goja.Value) *goja.Promise {
	if p, ok := promiseOf(value); ok {
		return p
	}
	resolved, err := v.intrinsic.resolve(v.intrinsic.promise, value)
	if err != nil {
		panic(err)
	}
	p, _ := promiseOf(resolved)
	return p
}

// promiseType tells promises from other objects. Export would copy those whole.
var promiseType = reflect.TypeFor[*goja.Promise]()

func promiseOf(value goja.Value) (*goja.Promise, bool) {
	obj, ok := value.(*goja.Object)
	if !ok || obj.ExportType() != promiseType {
		return nil, false
	}
	p, ok := obj.Export().(*goja.Promise)
	return p, ok
}

// Deliver gives the script one outcome and executes the turn that follows.
// The script's clock moves to at, never backwards. An outcome of a call that
// was aborted or never issued makes an empty turn. So does any outcome while
// the run is Held, and its call stays open: it can be delivered once more
// after Unwind.
func (v *VM) Deliver(o call.Outcome, at time.Time) Turn {
	if v.run.failure.held {
		return v.emptyTurn(at)
	}
	open, ok := v.run.open[o.Call]
	if !ok {
		return v.turn(at, func() {})
	}
	delete(v.run.open, o.Call)
	o.Err = foreign(o.Err)
	return v.turn(at, func() {
		v.origin = o.Call
		defer func() { v.origin = 0 }()
		open.settle(o)
	})
}

// turn is the turn loop: one delivery, then microtasks until empty, then the
// local tasks (timeouts of zero), each followed by its microtasks.
func (v *VM) turn(at time.Time, deliver func()) Turn {
	t, began := v.openTurn(at), time.Now()
	err := v.execute(func() error { return v.step(&t, deliver) })
	if err != nil {
		v.fail(&t, err)
	}
	return v.closeTurn(t, began)
}

// emptyTurn is a turn in which nothing is executed.
func (v *VM) emptyTurn(at time.Time) Turn { return v.closeTurn(v.openTurn(at), time.Now()) }

func (v *VM) openTurn(at time.Time) Turn {
	r := v.run
	r.turn++
	at = at.Round(0) // what is recorded has no monotonic part either
	if at.After(r.clock) {
		r.clock = at
	}
	r.calls, r.aborts = nil, nil
	return Turn{N: r.turn, At: r.clock}
}

func (v *VM) closeTurn(t Turn, began time.Time) Turn {
	r := v.run
	t.CPU = v.spent(time.Since(began))
	t.Calls, t.Aborts, t.Open = r.calls, r.aborts, len(r.open)
	t.Held, t.Dead = r.failure.held, v.dead != nil
	t.Done = t.Done || r.settled && !t.Held && v.waitsSettled()
	t.Unwinding = !t.Done && r.failure.unwinding()
	return t
}

// step delivers once and reads what became of the handler.
func (v *VM) step(t *Turn, deliver func()) error {
	err := v.enter(deliver)
	if err == nil {
		err = v.drainTasks()
	}
	if err == nil {
		err = v.unhandled(v.run.result.promise, v.run.failure.promise)
	}
	if err == nil {
		err = v.settle(t)
	}
	return err
}

// settle reads the handler's result once it is there.
func (v *VM) settle(t *Turn) error {
	r := v.run
	if r.failure.known() {
		v.unwound(t)
		return nil
	}
	if r.settled || r.result.pending() {
		return nil
	}
	value := r.result.value
	if p := r.result.promise; p != nil {
		value = p.Result()
		if p.State() == goja.PromiseStateRejected {
			return &thrown{value: value}
		}
	}
	var failed error
	err := v.enter(func() {
		if r.start.Handler == HandlerFetch {
			t.Response, failed = v.config.Platform.Response(v, value)
		} else {
			t.Value, failed = v.stringifyResult(r.start.Handler, value)
		}
	})
	if err == nil {
		err = failed
	}
	r.settled, t.Settled = err == nil, err == nil
	v.leaveOut(t)
	return err
}

// stringifyResult is the JSON of what a durable handler returned. It must be
// called inside the VM.
func (v *VM) stringifyResult(h Handler, value goja.Value) ([]byte, error) {
	if kind := TypeOf(value); kind == "a function" || kind == "a symbol" {
		return nil, call.Errorf(call.CodeInvalidArgument, "the %s handler returned %s, which has no JSON form; return plain data", h, kind)
	}
	text, err := v.Stringify(value)
	if err != nil && v.isCatchable(err) {
		return nil, call.Errorf(call.CodeInvalidArgument, "what the %s handler returned has no JSON form: %v", h, v.ErrorFrom(v.ErrorValue(err)))
	}
	if isNestedDeeper(text, maxResultDepth) {
		return nil, call.Errorf(call.CodeInvalidArgument, "what the %s handler returned is nested more than %d deep, which JSON readers refuse; return flatter data", h, maxResultDepth)
	}
	return text, err
}

func (v *VM) drainTasks() error {
	for len(v.tasks) > 0 {
		f := v.tasks[0]
		v.tasks = v.tasks[1:]
		if err := v.enter(f); err != nil {
			return err
		}
	}
	return nil
}

// Task queues f to run inside this turn, after the microtasks.
func (v *VM) Task(f func()) { v.tasks = append(v.tasks, f) }

// waitsSettled reports whether every promise given to ctx.waitUntil has settled.
func (v *VM) waitsSettled() bool {
	return !slices.ContainsFunc(v.run.waits, func(p *goja.Promise) bool {
		return p.State() == goja.PromiseStatePending
	})
}

// trackRejection keeps the rejected promises nobody has handled yet.
func (v *VM) trackRejection(p *goja.Promise, op goja.PromiseRejectionOperation) {
	switch op {
	case goja.PromiseRejectionReject:
		v.rejections = append(v.rejections, p)
	case goja.PromiseRejectionHandle:
		v.rejections = slices.DeleteFunc(v.rejections, func(q *goja.Promise) bool { return q == p })
	}
}

// unhandled returns the first rejection that nobody handled by the end of the
// turn, other than those whose results we read ourselves.
func (v *VM) unhandled(own ...*goja.Promise) error {
	for _, p := range v.rejections {
		if !slices.Contains(own, p) {
			v.rejections = nil
			return &thrown{value: p.Result(), unhandled: true}
		}
	}
	v.rejections = nil
	return nil
}

// End takes the run from the VM. A VM that is not dead may then Begin another.
func (v *VM) End() {
	v.run, v.scope, v.tasks, v.rejections = nil, nil, nil, nil
}

// makeContext builds the handler's third argument.
func (v *VM) makeContext(s Start) goja.Value {
	ctx := v.rt.NewObject()
	if err := ctx.DefineAccessorProperty("run", v.Func("run", func(goja.FunctionCall) goja.Value {
		return v.rt.ToValue(v.run.info.ID) // a fork's changes
	}), nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
	set(ctx, "script", s.Script)
	set(ctx, "revision", s.Revision)
	if s.Request != nil {
		params := v.rt.NewObject()
		for _, p := range s.Request.Params {
			v.define(params, p.Name, v.rt.ToValue(p.Value))
		}
		set(ctx, "params", params)
	}
	set(ctx, "waitUntil", Local(v, waitUntilKey{}, func() *goja.Object {
		return v.Func("waitUntil", func(c goja.FunctionCall) goja.Value {
			v.waitUntil(v.Arg(c, 0))
			return goja.Undefined()
		})
	}))
	return ctx
}

type waitUntilKey struct{}

// waitUntil keeps the run alive until the promise settles. A rejection is an
// unhandled rejection like any other.
func (v *VM) waitUntil(value goja.Value) {
	if v.run == nil {
		panic(v.NewError(call.Errorf(call.CodeCallOutsideRun, "ctx.waitUntil was called after its run ended")))
	}
	v.run.waits = append(v.run.waits, v.toPromise(value))
}

// makeEnv builds the handler's second argument: plain values and connections.
// It is the same object for every run of the VM while the values are the same.
func (v *VM) makeEnv(s Start) goja.Value {
	if v.env != nil && bytes.Equal(v.envValues, s.Env) && slices.Equal(v.envConnections, s.Connections) {
		return v.env
	}
	env := v.rt.NewObject()
	if len(s.Env) > 0 {
		value, err := v.ParseJSON(s.Env)
		if err != nil {
			panic(v.NewError(call.From(err)))
		}
		env = value.(*goja.Object)
	}
	for _, name := range s.Connections {
		if v.config.Connect == nil {
			break // there is nothing that could make calls of them
		}
		v.define(env, name, v.config.Connect(v, name))
	}
	v.env, v.envValues, v.envConnections = env, s.Env, s.Connections
	return env
}
