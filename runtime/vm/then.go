package vm

import "github.com/dop251/goja"

// reactionProgram puts a JavaScript function around a native one.
var reactionProgram = mustCompile(`((native) => (value) => native(value))`)

type reactionKey struct{}

// Then calls ok or failed, as a microtask, with what promise settles with. Use
// it instead of giving natives to Promise.prototype.then: goja calls those
// with an empty call stack, and whatever they then settle or call would run
// all waiting microtasks at once, inside them and out of order.
func (v *VM) Then(promise *goja.Object, ok, failed func(goja.Value)) {
	wrap := Local(v, reactionKey{}, func() goja.Callable {
		fn, err := v.rt.RunProgram(reactionProgram)
		if err != nil {
			panic(err)
		}
		f, _ := goja.AssertFunction(fn)
		return f
	})
	reaction := func(f func(goja.Value)) goja.Value {
		fn, err := wrap(goja.Undefined(), v.rt.ToValue(func(c goja.FunctionCall) goja.Value {
			f(v.Arg(c, 0))
			return goja.Undefined()
		}))
		if err != nil {
			panic(err)
		}
		return fn
	}
	if _, err := v.intrinsic.then(promise, reaction(ok), reaction(failed)); err != nil {
		panic(err)
	}
}
