package vm

import "github.com/dop251/goja"

// bufferClasses are the classes whose objects have bytes.
var bufferClasses = []string{
	"ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
	"Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
}

// likenessProgram makes a constructor that has everything of another, and takes
// its place. It is a bound function, so that it looks like a native, and knows
// with which new it was called, which a native of goja's does not.
var likenessProgram = mustCompile(`(function (original, name, construct) {
	const { TypeError } = globalThis;
	function target(a, b, c) { // there are no more, and undefined is the same as none
		if (new.target === undefined) throw new TypeError("Constructor " + name + " requires 'new'");
		return construct(new.target === target ? original : new.target, a, b, c);
	}
	target.prototype = original.prototype; // instanceof asks the function behind a bound one
	const copy = target.bind();
	for (const key of Reflect.ownKeys(original))
		Object.defineProperty(copy, key, Object.getOwnPropertyDescriptor(original, key));
	Object.setPrototypeOf(copy, Object.getPrototypeOf(original));
	Object.defineProperty(original.prototype, "constructor", { value: copy });
	Object.defineProperty(globalThis, name, { value: copy });
})`)

type likenessKey struct{}

// guardBuffer puts a constructor in the place of a built-in one that looks at
// the size first.
func (v *VM) guardBuffer(name string) {
	original := v.rt.Get(name).(*goja.Object)
	construct, ok := goja.AssertConstructor(original)
	if !ok {
		panic("vm: " + name + " is no constructor")
	}
	likeness := Local(v, likenessKey{}, func() goja.Callable {
		fn, err := v.rt.RunProgram(likenessProgram)
		mustDefine(err)
		f, _ := goja.AssertFunction(fn)
		return f
	})
	size := elementSize(original)
	_, err := likeness(goja.Undefined(), original, v.rt.ToValue(name), v.Func("construct", func(c goja.FunctionCall) goja.Value {
		args := c.Arguments[1:]
		args[0] = v.sized(size, v.Arg(c, 1))
		obj, err := construct(c.Arguments[0].(*goja.Object), args...)
		if err != nil {
			panic(err)
		}
		return obj
	}))
	mustDefine(err)
}

// elementSize is how many bytes an element takes; zero for ArrayBuffer.
func elementSize(class *goja.Object) float64 {
	if size := class.Get("BYTES_PER_ELEMENT"); size != nil {
		return size.ToFloat()
	}
	return 0
}

// sized checks the first argument of a constructor, a number of elements or of
// bytes or something to copy, and returns it, converted if it had to be.
func (v *VM) sized(size float64, value goja.Value) goja.Value {
	if size == 0 { // of an ArrayBuffer: any value is converted
		value = value.ToNumber()
		v.tooMuch("an ArrayBuffer", value.ToFloat(), maxBuffer, "bytes")
		return value
	}
	n, ok := plainNumber(value)
	if !ok {
		n = v.lengthOf(value)
	}
	v.tooMuch("a typed array", n*size, maxBuffer, "bytes")
	return value
}
