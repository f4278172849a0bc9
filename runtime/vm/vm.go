package vm

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"reprise/runtime/call"
)

// The limits a VM holds by itself. They are the first, cheap line; the wall
// is the process around it.
const (
	// DefaultCallDepth is the deepest JavaScript call stack. Unwinding is
	// quadratic in goja where natives are in between: 50 ms at 1,000 levels,
	// 0.9 s at 4,000.
	DefaultCallDepth = 1000
	// DefaultTurnBudget is the longest a turn may execute.
	DefaultTurnBudget = time.Second
)

// Module is the VM side of a binding: what `import … from "reprise:NAME"` gets.
type Module interface {
	// Name is NAME, without the scheme.
	Name() string
	// Exports builds the module's exports for one VM, at its first import.
	Exports(v *VM) *goja.Object
}

// Platform gives a VM its Web globals and the meaning of fetch.
type Platform interface {
	// Global returns the value of a global at its first use; ok is false when
	// the platform has no such global.
	Global(v *VM, name string) (value goja.Value, ok bool)
	// Globals lists the names that Global knows.
	Globals() []string
	// Request makes the Request object for a fetch handler.
	Request(v *VM, r *Request) goja.Value
	// Response reads the Response object a fetch handler returned.
	Response(v *VM, value goja.Value) (*Response, error)
}

// Config is what VMs are made with. The zero value is usable: no globals, no
// modules, default limits.
type Config struct {
	Platform Platform
	Modules  []Module
	// Connect makes env.NAME for a connection; nil means there are none.
	Connect func(v *VM, name string) goja.Value
	// Console receives what the script prints, at once. It must not block.
	Console func(Line)
	// CallDepth and TurnBudget override the defaults when positive. For a larger
	// TurnBudget than the default see LimitTurns.
	CallDepth  int
	TurnBudget time.Duration
	// CPU is the processor time that a turn was charged which executed all the
	// time: a turn is charged the difference, and no more than it took by the clock.
	// Nil means that the clock decides.
	CPU func() time.Duration
}

// VM holds one evaluated script. It is not safe for concurrent use, except for
// Interrupt.
type VM struct {
	rt     *goja.Runtime
	config Config

	enterFunc   goja.Callable // calls its argument from JavaScript: see enter
	enterNative goja.Value    // calls entering
	entering    func()
	exports     *goja.Object // the script's default export, or its namespace
	handlers    map[Handler]goja.Callable
	modules     map[string]*goja.Object
	locals      map[any]any
	hidden      *goja.Symbol
	classes     map[string]*goja.Object
	intrinsic   intrinsics

	run        *run
	rejections []*goja.Promise // rejected and unhandled so far, in order
	tasks      []func()        // local macrotasks, run after the microtasks
	frames     []goja.StackFrame
	splicing   bool     // Stringify is at work: untouched lazy values give stand-ins
	splices    [][]byte // their texts, in order
	// spliceDepth is how deep the stack was when Stringify began.
	spliceDepth int
	keys        map[string]string // property names met in JSON
	scope       *Scope
	origin      uint64 // the call whose outcome is being delivered, or zero

	env            *goja.Object // made of the two below; see makeEnv
	envValues      []byte
	envConnections []string

	guard      guard
	joins      int         // arrays that are being made strings: see guardJoin
	generators int         // that are executing: see guardGenerator
	dead       *call.Error // why the VM must not be used any more
}

// intrinsics are built-ins taken before the script could change them.
type intrinsics struct {
	json      *goja.Object
	stringify goja.Callable // of json, taken before the script runs
	describe  goja.Callable // Object.getOwnPropertyDescriptor, if there are guards
	promise   *goja.Object
	resolve   goja.Callable // Promise.resolve, bound to nothing
	then      goja.Callable // Promise.prototype.then
}

// guard interrupts the VM from other goroutines, and only while it executes.
type guard struct {
	mu      sync.Mutex
	active  bool
	began   time.Time                            // of the execution
	cpu     time.Duration                        // of the process then
	budget  *time.Timer                          // calls checkBudget
	most    time.Duration                        // that the execution may take, before it is stretched
	over    func(took time.Duration) *call.Error // what it is then ended with
	pending *call.Error
	stop    atomic.Bool // the same as pending != nil, for whoever asks often
}

var enterProgram = mustCompile(`(function (f) { f(); })`)

