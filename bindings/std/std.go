package std

import (
	"encoding/json"
	"math"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Module returns what modules of stdlib know as "std".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "std" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	k := kit{v}
	o := v.Runtime().NewObject()
	for _, f := range []struct {
		name string
		do   func(goja.FunctionCall) goja.Value
	}{
		{"error", k.error},
		{"errorClass", k.errorClass},
		{"options", k.options},
		{"milliseconds", k.milliseconds},
		{"count", k.count},
		{"callable", k.callable},
		{"typeOf", k.typeOf},
	} {
		if err := o.Set(f.name, v.Func(f.name, f.do)); err != nil {
			panic(err)
		}
	}
	return o
}

type kit struct{ v *vm.VM }

// error(code, message, data?) makes an error of the catalogue, with the fields
// of data, which are recorded and logged with it.
func (k kit) error(c goja.FunctionCall) goja.Value {
	code := call.Code(k.v.StringArg(c, 0, "the code"))
	if _, ok := code.Describe(); !ok {
		panic(k.v.Runtime().NewTypeError("%s is no code of the catalogue", code))
	}
	e := call.Errorf(code, "%s", k.v.StringArg(c, 1, "the message"))
	if data := k.v.ObjectArg(c, 2, "the data"); data != nil {
		text, err := k.v.Stringify(data)
		if err != nil {
			panic(k.v.ErrorValue(err))
		}
		e = e.WithData(json.RawMessage(text))
	}
	return k.v.NewError(e)
}

// errorClass(name) is the class that errors of that name are instances of.
func (k kit) errorClass(c goja.FunctionCall) goja.Value {
	return k.v.ErrorClass(k.v.StringArg(c, 0, "the name"))
}

// options(value, what, known) returns an object of options, an empty one when
// there is none. A name that is not known throws.
func (k kit) options(c goja.FunctionCall) goja.Value {
	var known []string
	k.v.Runtime().ForOf(k.v.Arg(c, 2), func(name goja.Value) bool {
		known = append(known, name.String())
		return true
	})
	o := k.v.Options(c, 0, k.v.StringArg(c, 1, "what"), known...)
	if o == nil {
		return k.v.Runtime().NewObject()
	}
	return o
}

// milliseconds(value, name) reads a duration, which is one millisecond at
// least: less would be a timer that fires within its own turn.
func (k kit) milliseconds(c goja.FunctionCall) goja.Value {
	d := k.v.Duration(k.v.Arg(c, 0), k.v.StringArg(c, 1, "the name"))
	return k.v.Runtime().ToValue(max(d, time.Millisecond).Milliseconds())
}

// count(value, name, least, most) reads a whole number.
func (k kit) count(c goja.FunctionCall) goja.Value {
	value := k.v.Arg(c, 0)
	least, most := k.v.Arg(c, 2).ToInteger(), k.v.Arg(c, 3).ToInteger()
	f := math.NaN()
	if goja.IsNumber(value) {
		f = value.ToFloat()
	}
	if !(f >= float64(least) && f <= float64(most)) || f != math.Trunc(f) {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a whole number from %d to %d", k.v.StringArg(c, 1, "the name"), least, most)
	}
	return value
}

// callable(value, name) returns a function.
func (k kit) callable(c goja.FunctionCall) goja.Value {
	value := k.v.Arg(c, 0)
	if _, ok := goja.AssertFunction(value); !ok {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a function, not %s", k.v.StringArg(c, 1, "the name"), vm.TypeOf(value))
	}
	return value
}

// typeOf(value) names a type for messages: "an array".
func (k kit) typeOf(c goja.FunctionCall) goja.Value {
	return k.v.Runtime().ToValue(vm.TypeOf(k.v.Arg(c, 0)))
}
