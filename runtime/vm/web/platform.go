package web

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Platform returns the Web platform for VMs. It holds no state: everything it
// makes belongs to the VM it was made for.
func Platform() vm.Platform { return platform{} }

type platform struct{}

// Global implements vm.Platform.
func (platform) Global(v *vm.VM, name string) (goja.Value, bool) {
	for i := range globals {
		if globals[i].name == name {
			return globals[i].make(realmOf(v)), true
		}
	}
	return nil, false
}

// Globals implements vm.Platform.
func (platform) Globals() []string {
	names := make([]string, len(globals))
	for i := range globals {
		names[i] = globals[i].name
	}
	return names
}

// Request implements vm.Platform.
func (platform) Request(v *vm.VM, in *vm.Request) goja.Value {
	return realmOf(v).incomingRequest(in)
}

// Response implements vm.Platform.
func (platform) Response(v *vm.VM, value goja.Value) (*vm.Response, error) {
	res, ok := ResponseOf(v, value)
	if !ok {
		return nil, call.Errorf(call.CodeInvalidArgument,
			"the fetch handler returned %s; it must return a Response, for example Response.json(…)", vm.TypeOf(value))
	}
	return res.outgoing()
}

// A realm is the platform's state in one VM: the classes made so far.
type realm struct {
	v  *vm.VM
	rt *goja.Runtime

	classes     [classCount]*class
	binary      *views
	describe    goja.Callable // Object.getOwnPropertyDescriptor
	shims       *goja.Object
	hasStreams  bool       // the classes of streams have been made
	lazyHelpers bool       // the helpers of iterators are within reach
	iterator    goja.Value // the Iterator constructor, once its helpers are defined
	topLevel    *perRun    // see perRun
}

type realmKey struct{}

func realmOf(v *vm.VM) *realm {
	return vm.Local(v, realmKey{}, func() *realm { return &realm{v: v, rt: v.Runtime()} })
}

// typeError throws a TypeError into the script.
func (r *realm) typeError(format string, args ...any) {
	panic(r.rt.NewTypeError(append([]any{format}, args...)...))
}

// throw throws an instance of one of the language's own error classes.
func (r *realm) throw(class, message string) {
	panic(r.v.NewError(&call.Error{Name: class, Message: message}))
}

// rejected returns a promise that is rejected with reason.
func (r *realm) rejected(reason goja.Value) *goja.Object {
	promise, _, reject := r.v.Promise()
	reject(reason)
	return promise
}

// settled returns a promise of what f returns, or of what it throws.
func (r *realm) settled(f func() goja.Value) *goja.Object {
	var value goja.Value
	if ex := r.rt.Try(func() { value = f() }); ex != nil {
		return r.rejected(ex.Value())
	}
	promise, resolve, _ := r.v.Promise()
	resolve(value)
	return promise
}

// function returns value as a callable, or throws.
func (r *realm) function(value goja.Value, what string) goja.Callable {
	f, ok := goja.AssertFunction(value)
	if !ok {
		r.typeError("%s must be a function, not %s", what, vm.TypeOf(value))
	}
	return f
}

// must passes on what a callback threw.
func must(value goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return value
}

// put defines a property of an object of ours, whatever setters the script has
// put on prototypes.
func (r *realm) put(obj *goja.Object, name string, value any) {
	check(obj.DefineDataProperty(name, r.rt.ToValue(value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
}

// check passes on the error of defining a property of our own.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