// New makes a VM and evaluates the program's top level in it. It returns a
// LOAD_ERROR with the mapped stack when the top level throws, waits for a
// call, or takes longer than a turn may.
func New(p *Program, config Config) (*VM, error) {
	v := newVM(config)
	if err := v.load(p); err != nil {
		return nil, err
	}
	return v, nil
}

func newVM(config Config) *VM {
	if config.CallDepth <= 0 {
		config.CallDepth = DefaultCallDepth
	}
	if config.TurnBudget <= 0 {
		config.TurnBudget = DefaultTurnBudget
	}
	v := &VM{rt: goja.New(), config: config}
	v.rt.SetMaxCallStackSize(config.CallDepth)
	v.rt.SetParserOptions(parser.WithDisableSourceMaps)
	v.rt.SetPromiseRejectionTracker(v.trackRejection)
	v.rt.SetTimeSource(v.now)
	v.rt.SetRandSource(v.random)
	fn, err := v.rt.RunProgram(enterProgram)
	if err != nil {
		panic(fmt.Sprintf("vm: own program failed: %v", err))
	}
	v.enterFunc, _ = goja.AssertFunction(fn)
	v.enterNative = v.Func("turn", func(goja.FunctionCall) goja.Value {
		v.entering()
		return goja.Undefined()
	})
	v.takeIntrinsics()
	v.installGlobals()
	return v
}

func (v *VM) takeIntrinsics() {
	promise := v.rt.Get("Promise").(*goja.Object)
	v.intrinsic.promise = promise
	v.intrinsic.json = v.rt.Get("JSON").(*goja.Object)
	v.intrinsic.stringify, _ = goja.AssertFunction(v.intrinsic.json.Get("stringify"))
	v.intrinsic.resolve, _ = goja.AssertFunction(promise.Get("resolve"))
	v.intrinsic.then, _ = goja.AssertFunction(promise.Get("prototype").(*goja.Object).Get("then"))
}

// load evaluates the bundle. Its top level may await only what settles by
// itself: there is no run yet that could make calls.
func (v *VM) load(p *Program) error {
	var result goja.Value
	err := v.execute(func() error {
		v.fillGaps(p)
		v.installGuards(p)
		main, err := v.rt.RunProgram(p.program)
		if err != nil {
			return err
		}
		bundle, ok := goja.AssertFunction(main)
		if !ok {
			return call.Errorf(call.CodeLoad, "the bundle is not a function")
		}
		err = v.enter(func() {
			r, err := bundle(goja.Undefined(), v.hostObject())
			if err != nil {
				panic(err)
			}
			result = r
		})
		if err == nil {
			err = v.evaluated(result)
		}
		if err == nil {
			err = v.findHandlers()
		}
		return err
	})
	if err != nil {
		e := v.errorOf(err)
		if v.dead != nil { // by now: reading what was thrown runs code, too
			e = v.dead
		}
		v.dead = e
		switch call.Code(e.Code) {
		case call.CodeCallOutsideRun, call.CodeResource, call.CodeLoad:
			return e
		}
		return &call.Error{
			Name: call.CodeLoad.Name(), Code: string(call.CodeLoad), Stack: e.Stack, Cause: e,
			Message: "the top level threw " + e.Error(),
		}
	}
	return nil
}

// evaluated reports how the top level ended.
func (v *VM) evaluated(result goja.Value) error {
	p, ok := promiseOf(result)
	if !ok {
		return call.Errorf(call.CodeLoad, "the bundle did not return a promise")
	}
	switch p.State() {
	case goja.PromiseStateFulfilled:
		return v.unhandled(p)
	case goja.PromiseStateRejected:
		return &thrown{value: p.Result()}
	default:
		return call.Errorf(call.CodeLoad, "the top level awaits something that never settles; calls and timers belong into a handler")
	}
}

// hostObject is what the bundle sees as __reprise: the only door out of it.
func (v *VM) hostObject() *goja.Object {
	host := v.rt.NewObject()
	set(host, "module", v.Func("module", func(c goja.FunctionCall) goja.Value {
		return v.module(v.Arg(c, 0).String())
	}))
	set(host, "exports", v.Func("exports", func(c goja.FunctionCall) goja.Value {
		v.exports, _ = v.Arg(c, 0).(*goja.Object)
		return goja.Undefined()
	}))
	return host
}

