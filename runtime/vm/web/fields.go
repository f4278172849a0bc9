package web

import (
	"bytes"
	"encoding/json"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// maxFields bounds what a line carries besides its text.
const maxFields = 16 << 10

// isPlain reports whether obj is an object literal and no instance of anything.
func (r *realm) isPlain(obj *goja.Object) bool {
	if r.kindOf(obj) != kindPlain || r.isPlatformObject(obj) {
		return false
	}
	proto := obj.Prototype()
	return proto == nil || proto == r.intrinsic("Object").Get("prototype")
}

// fieldsJSON writes a plain object as JSON with the walker's manners: getters
// are not run, and errors, Maps and the like become their text. It returns nil
// when the object is too large for fields.
func (r *realm) fieldsJSON(obj *goja.Object) []byte {
	w := &fieldWriter{r: r}
	if ex := r.rt.Try(func() { w.value(obj, 0) }); ex != nil || w.failed || w.out.Len() > maxFields {
		return nil
	}
	return w.out.Bytes()
}

type fieldWriter struct {
	r      *realm
	out    bytes.Buffer
	failed bool
}

func (w *fieldWriter) value(value goja.Value, depth int) {
	if w.failed = w.failed || w.out.Len() > maxFields || depth > 16; w.failed {
		return
	}
	obj, ok := vm.Materialized(value).(*goja.Object)
	if !ok {
		w.primitive(value)
		return
	}
	switch kind := w.r.kindOf(obj); {
	case kind == kindArray:
		w.array(obj, depth)
	case kind == kindPlain && !w.r.isPlatformObject(obj):
		w.object(obj, depth)
	case kind == kindDate:
		w.text(dateText(obj))
	default:
		w.text(clipText(w.r.inspect(obj, 3)))
	}
}

func (w *fieldWriter) primitive(value goja.Value) {
	switch {
	case value == nil || goja.IsUndefined(value) || goja.IsNull(value):
		w.out.WriteString("null")
	case goja.IsString(value):
		w.text(clipText(value.String()))
	case goja.IsBigInt(value):
		w.text(value.String())
	case goja.IsNumber(value):
		if f := value.ToFloat(); f != f || goja.IsInfinity(value) {
			w.text(value.String())
		} else {
			w.out.WriteString(value.String())
		}
	case value.ExportType() != nil && value.ExportType().Kind().String() == "bool":
		w.out.WriteString(value.String())
	default:
		w.text(value.String())
	}
}

func (w *fieldWriter) text(s string) {
	e := json.NewEncoder(&w.out)
	e.SetEscapeHTML(false)
	check(e.Encode(s))
	w.out.Truncate(w.out.Len() - 1) // Encode ends the line
}

func (w *fieldWriter) array(obj *goja.Object, depth int) {
	length := orUndefined(w.r.own(obj, "length")).ToInteger()
	if length > 1000 {
		w.failed = true
		return
	}
	w.out.WriteByte('[')
	for i := range length {
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.property(obj, w.r.rt.ToValue(i), depth)
	}
	w.out.WriteByte(']')
}

func (w *fieldWriter) object(obj *goja.Object, depth int) {
	w.out.WriteByte('{')
	first := true
	for _, key := range obj.Keys() {
		if value := w.r.own(obj, key); value != nil && goja.IsUndefined(value) {
			continue
		}
		if !first {
			w.out.WriteByte(',')
		}
		first = false
		w.text(key)
		w.out.WriteByte(':')
		w.property(obj, w.r.rt.ToValue(key), depth)
	}
	w.out.WriteByte('}')
}

func (w *fieldWriter) property(obj *goja.Object, key goja.Value, depth int) {
	d := w.r.descriptor(obj, key)
	if d != nil && option(d, "get") != nil {
		w.text("[Getter]")
		return
	}
	if d == nil {
		w.out.WriteString("null")
		return
	}
	w.value(d.Get("value"), depth+1)
}
