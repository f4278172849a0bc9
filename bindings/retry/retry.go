package retry

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

const (
	defaultAttempts = 3
	maxAttempts     = 1000
)

// Module returns the native part of "reprise:retry".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "retry" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	k := kit{v}
	o := v.Runtime().NewObject()
	for _, f := range []struct {
		name string
		do   func(goja.FunctionCall) goja.Value
	}{{"policy", k.policy}, {"attempt", k.attempt}, {"delay", k.delay}, {"pause", k.pause}, {"last", k.last}} {
		if err := o.Set(f.name, v.Func(f.name, f.do)); err != nil {
			panic(err)
		}
	}
	return o
}

type kit struct{ v *vm.VM }

// policy is what the options of one retry say.
type policy struct {
	vm.Cell
	attempts int
	pause    connections.Backoff
	asks     bool // the script decides with when
}

// policy(fn, options) checks the arguments. What it returns has the script's
// when and onRetry, and the rest hidden.
func (k kit) policy(c goja.FunctionCall) goja.Value {
	if _, ok := goja.AssertFunction(k.v.Arg(c, 0)); !ok {
		k.v.Throw(call.CodeInvalidArgument, "retry takes a function first, not %s: retry(() => …, { attempts: 5 })", vm.TypeOf(k.v.Arg(c, 0)))
	}
	o := k.v.Options(c, 1, "retry", "attempts", "delay", "factor", "maxDelay", "jitter", "when", "onRetry")
	p := &policy{attempts: defaultAttempts, pause: connections.DefaultBackoff}
	if value := vm.Option(o, "attempts"); !goja.IsUndefined(value) {
		p.attempts = int(k.number(value, "attempts", 1, maxAttempts, true))
	}
	if value := vm.Option(o, "delay"); !goja.IsUndefined(value) {
		p.pause.Delay = k.v.Duration(value, "delay")
	}
	if value := vm.Option(o, "maxDelay"); !goja.IsUndefined(value) {
		p.pause.MaxDelay = k.v.Duration(value, "maxDelay")
	}
	if value := vm.Option(o, "factor"); !goja.IsUndefined(value) {
		p.pause.Factor = k.number(value, "factor", 1, 100, false)
	}
	if value := vm.Option(o, "jitter"); !goja.IsUndefined(value) {
		p.pause.Jitter = value.ToBoolean()
	}
	out := k.v.Runtime().NewObject()
	p.asks = k.callback(out, o, "when")
	k.callback(out, o, "onRetry")
	vm.Hide(k.v, out, p)
	return out
}

// callback copies an optional function from the options.
func (k kit) callback(out, o *goja.Object, name string) bool {
	value := vm.Option(o, name)
	if goja.IsUndefined(value) {
		return false
	}
	if _, ok := goja.AssertFunction(value); !ok {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a function, not %s", name, vm.TypeOf(value))
	}
	if err := out.Set(name, value); err != nil {
		panic(err)
	}
	return true
}

func (k kit) number(value goja.Value, name string, least, most float64, whole bool) float64 {
	f := math.NaN()
	if goja.IsNumber(value) {
		f = value.ToFloat()
	}
	if !(f >= least && f <= most) || whole && f != math.Trunc(f) {
		kind := "a number"
		if whole {
			kind = "a whole number"
		}
		k.v.Throw(call.CodeInvalidArgument, "%s must be %s from %v to %v", name, kind, least, most)
	}
	return f
}

// attempt(fn, n) calls fn in a scope in which calls try once.
func (k kit) attempt(c goja.FunctionCall) goja.Value {
	fn, _ := goja.AssertFunction(k.v.Arg(c, 0))
	info := k.v.Runtime().NewObject()
	if err := info.Set("attempt", k.v.Arg(c, 1)); err != nil {
		panic(err)
	}
	var result goja.Value
	var err error
	k.v.In(&vm.Scope{Parent: k.v.Scope(), Name: "retry", Attempts: 1}, func() {
		result, err = fn(goja.Undefined(), info)
	})
	if err != nil {
		panic(err)
	}
	return result
}

// delay(policy, error, n) is how many milliseconds to wait after the n-th
// attempt, or undefined when the error is final.
func (k kit) delay(c goja.FunctionCall) goja.Value {
	p, ok := vm.Reveal[*policy](k.v, k.v.Arg(c, 0))
	if !ok {
		panic(k.v.Runtime().NewTypeError("not a retry policy"))
	}
	n := int(k.v.Arg(c, 2).ToInteger())
	e := k.read(k.v.Arg(c, 1))
	if n >= p.attempts || e.hopeless() || !p.asks && e.refused() {
		return goja.Undefined()
	}
	wait := p.pause.After(n, k.random)
	if after, ok := connections.RetryAfter(e.retryAfter, k.v.Now()); ok {
		if after > p.pause.MaxDelay {
			return goja.Undefined()
		}
		wait = max(wait, after)
	}
	return k.v.Runtime().ToValue(wait.Milliseconds())
}

// random draws from the run's randomness, in [0, 1).
func (k kit) random() float64 {
	var b [8]byte
	k.v.RandomBytes("retry()", b[:])
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}

// pause(ms) is the promise of a timer.
func (k kit) pause(c goja.FunctionCall) goja.Value {
	ms := k.v.Arg(c, 0).ToInteger()
	if ms <= 0 {
		return goja.Undefined()
	}
	d := time.Duration(ms) * time.Millisecond
	return k.v.Call(call.Call{
		Kind: web.KindTimer, Target: "retry in " + d.String(), Class: call.Pure,
		Args: fmt.Appendf(nil, `{"ms":%d}`, ms),
	}, nil)
}

// last(error, n) notes on an error how many attempts there were.
func (k kit) last(c goja.FunctionCall) goja.Value {
	value := k.v.Arg(c, 0)
	if obj, ok := value.(*goja.Object); ok {
		// A frozen error keeps its shape, and is thrown all the same.
		_ = obj.DefineDataProperty("attempts", k.v.Arg(c, 1), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return value
}

// failure is what counts of an error.
type failure struct {
	code       string
	status     int64
	retryAfter string
}

func (k kit) read(value goja.Value) failure {
	obj, ok := value.(*goja.Object)
	if !ok {
		return failure{}
	}
	var f failure
	if code := vm.Option(obj, "code"); goja.IsString(code) {
		f.code = code.String()
	}
	if status := vm.Option(obj, "status"); goja.IsNumber(status) {
		f.status = status.ToInteger()
	}
	switch after := vm.Option(obj, "retryAfter"); {
	case goja.IsString(after):
		f.retryAfter = after.String()
	case goja.IsNumber(after):
		f.retryAfter = strconv.FormatInt(after.ToInteger(), 10)
	}
	return f
}

// final are the codes that no further attempt changes, whatever when says.
var final = []call.Code{
	call.CodeAbort, call.CodeCancelled, call.CodeInvalidArgument, call.CodeCallOutsideRun, call.CodeSecretMissing,
	call.CodeSecretNotAllowed, call.CodeNotDurable, call.CodeResource, call.CodeDataClone,
}

func (f failure) hopeless() bool { return slices.Contains(final, call.Code(f.code)) }

// refused reports whether an upstream understood and said no: a status 4xx
// other than those that say "not now".
func (f failure) refused() bool {
	return f.code == string(call.CodeHTTP) && f.status >= 400 && f.status < 500 && f.status != 408 && f.status != 425 && f.status != 429
}