func (v *VM) module(name string) *goja.Object {
	if m, ok := v.modules[name]; ok {
		return m
	}
	for _, m := range v.config.Modules {
		if m.Name() == name {
			if v.modules == nil {
				v.modules = make(map[string]*goja.Object, 4)
			}
			exports := m.Exports(v)
			v.modules[name] = exports
			return exports
		}
	}
	panic(v.rt.NewTypeError("there is no module reprise:%s in this build", name))
}

// Runtime returns the goja runtime, for bindings and the platform.
func (v *VM) Runtime() *goja.Runtime { return v.rt }

// Dead returns why the VM must be thrown away, or nil while it is usable.
func (v *VM) Dead() *call.Error { return v.dead }

// Local returns the value kept in this VM under key, made by make at first
// use. Bindings keep their prototypes and caches so; key is usually a private
// struct type's zero value.
func Local[T any](v *VM, key any, make func() T) T {
	if x, ok := v.locals[key]; ok {
		return x.(T)
	}
	if v.locals == nil {
		v.locals = map[any]any{}
	}
	x := make()
	v.locals[key] = x
	return x
}

// Interrupt stops the script at its next instruction, if it is executing, and
// marks the VM as dead with reason. It is safe to call from any goroutine.
func (v *VM) Interrupt(reason *call.Error) {
	v.guard.mu.Lock()
	defer v.guard.mu.Unlock()
	if v.guard.active && v.guard.pending == nil {
		v.guard.interrupt(v, reason)
	}
}

// execute runs f under the turn budget and turns panics into errors. Any
// uncatchable error makes the VM dead: what it was doing is half done.
func (v *VM) execute(f func() error) (err error) {
	v.startGuard()
	defer func() {
		if x := recover(); x != nil {
			err = v.recovered(x)
		}
		if pending := v.stopGuard(); pending != nil {
			err = interruptedAt(pending, err)
		}
		v.markDead(err)
	}()
	return f()
}

// startGuard lets the VM be interrupted, and sees to it that it is when the
// turn budget runs out.
func (v *VM) startGuard() {
	g := &v.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active, g.began, g.pending = true, time.Now(), nil
	if v.config.CPU != nil {
		g.cpu = v.config.CPU()
	}
	g.most, g.over = v.mayTake()
	g.stop.Store(false)
	if g.budget == nil {
		g.budget = time.AfterFunc(g.most, v.checkBudget)
	} else {
		g.budget.Reset(g.most)
	}
}

// stopGuard returns why the VM was interrupted, if it was. An execution that
// took as long as a regular expression may is over its budget even if the timer
// had no time to say so, in a process that stood still: a match may have given
// up, and what the script made of that must not be recorded. See longestTurn.
func (v *VM) stopGuard() *call.Error {
	g := &v.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active = false
	g.budget.Stop()
	if took := time.Since(g.began); g.pending == nil && took > longest() {
		g.pending = g.over(took)
	}
	return g.pending
}

// checkBudget interrupts the execution when it has taken the turn budget. The
// timer may fire late and meet the next execution, which has time left.
func (v *VM) checkBudget() {
	g := &v.guard
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.active || g.pending != nil {
		return
	}
	took := time.Since(g.began)
	if left := min(g.most-v.used(took), longest()-took); left > 0 {
		g.budget.Reset(max(left, time.Millisecond))
		return
	}
	g.interrupt(v, g.over(took))
}

// interrupt stops what executes. mu is held.
func (g *guard) interrupt(v *VM, reason *call.Error) {
	g.pending = reason
	g.stop.Store(true)
	v.rt.Interrupt(reason)
}

// used is the processor time of an execution that took so long by the clock, as
// well as one can know: see Config.CPU.
func (v *VM) used(took time.Duration) time.Duration {
	if v.config.CPU == nil {
		return took
	}
	return min(took, v.config.CPU()-v.guard.cpu)
}

// enter runs f inside the VM and then drains the microtasks. It goes through a
// JavaScript function so that nothing f does drains them early.
func (v *VM) enter(f func()) error {
	v.entering = f
	_, err := v.enterFunc(goja.Undefined(), v.enterNative)
	v.entering = nil
	return err
}

// set defines an ordinary property of an object of our own.
func set(o *goja.Object, name string, value any) {
	if err := o.Set(name, value); err != nil {
		panic(err)
	}
}
