package vm

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// Func makes a native function of an object of ours. Its name shows in stacks.
func (v *VM) Func(name string, f func(goja.FunctionCall) goja.Value) *goja.Object {
	fn := v.rt.ToValue(f).(*goja.Object)
	v.nameFunction(fn, name)
	return fn
}

func (v *VM) nameFunction(fn *goja.Object, name string) {
	if err := fn.DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err)
	}
}

// Arg returns the i-th argument, undefined when it is missing. goja passes a
// Go nil for holes, which no native may touch.
func (v *VM) Arg(c goja.FunctionCall, i int) goja.Value {
	if i >= len(c.Arguments) || c.Arguments[i] == nil {
		return goja.Undefined()
	}
	return c.Arguments[i]
}

// IsNone reports whether value is absent, undefined or null.
func IsNone(value goja.Value) bool {
	return value == nil || goja.IsUndefined(value) || goja.IsNull(value)
}

// StringArg returns the i-th argument, which must be a string.
func (v *VM) StringArg(c goja.FunctionCall, i int, name string) string {
	value := v.Arg(c, i)
	if !goja.IsString(value) {
		v.Throw(call.CodeInvalidArgument, "%s must be a string, not %s", name, TypeOf(value))
	}
	return value.String()
}

// ObjectArg returns the i-th argument, which must be an object or absent (nil).
func (v *VM) ObjectArg(c goja.FunctionCall, i int, name string) *goja.Object {
	value := v.Arg(c, i)
	if IsNone(value) {
		return nil
	}
	obj, ok := value.(*goja.Object)
	if !ok {
		v.Throw(call.CodeInvalidArgument, "%s must be an object, not %s", name, TypeOf(value))
	}
	return obj
}

// TypeOf names a value's type for error messages.
func TypeOf(value goja.Value) string {
	switch {
	case value == nil || goja.IsUndefined(value):
		return "undefined"
	case goja.IsNull(value):
		return "null"
	case goja.IsString(value):
		return "a string"
	case goja.IsBigInt(value):
		return "a bigint"
	case goja.IsNumber(value):
		return "a number"
	}
	if _, ok := value.(*goja.Symbol); ok {
		return "a symbol"
	}
	if obj, ok := value.(*goja.Object); ok {
		switch obj.ClassName() {
		case "Function":
			return "a function"
		case "Array":
			return "an array"
		}
		return "an object"
	}
	return "a boolean"
}
