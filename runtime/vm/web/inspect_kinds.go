package web

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// descriptor returns an own property's descriptor, or nil.
func (r *realm) descriptor(obj *goja.Object, key goja.Value) *goja.Object {
	if r.describe == nil {
		r.describe, _ = goja.AssertFunction(r.intrinsic("Object").Get("getOwnPropertyDescriptor"))
	}
	d, _ := must(r.describe(goja.Undefined(), obj, key)).(*goja.Object)
	return d
}

// own returns an own data property's value; nil for accessors and absent ones.
func (r *realm) own(obj *goja.Object, name string) goja.Value {
	d := r.descriptor(obj, r.rt.ToValue(name))
	if d == nil {
		return nil
	}
	return d.Get("value")
}

// inherited looks a data property up along the prototypes.
func (r *realm) inherited(obj *goja.Object, name string) goja.Value {
	const most = 32
	for range most {
		if obj == nil || obj.ExportType() == typeProxy {
			return nil
		}
		if d := r.descriptor(obj, r.rt.ToValue(name)); d != nil {
			return d.Get("value")
		}
		obj = obj.Prototype()
	}
	return nil
}

// isClass tells a class from a function: its prototype can not be written.
func (r *realm) isClass(obj *goja.Object) bool {
	d := r.descriptor(obj, r.rt.ToValue("prototype"))
	if d == nil {
		return false
	}
	_, callable := goja.AssertFunction(obj)
	if !callable || truthy(d.Get("writable")) {
		return false
	}
	source := must(r.method("Function", "toString")(obj))
	return strings.HasPrefix(source.String(), "class")
}

// err shows an error with its stack in the user's sources, its other
// properties and its cause.
func (in *inspector) err(obj *goja.Object) string {
	r := in.r
	word := func(name, otherwise string) string {
		value := r.inherited(obj, name)
		if value == nil || !goja.IsString(value) {
			return otherwise
		}
		return clipText(value.String())
	}
	head := word("name", "Error")
	if message := word("message", ""); message != "" {
		head += ": " + message
	}
	if in.tooDeep() {
		return "[" + head + "]"
	}
	// The engine writes the stack's text when it is first read, by way of the
	// error's name and message, which may be getters that throw.
	if ex := r.rt.Try(func() { word("stack", "") }); ex != nil {
		return head
	}
	text := orText(vm.CleanStack(head, word("stack", "")), head)
	parts := in.properties(obj, map[string]bool{"name": true, "message": true, "stack": true, "cause": true})
	if errors, ok := r.own(obj, "errors").(*goja.Object); ok { // AggregateError
		parts = append(parts, "errors: "+in.value(errors))
	}
	if len(parts) > 0 {
		text = group(text, "{", parts, "}")
	}
	if d := r.descriptor(obj, r.rt.ToValue("cause")); d != nil {
		text += "\n  cause: " + strings.ReplaceAll(in.property(obj, r.rt.ToValue("cause")), "\n", "\n  ")
	}
	return text
}

func dateText(obj *goja.Object) string {
	t, ok := obj.Export().(time.Time)
	if !ok || t.IsZero() {
		return "Invalid Date"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// hexBytes shows the beginning of binary data.
func hexBytes(b []byte) string {
	const most = 50
	text := hex.EncodeToString(b[:min(len(b), most)])
	if len(b) > most {
		text += "…"
	}
	return "<" + text + ">, byteLength: " + strconv.Itoa(len(b))
}
