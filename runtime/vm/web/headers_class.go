package web

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// headers is the state of a Headers object.
type headers struct {
	vm.Cell
	list      headerList
	immutable bool
}

func (r *realm) headersClass() *class { return r.class(classHeaders, r.makeHeaders) }

func (r *realm) makeHeaders() *class {
	c := r.newClass("Headers", nil, func(this *goja.Object, init, _ goja.Value) {
		vm.Hide(r.v, this, &headers{list: r.headersFrom(init)})
	})
	method(c, "append", func(h *headers, f goja.FunctionCall) goja.Value {
		name, value := r.headerArgs(h, f)
		h.list = append(h.list, [2]string{name, value})
		return goja.Undefined()
	})
	method(c, "set", func(h *headers, f goja.FunctionCall) goja.Value {
		name, value := r.headerArgs(h, f)
		h.list = h.list.set(name, value)
		return goja.Undefined()
	})
	method(c, "delete", func(h *headers, f goja.FunctionCall) goja.Value {
		name := r.headerName(r.v.Arg(f, 0))
		r.mutable(h)
		h.list = h.list.without(name)
		return goja.Undefined()
	})
	method(c, "get", func(h *headers, f goja.FunctionCall) goja.Value {
		if value, ok := h.list.get(r.headerName(r.v.Arg(f, 0))); ok {
			return r.rt.ToValue(value)
		}
		return goja.Null()
	})
	method(c, "has", func(h *headers, f goja.FunctionCall) goja.Value {
		return r.rt.ToValue(h.list.has(r.headerName(r.v.Arg(f, 0))))
	})
	method(c, "getSetCookie", func(h *headers, _ goja.FunctionCall) goja.Value {
		return r.strings(h.list.setCookies())
	})
	method(c, "forEach", func(h *headers, f goja.FunctionCall) goja.Value {
		return r.forEachPair(f, func(i int) ([2]any, bool) { return at(h.list.sorted(), i) })
	})
	r.pairIterators(c, classHeadersIterator, func(this goja.Value, name string) pairs {
		h := self[*headers](c, name, this)
		return func(i int) ([2]any, bool) { return at(h.list.sorted(), i) }
	})
	return c
}

func (r *realm) mutable(h *headers) {
	if h.immutable {
		r.typeError("these headers can not be changed; make a copy: new Headers(headers), or new Response(response.body, response)")
	}
}

func (r *realm) headerArgs(h *headers, f goja.FunctionCall) (name, value string) {
	name, value = r.header(r.v.Arg(f, 0), r.v.Arg(f, 1))
	r.mutable(h)
	return name, value
}

func (r *realm) headerName(value goja.Value) string {
	name := r.text(value)
	if !isToken(name) {
		r.typeError("%s is not a valid header name", quoted(name))
	}
	return name
}

func (r *realm) header(name, value goja.Value) (string, string) {
	n := r.headerName(name)
	text := trimValue(r.text(value))
	if !isHeaderValue(text) {
		r.typeError("the value of the header %s may not contain line breaks, NUL or characters above U+00FF", n)
	}
	return n, text
}

// headersFrom reads what the Headers constructor takes: another Headers, pairs,
// or an object.
func (r *realm) headersFrom(init goja.Value) headerList {
	if init == nil || goja.IsUndefined(init) {
		return nil
	}
	if h, ok := vm.Reveal[*headers](r.v, init); ok {
		return h.list.clone()
	}
	obj, ok := init.(*goja.Object)
	if !ok {
		r.typeError("headers must be a Headers object, an object or a list of pairs, not %s", vm.TypeOf(init))
	}
	var list headerList
	add := func(name, value goja.Value) {
		n, text := r.header(name, value)
		list = append(list, [2]string{n, text})
	}
	if !r.eachPair(obj, "headers", add) {
		for _, key := range obj.Keys() {
			add(r.rt.ToValue(key), obj.Get(key))
		}
	}
	return list
}

// HeadersFrom reads whatever the Headers constructor takes as header lines. It
// throws a TypeError into the script for anything else.
func HeadersFrom(v *vm.VM, value goja.Value) [][2]string {
	if vm.IsNone(value) {
		return nil
	}
	return realmOf(v).headersFrom(value)
}

// eachPair calls add for every pair of an iterable of pairs. It returns false
// when obj is not iterable.
func (r *realm) eachPair(obj *goja.Object, what string, add func(name, value goja.Value)) bool {
	iterator := obj.GetSymbol(goja.SymIterator)
	if vm.IsNone(iterator) {
		return false
	}
	r.rt.ForOf(obj, func(pair goja.Value) bool {
		p, ok := pair.(*goja.Object)
		if !ok {
			r.typeError("%s must be pairs of a name and a value", what)
		}
		var parts [2]goja.Value
		n := 0
		r.rt.ForOf(p, func(part goja.Value) bool {
			if n < len(parts) {
				parts[n] = part
			}
			n++
			return n <= len(parts)
		})
		if n != len(parts) {
			r.typeError("%s must be pairs of a name and a value", what)
		}
		add(parts[0], parts[1])
		return true
	})
	return true
}

func (r *realm) strings(list []string) goja.Value {
	items := make([]any, len(list))
	for i, s := range list {
		items[i] = s
	}
	return r.rt.NewArray(items...)
}

func at(list [][2]string, i int) (pair [2]any, ok bool) {
	if i >= len(list) {
		return pair, false
	}
	return [2]any{list[i][0], list[i][1]}, true
}

// quoted shows a piece of the script's text in an error message.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return `"` + s + `"`
}
