package web

import (
	"bytes"

	"github.com/dop251/goja"
)

// viewNames are the constructors whose instances are views of a buffer.
const uint8ArrayName = "Uint8Array"

// bytesOf returns the bytes behind an ArrayBuffer or a view of one, without
// copying. ok is false for other objects. It runs no code of the script's.
func (r *realm) bytesOf(obj *goja.Object) (b []byte, ok bool) {
	switch obj.ExportType() {
	case typeArrayBuffer:
		if buf, ok := obj.Export().(goja.ArrayBuffer); ok && !buf.Detached() {
			return buf.Bytes(), true
		}
		return nil, true
	}
	return r.viewBytes(obj)
}

// buffer makes an ArrayBuffer of a copy of b.
func (r *realm) buffer(b []byte) goja.Value {
	return r.rt.ToValue(r.rt.NewArrayBuffer(bytes.Clone(b)))
}

// uint8Array makes a Uint8Array of a copy of b.
func (r *realm) uint8Array(b []byte) *goja.Object {
	ctor := r.intrinsic(uint8ArrayName)
	obj, err := r.rt.New(ctor, r.buffer(b))
	check(err)
	return obj
}
