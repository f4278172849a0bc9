package web

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxAssembled is the largest Blob, or form, that is put together from parts,
// in bytes: as large as an ArrayBuffer can be.
const maxAssembled = 64 << 20

// maxBlobParts is the most parts one is made of. Many times as many as anybody
// has, and going through them, which nothing interrupts, takes 0.1 s.
const maxBlobParts = 100_000

// blob is the state of a Blob object. It never changes, so that those who have
// the same bytes may share them.
type blob struct {
	vm.Cell
	data []byte
	kind string // the type property
	// What a File has besides; file is false for a Blob.
	file         bool
	name         string
	lastModified int64
}

func (r *realm) blobClass() *class { return r.class(classBlob, r.makeBlob) }

func (r *realm) makeBlob() *class {
	c := r.newClass("Blob", nil, func(this *goja.Object, parts, options goja.Value) {
		vm.Hide(r.v, this, r.newBlob(parts, options))
	})
	getter(c, "size", func(b *blob) any { return len(b.data) })
	getter(c, "type", func(b *blob) any { return b.kind })
	method(c, "slice", func(b *blob, f goja.FunctionCall) goja.Value {
		from, to := place(r.v.Arg(f, 0), 0, len(b.data)), place(r.v.Arg(f, 1), len(b.data), len(b.data))
		kind := ""
		if value := r.v.Arg(f, 2); !goja.IsUndefined(value) {
			kind = blobType(r.text(value))
		}
		return c.object(&blob{data: b.data[from:max(from, to)], kind: kind})
	})
	read := func(name string, use func(data []byte) goja.Value) {
		c.method(name, func(f goja.FunctionCall) goja.Value {
			return r.settled(func() goja.Value { return use(self[*blob](c, name, f.This).data) })
		})
	}
	method(c, "stream", func(b *blob, _ goja.FunctionCall) goja.Value { return r.streamOf(call.Bytes(b.data)) })
	read("text", func(data []byte) goja.Value { return r.rt.ToValue(toText(trimBOM(data))) })
	read("arrayBuffer", func(data []byte) goja.Value { return r.buffer(data) })
	read("bytes", func(data []byte) goja.Value { return r.uint8Array(data) })
	return c
}

// place reads a position that may count from the end.
func place(value goja.Value, otherwise, size int) int {
	if goja.IsUndefined(value) {
		return otherwise
	}
	n := value.ToInteger()
	if n < 0 {
		n += int64(size)
	}
	return int(min(max(n, 0), int64(size)))
}

// blobType is a type as a Blob has it: what is not printable ASCII is none.
func blobType(kind string) string {
	for i := range len(kind) {
		if kind[i] < ' ' || kind[i] > '~' {
			return ""
		}
	}
	return strings.ToLower(kind)
}

// newBlob reads the arguments of the Blob constructor.
func (r *realm) newBlob(parts, options goja.Value) *blob {
	b := &blob{}
	native := false
	if dict := r.dictionary(options, "the options of Blob"); dict != nil {
		if value := option(dict, "endings"); value != nil {
			native = r.lineEndings(r.text(value))
		}
		if value := option(dict, "type"); value != nil {
			b.kind = blobType(r.text(value))
		}
	}
	if goja.IsUndefined(parts) {
		return b
	}
	r.eachItem(parts, "the parts of a Blob", maxBlobParts, func(part goja.Value) {
		piece := r.blobPart(part, native)
		r.mayGrow(len(b.data)+len(piece), "a Blob")
		b.data = append(b.data, piece...)
	})
	return b
}

// mayGrow throws when something that is put together is too large.
func (r *realm) mayGrow(size int, what string) {
	if size > maxAssembled {
		r.throw("RangeError", what+" of more than 64 MiB is too large")
	}
}

// lineEndings reads the endings option: whether strings get those of the system.
func (r *realm) lineEndings(text string) bool {
	switch text {
	case "transparent", "native":
		return text == "native"
	}
	r.typeError("endings must be \"transparent\" or \"native\", not %s", quoted(text))
	return false
}

// blobPart returns the bytes of binary data, of a Blob, or of anything else as
// text. They are not copied.
func (r *realm) blobPart(value goja.Value, native bool) []byte {
	if obj, ok := value.(*goja.Object); ok {
		if b, ok := vm.Reveal[*blob](r.v, obj); ok {
			return b.data
		}
		if data, ok := r.bytesOf(obj); ok {
			return data
		}
	}
	text := r.text(value)
	if native {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	}
	return []byte(text)
}

// blobBody makes a body of a Blob.
func blobBody(b *blob) (body call.Body, implied string) { return call.Bytes(b.data), b.kind }
