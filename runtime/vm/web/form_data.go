package web

import (
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// formData is the state of a FormData object.
type formData struct {
	vm.Cell
	list []formEntry
}

// formEntry is a field of a form: text, or a File.
type formEntry struct {
	name string
	text string
	file *goja.Object // or nil
}

// value is what a script gets of an entry.
func (e *formEntry) value() any {
	if e.file != nil {
		return e.file
	}
	return e.text
}

func (r *realm) formDataClass() *class { return r.class(classFormData, r.makeFormData) }

func (r *realm) makeFormData() *class {
	c := r.newClass("FormData", nil, func(this *goja.Object, form, _ goja.Value) {
		if !goja.IsUndefined(form) {
			r.typeError("FormData takes no arguments: there are no form elements here; use append")
		}
		vm.Hide(r.v, this, &formData{})
	})
	method(c, "append", func(d *formData, f goja.FunctionCall) goja.Value {
		d.list = append(d.list, r.formEntry(f, "append"))
		return goja.Undefined()
	})
	method(c, "set", func(d *formData, f goja.FunctionCall) goja.Value {
		d.set(r.formEntry(f, "set"))
		return goja.Undefined()
	})
	method(c, "delete", func(d *formData, f goja.FunctionCall) goja.Value {
		name := r.text(r.v.Arg(f, 0))
		d.list = slices.DeleteFunc(d.list, func(e formEntry) bool { return e.name == name })
		return goja.Undefined()
	})
	method(c, "get", func(d *formData, f goja.FunctionCall) goja.Value {
		if i := d.index(r.text(r.v.Arg(f, 0))); i >= 0 {
			return r.rt.ToValue(d.list[i].value())
		}
		return goja.Null()
	})
	method(c, "getAll", func(d *formData, f goja.FunctionCall) goja.Value {
		name, values := r.text(r.v.Arg(f, 0)), []any{}
		for i := range d.list {
			if d.list[i].name == name {
				values = append(values, d.list[i].value())
			}
		}
		return r.rt.NewArray(values...)
	})
	method(c, "has", func(d *formData, f goja.FunctionCall) goja.Value {
		return r.rt.ToValue(d.index(r.text(r.v.Arg(f, 0))) >= 0)
	})
	method(c, "forEach", func(d *formData, f goja.FunctionCall) goja.Value { return r.forEachPair(f, d.at) })
	r.pairIterators(c, classFormDataIterator, func(this goja.Value, name string) pairs {
		return self[*formData](c, name, this).at
	})
	return c
}

func (d *formData) at(i int) (pair [2]any, ok bool) {
	if i >= len(d.list) {
		return pair, false
	}
	return [2]any{d.list[i].name, d.list[i].value()}, true
}

func (d *formData) index(name string) int {
	return slices.IndexFunc(d.list, func(e formEntry) bool { return e.name == name })
}

// set replaces the first entry of a name and removes the others.
func (d *formData) set(entry formEntry) {
	i := d.index(entry.name)
	if i < 0 {
		d.list = append(d.list, entry)
		return
	}
	d.list[i] = entry
	rest := slices.DeleteFunc(d.list[i+1:], func(e formEntry) bool { return e.name == entry.name })
	d.list = d.list[:i+1+len(rest)]
}

// formEntry reads (name, value, filename). A Blob becomes a File; one that is a
// File already stays itself, unless it gets another name.
func (r *realm) formEntry(f goja.FunctionCall, method string) formEntry {
	if len(f.Arguments) < 2 {
		r.typeError("FormData.%s needs a name and a value", method)
	}
	value, filename := r.v.Arg(f, 1), r.v.Arg(f, 2)
	entry := formEntry{name: r.text(r.v.Arg(f, 0))}
	b, ok := vm.Reveal[*blob](r.v, value)
	if !ok {
		if len(f.Arguments) > 2 {
			r.typeError("FormData.%s: only a Blob has a file name, not %s", method, vm.TypeOf(value))
		}
		entry.text = r.text(value)
		return entry
	}
	switch {
	case !goja.IsUndefined(filename):
		entry.file = r.newFile(b, r.text(filename))
	case b.file:
		entry.file = value.(*goja.Object)
	default:
		entry.file = r.newFile(b, "blob")
	}
	return entry
}
