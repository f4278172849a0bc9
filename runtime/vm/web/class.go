// Native classes. The constructor is a class of the language itself, so that
// it can not be called without new, sees new.target and can be extended; all
// it does is to hand the fresh object to Go, which hides its state in it.
// Methods and accessors are native and sit on the prototype, once per VM.

package web

import (
	"fmt"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"reprise/runtime/vm"
)

// classID numbers the classes of the platform.
type classID int

const (
	classHeaders classID = iota
	classHeadersIterator
	classRequest
	classResponse
	classURL
	classSearchParams
	classSearchParamsIterator
	classEvent
	classCustomEvent
	classEventTarget
	classAbortController
	classAbortSignal
	classTextEncoder
	classTextDecoder
	classBlob
	classFile
	classFormData
	classFormDataIterator
	classCrypto
	classSubtleCrypto
	classCryptoKey
	classCount
)

// class is a class in one VM.
type class struct {
	r     *realm
	name  string
	ctor  *goja.Object
	proto *goja.Object
}

// The two shapes of a constructor. A derived one lets its parent's run first.
var classProgram = compile(`({
	base: (name, init) => ({ [name]: class { constructor(a, b) { init(this, a, b); } } })[name],
	derived: (name, init, Base) => ({ [name]: class extends Base { constructor(a, b) { super(a, b); init(this, a, b); } } })[name],
})`)

// compile compiles a constant program of our own.
func compile(src string) *goja.Program {
	ast, err := goja.Parse("reprise:web", src, parser.WithDisableSourceMaps)
	if err != nil {
		panic(fmt.Sprintf("web: own program does not parse: %v", err))
	}
	p, err := goja.CompileAST(ast, true)
	if err != nil {
		panic(fmt.Sprintf("web: own program does not compile: %v", err))
	}
	return p
}

// run evaluates a constant program of our own.
func (r *realm) run(p *goja.Program) *goja.Object {
	return must(r.rt.RunProgram(p)).(*goja.Object)
}

// initializer gives a fresh object its state. a and b are the constructor's arguments.
type initializer func(this *goja.Object, a, b goja.Value)

// class returns a class, made by make at first use.
func (r *realm) class(id classID, make func() *class) *class {
	if r.classes[id] == nil {
		r.classes[id] = make()
	}
	return r.classes[id]
}

// newClass makes a class. A nil init makes one that scripts can not construct.
func (r *realm) newClass(name string, parent *class, init initializer) *class {
	c := &class{r: r, name: name}
	native := r.v.Func("new "+name, func(f goja.FunctionCall) goja.Value {
		if init == nil {
			r.typeError("Illegal constructor: %s objects are made by the platform", name)
		}
		init(f.Arguments[0].(*goja.Object), r.v.Arg(f, 1), r.v.Arg(f, 2))
		return goja.Undefined()
	})
	shapes := vm.Local(r.v, shapesKey{}, func() *goja.Object { return r.run(classProgram) })
	shape, args := "base", []goja.Value{r.rt.ToValue(name), native}
	if parent != nil {
		shape, args = "derived", append(args, parent.ctor)
	}
	makeClass, _ := goja.AssertFunction(shapes.Get(shape))
	c.ctor = must(makeClass(goja.Undefined(), args...)).(*goja.Object)
	c.proto = c.ctor.Get("prototype").(*goja.Object)
	check(c.proto.DefineDataPropertySymbol(goja.SymToStringTag, r.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	return c
}

type shapesKey struct{}

// object makes an instance from Go, without running the constructor.
func (c *class) object(state goja.DynamicObject) *goja.Object {
	obj := c.r.rt.CreateObject(c.proto)
	vm.Hide(c.r.v, obj, state)
	return obj
}

// method defines a method on the prototype.
func (c *class) method(name string, f func(goja.FunctionCall) goja.Value) *goja.Object {
	fn := c.r.v.Func(name, f)
	check(c.proto.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	return fn
}

// static defines a function on the constructor.
func (c *class) static(name string, f func(goja.FunctionCall) goja.Value) {
	check(c.ctor.DefineDataProperty(name, c.r.v.Func(name, f), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
}

// iterable makes the method fn the iterator of the prototype.
func (c *class) iterable(fn *goja.Object) {
	check(c.proto.DefineDataPropertySymbol(goja.SymIterator, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// self returns the state of the object a method was called on, or throws.
func self[T goja.DynamicObject](c *class, name string, this goja.Value) T {
	state, ok := vm.Reveal[T](c.r.v, this)
	if !ok {
		c.r.typeError("Illegal invocation: %s.%s was called on %s that is not a %s", c.name, name, vm.TypeOf(this), c.name)
	}
	return state
}

// method defines a method whose receiver has state T.
func method[T goja.DynamicObject](c *class, name string, f func(this T, args goja.FunctionCall) goja.Value) *goja.Object {
	return c.method(name, func(fc goja.FunctionCall) goja.Value {
		return f(self[T](c, name, fc.This), fc)
	})
}

// getter defines a read-only accessor. get returns anything ToValue takes.
func getter[T goja.DynamicObject](c *class, name string, get func(this T) any) {
	accessor[T](c, name, get, nil)
}

// accessor defines a getter and a setter.
func accessor[T goja.DynamicObject](c *class, name string, get func(this T) any, set func(this T, value goja.Value)) {
	rt := c.r.rt
	getFn := c.r.v.Func("get "+name, func(fc goja.FunctionCall) goja.Value {
		return rt.ToValue(get(self[T](c, name, fc.This)))
	})
	var setFn goja.Value
	if set != nil {
		setFn = c.r.v.Func("set "+name, func(fc goja.FunctionCall) goja.Value {
			set(self[T](c, name, fc.This), c.r.v.Arg(fc, 0))
			return goja.Undefined()
		})
	}
	check(c.proto.DefineAccessorProperty(name, getFn, setFn, goja.FLAG_TRUE, goja.FLAG_TRUE))
}
