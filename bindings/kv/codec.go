package kv

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strconv"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func itoa(i int) string { return strconv.Itoa(i) }

// codec holds the built-ins that values are taken apart and made with. They
// are taken when the module is imported, before the script could change them.
type codec struct {
	v          *vm.VM
	date       *goja.Object
	toISO      goja.Callable // Date.prototype.toISOString
	uint8      *goja.Object
	length     goja.Callable            // the getter of a typed array's length
	arrays     goja.Callable            // Array.isArray
	collection map[string]*goja.Object  // Map and Set
	forEach    map[string]goja.Callable // of their prototypes
}

type codecKey struct{}

func codecOf(v *vm.VM) *codec {
	return vm.Local(v, codecKey{}, func() *codec { return newCodec(v) })
}

func newCodec(v *vm.VM) *codec {
	rt := v.Runtime()
	global := func(name string) *goja.Object { return rt.GlobalObject().Get(name).(*goja.Object) }
	method := func(class, name string) goja.Callable {
		f, _ := goja.AssertFunction(global(class).Get("prototype").(*goja.Object).Get(name))
		return f
	}
	c := &codec{
		v: v, date: global("Date"), toISO: method("Date", "toISOString"),
		uint8:      global("Uint8Array"),
		collection: map[string]*goja.Object{"Map": global("Map"), "Set": global("Set")},
		forEach:    map[string]goja.Callable{"Map": method("Map", "forEach"), "Set": method("Set", "forEach")},
	}
	c.arrays, _ = goja.AssertFunction(global("Array").Get("isArray"))
	c.length = lengthGetter(rt, c.uint8)
	return c
}

// lengthGetter finds the getter of %TypedArray%.prototype.length. Unlike the
// property, which a script can shadow, it knows whether the buffer is there.
func lengthGetter(rt *goja.Runtime, uint8 *goja.Object) goja.Callable {
	proto := uint8.Get("prototype").(*goja.Object).Prototype()
	describe, _ := goja.AssertFunction(rt.Get("Object").(*goja.Object).Get("getOwnPropertyDescriptor"))
	descriptor, err := describe(goja.Undefined(), proto, rt.ToValue("length"))
	if err != nil {
		panic(err)
	}
	get, _ := goja.AssertFunction(descriptor.(*goja.Object).Get("get"))
	return get
}

var typeProxy = reflect.TypeFor[goja.Proxy]()

// isArray is Array.isArray: JSON that came from outside is a proxy, until a
// script looks inside.
func (c *codec) isArray(obj *goja.Object) bool {
	if obj.ExportType() != typeProxy {
		return obj.ClassName() == "Array"
	}
	is, err := c.arrays(goja.Undefined(), obj)
	return err == nil && is.ToBoolean()
}

// lengthOf reads the length of an array, which a proxy can make anything.
func (c *codec) lengthOf(list *goja.Object, name string) int64 {
	value := vm.Option(list, "length")
	n := int64(-1)
	if goja.IsNumber(value) {
		n = value.ToInteger()
	}
	if n < 0 {
		c.v.Throw(call.CodeInvalidArgument, "%s has a length that no array can have", name)
	}
	return n
}

var typeBytes = reflect.TypeFor[[]byte]()

// bytesOf copies the bytes of a Uint8Array; ok is false for anything else.
// A detached array is an empty one: its bytes must not be touched.
func (c *codec) bytesOf(obj *goja.Object) (b []byte, ok bool) {
	if obj.ExportType() != typeBytes {
		return nil, false
	}
	n, err := c.length(obj)
	if err != nil {
		return nil, false // not a typed array: an object of the host's
	}
	if n.ToInteger() == 0 {
		return []byte{}, true
	}
	b, ok = obj.Export().([]byte)
	return bytes.Clone(b), ok
}

// uint8Array makes a Uint8Array of a copy of b.
func (c *codec) uint8Array(b []byte) goja.Value {
	rt := c.v.Runtime()
	obj, err := rt.New(c.uint8, rt.ToValue(rt.NewArrayBuffer(bytes.Clone(b))))
	if err != nil {
		panic(err)
	}
	return obj
}

func encodeBase64(b []byte) []byte {
	return base64.StdEncoding.AppendEncode(nil, b)
}
