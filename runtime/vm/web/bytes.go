package web

import (
	"bytes"
	"reflect"

	"github.com/dop251/goja"
)

var typeArrayBuffer = reflect.TypeFor[goja.ArrayBuffer]()

// views are the language's own readers of binary objects. Unlike Export they
// are safe on detached buffers, and unlike property reads they run no code of
// the script's.
type views struct {
	isView         goja.Callable
	tag            goja.Callable
	typed, dataSet viewReaders
}

// viewReaders read one family of views.
type viewReaders struct{ buffer, offset, length goja.Callable }

func (r *realm) views() *views {
	if r.binary == nil {
		typed := r.intrinsic("Uint8Array").Prototype().Get("prototype").(*goja.Object)
		data := r.intrinsic("DataView").Get("prototype").(*goja.Object)
		w := &views{}
		w.isView, _ = goja.AssertFunction(r.intrinsic("ArrayBuffer").Get("isView"))
		w.tag = r.getterOf(typed, goja.SymToStringTag)
		w.typed = r.readersOf(typed)
		w.dataSet = r.readersOf(data)
		r.binary = w
	}
	return r.binary
}

func (r *realm) readersOf(proto *goja.Object) viewReaders {
	name := func(s string) goja.Callable { return r.getterOf(proto, r.rt.ToValue(s)) }
	return viewReaders{name("buffer"), name("byteOffset"), name("byteLength")}
}

// getterOf returns the getter of an accessor of a built-in prototype.
func (r *realm) getterOf(proto *goja.Object, key goja.Value) goja.Callable {
	describe, _ := goja.AssertFunction(r.intrinsic("Object").Get("getOwnPropertyDescriptor"))
	d := must(describe(goja.Undefined(), proto, key)).(*goja.Object)
	get, _ := goja.AssertFunction(d.Get("get"))
	return get
}

// intrinsic returns a constructor of the language.
func (r *realm) intrinsic(name string) *goja.Object {
	obj, ok := r.rt.GlobalObject().Get(name).(*goja.Object)
	if !ok {
		r.typeError("the global %s was replaced by something that is not an object", name)
	}
	return obj
}

// viewName returns the kind of view obj is ("Uint8Array", "DataView"), or "".
func (r *realm) viewName(obj *goja.Object) string {
	w := r.views()
	if !must(w.isView(goja.Undefined(), obj)).ToBoolean() {
		return ""
	}
	if tag := must(w.tag(obj)); goja.IsString(tag) {
		return tag.String()
	}
	return "DataView"
}

// viewBuffer returns the ArrayBuffer behind a view and the view's place in it.
func (r *realm) viewBuffer(obj *goja.Object, name string) (buf *goja.Object, offset, length int) {
	read := r.views().typed
	if name == "DataView" {
		read = r.views().dataSet
	}
	buf = must(read.buffer(obj)).(*goja.Object)
	if b, ok := buf.Export().(goja.ArrayBuffer); !ok || b.Detached() {
		return buf, 0, 0
	}
	return buf, int(must(read.offset(obj)).ToInteger()), int(must(read.length(obj)).ToInteger())
}

// bytesOf returns the bytes behind an ArrayBuffer or a view of one, without
// copying. ok is false for other objects.
func (r *realm) bytesOf(obj *goja.Object) (b []byte, ok bool) {
	if obj.ExportType() == typeArrayBuffer {
		return arrayBufferBytes(obj), true
	}
	name := r.viewName(obj)
	if name == "" {
		return nil, false
	}
	buf, offset, length := r.viewBuffer(obj, name)
	return arrayBufferBytes(buf)[offset : offset+length], true
}

func arrayBufferBytes(obj *goja.Object) []byte {
	buf, ok := obj.Export().(goja.ArrayBuffer)
	if !ok || buf.Detached() {
		return nil
	}
	return buf.Bytes()
}

// buffer makes an ArrayBuffer of a copy of b.
func (r *realm) buffer(b []byte) *goja.Object {
	return r.rt.ToValue(r.rt.NewArrayBuffer(bytes.Clone(b))).(*goja.Object)
}

// ownBuffer makes an ArrayBuffer of b itself, which nobody else may have.
func (r *realm) ownBuffer(b []byte) *goja.Object {
	return r.rt.ToValue(r.rt.NewArrayBuffer(b)).(*goja.Object)
}

// uint8Array makes a Uint8Array of a copy of b.
func (r *realm) uint8Array(b []byte) *goja.Object {
	obj, err := r.rt.New(r.intrinsic("Uint8Array"), r.buffer(b))
	check(err)
	return obj
}
