// How the functions of the module read what scripts give them.

package run

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// native is a function of the module.
type native = func(goja.FunctionCall) goja.Value

// rejecting makes what f throws a rejection: a function that gives a promise
// throws nothing beside it. Without a run there is nobody to handle one.
func (k kit) rejecting(name string, f native) native {
	return func(c goja.FunctionCall) (result goja.Value) {
		k.v.RequireRun(name)
		thrown := k.v.Runtime().Try(func() { result = f(c) })
		if thrown == nil {
			return result
		}
		promise, _, reject := k.v.Promise()
		reject(thrown.Value())
		return promise
	}
}

// needDurable throws in a handler whose run is not recorded.
func (k kit) needDurable(name string) {
	k.v.RequireRun(name)
	if info, _ := k.v.Info(); !info.Durable {
		k.v.Throw(call.CodeNotDurable, "%s needs a durable run, and that of a %s handler is not: move it to a run handler, and start that from here with start(script, input)", name, info.Handler)
	}
}

// text reads an argument that is a name.
func (k kit) text(c goja.FunctionCall, i int, t text, example string) string {
	value := k.v.Arg(c, i)
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a string, not %s: %s", t.what, vm.TypeOf(value), example)
	}
	if err := t.check(value.String()); err != nil {
		panic(k.v.NewError(err))
	}
	return value.String()
}

// key reads the option idempotencyKey; empty means there is none.
func (k kit) key(o *goja.Object) string {
	value := vm.Option(o, "idempotencyKey")
	if vm.IsNone(value) {
		return ""
	}
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "idempotencyKey must be a string, not %s", vm.TypeOf(value))
	}
	if err := key.check(value.String()); err != nil {
		panic(k.v.NewError(err))
	}
	return value.String()
}

// json is the JSON text of a value; no body for undefined.
func (k kit) json(value goja.Value, what string) call.Body {
	if goja.IsUndefined(value) {
		return call.Body{}
	}
	text, err := k.v.Stringify(value)
	if err != nil {
		cause := k.v.ErrorFrom(k.v.ErrorValue(err))
		panic(k.v.NewError(call.Errorf(call.CodeInvalidArgument, "%s has no JSON form: %s", what, cause.Error()).WithCause(cause)))
	}
	if len(text) == 0 {
		k.v.Throw(call.CodeInvalidArgument, "%s is %s, which has no JSON form; give plain data", what, vm.TypeOf(value))
	}
	return call.Bytes(text)
}
