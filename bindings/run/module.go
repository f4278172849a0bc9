package run

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Module returns the native part of "reprise:run".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "run" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	k := kit{v}
	o := v.Runtime().NewObject()
	for _, f := range []struct {
		name string
		do   native
	}{
		{"waitFor", k.waitFor},
		{"signal", k.signal},
		{"start", k.start},
		{"invoke", k.invoke},
		{"publish", k.publish},
		{"continueAs", k.continueAs},
	} {
		set(o, f.name, v.Func(f.name, k.rejecting(f.name, f.do)))
	}
	for _, f := range []struct {
		name string
		do   native
	}{
		{"sleep", k.sleep},
		{"ask", k.ask},
		{"answer", k.answer},
		{"begin", k.begin},
		{"attempt", k.attempt},
		{"within", k.within},
		{"failing", k.failing},
		{"succeeded", k.succeeded},
		{"end", k.end},
		{"quiet", k.quiet},
		{"nextUndo", k.nextUndo},
		{"undo", k.undo},
		{"undoFailed", k.undoFailed},
	} {
		set(o, f.name, v.Func(f.name, f.do))
	}
	set(o, "current", k.current())
	return o
}

// kit is what the functions of the module share: the VM they belong to.
type kit struct{ v *vm.VM }

func set(o *goja.Object, name string, value any) {
	if err := o.Set(name, value); err != nil {
		panic(err)
	}
}

// current makes the object that describes the running run. A VM may serve many
// runs, so its properties are looked up when they are read.
func (k kit) current() *goja.Object {
	o := k.v.Runtime().NewObject()
	for _, p := range []struct {
		name string
		get  func(vm.Info) string
	}{
		{"id", func(i vm.Info) string { return i.ID }},
		{"script", func(i vm.Info) string { return i.Script }},
		{"revision", func(i vm.Info) string { return i.Revision }},
		{"handler", func(i vm.Info) string { return string(i.Handler) }},
	} {
		get := k.v.Func(p.name, func(goja.FunctionCall) goja.Value {
			info, ok := k.v.Info()
			if !ok {
				k.v.Throw(call.CodeCallOutsideRun, "current.%s was read at the top level, where there is no run; read it in a handler", p.name)
			}
			return k.v.Runtime().ToValue(p.get(info))
		})
		if err := o.DefineAccessorProperty(p.name, get, nil, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
	}
	return o
}

// function returns a callable argument.
func (k kit) function(value goja.Value, name string) goja.Callable {
	f, ok := goja.AssertFunction(value)
	if !ok {
		k.v.Throw(call.CodeInvalidArgument, "%s must be a function, not %s", name, vm.TypeOf(value))
	}
	return f
}

// in calls f in a scope. What f throws goes on.
func (k kit) in(s *vm.Scope, f goja.Callable, args ...goja.Value) goja.Value {
	var result goja.Value
	var err error
	k.v.In(s, func() { result, err = f(goja.Undefined(), args...) })
	if err != nil {
		panic(err)
	}
	return result
}
