package vm

import "github.com/dop251/goja"

// reactionProgram puts a JavaScript function around a native one.
var reactionProgram = mustCompile(`((native) => (value) => native(value))`)

type reactionKey struct{}

// Reaction makes what can be given to Promise.prototype.then of a native
// function: goja calls a native reaction with an empty call stack, and whatever
// it then settles or calls would run all waiting microtasks at once, inside it
// and out of order. name shows in stacks.
func (v *VM) Reaction(name string, f func(goja.Value) goja.Value) goja.Value {
	wrap := Local(v, reactionKey{}, func() goja.Callable {
		fn, err := v.rt.RunProgram(reactionProgram)
		if err != nil {
			panic(err)
		}
		f, _ := goja.AssertFunction(fn)
		return f
	})
	fn, err := wrap(goja.Undefined(), v.Func(name, func(c goja.FunctionCall) goja.Value { return f(v.Arg(c, 0)) }))
	if err != nil {
		panic(err)
	}
	return fn
}

// Then calls ok or failed, as a microtask, with what promise settles with.
func (v *VM) Then(promise *goja.Object, ok, failed func(goja.Value)) {
	reaction := func(f func(goja.Value)) goja.Value {
		return v.Reaction("settled", func(value goja.Value) goja.Value {
			f(value)
			return goja.Undefined()
		})
	}
	if _, err := v.intrinsic.then(promise, reaction(ok), reaction(failed)); err != nil {
		panic(err)
	}
}
