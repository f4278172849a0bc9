package vm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// Options returns the i-th argument, an object of options, or nil when it is
// absent. A key that is not known throws: a misspelt option would otherwise be
// silently without effect.
func (v *VM) Options(c goja.FunctionCall, i int, what string, known ...string) *goja.Object {
	obj := v.ObjectArg(c, i, "the options of "+what)
	if obj == nil {
		return nil
	}
	for _, key := range obj.Keys() {
		if !slices.Contains(known, key) {
			v.Throw(call.CodeInvalidArgument, "%s has no option %q; %s", what, key, knownOptions(known))
		}
	}
	return obj
}

func knownOptions(known []string) string {
	if len(known) == 0 {
		return "it takes none"
	}
	return "it takes " + strings.Join(known, ", ")
}

// Option returns a property of an object of options, undefined when it or the
// object is absent.
func Option(obj *goja.Object, name string) goja.Value {
	if obj == nil {
		return goja.Undefined()
	}
	if value := obj.Get(name); value != nil {
		return value
	}
	return goja.Undefined()
}

// Duration reads a duration as scripts write it: a number of milliseconds or
// text such as "5s" or "3 days". name is what the value is called in errors.
func (v *VM) Duration(value goja.Value, name string) time.Duration {
	var d time.Duration
	var err error
	switch {
	case goja.IsString(value):
		d, err = call.ParseDuration(value.String())
	case goja.IsNumber(value):
		d, err = call.MillisDuration(value.ToFloat())
	default:
		err = fmt.Errorf("it must be a number of milliseconds or text such as \"5s\", not %s", TypeOf(value))
	}
	if err != nil {
		v.Throw(call.CodeInvalidArgument, "%s: %s", name, err)
	}
	return d
}
