package web

import (
	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// event is the state of an Event object.
type event struct {
	vm.Cell
	kind       string
	bubbles    bool
	cancelable bool
	prevented  bool
	stopped    bool // stopImmediatePropagation
	sent       bool // being dispatched
	target     goja.Value
	at         float64
}

func (r *realm) eventClass() *class { return r.class(classEvent, r.makeEvent) }

func (r *realm) makeEvent() *class {
	c := r.newClass("Event", nil, func(this *goja.Object, kind, init goja.Value) {
		vm.Hide(r.v, this, r.newEvent(kind, init))
	})
	prop := func(name string, get func(e *event) any) { getter(c, name, get) }
	prop("type", func(e *event) any { return e.kind })
	prop("bubbles", func(e *event) any { return e.bubbles })
	prop("cancelable", func(e *event) any { return e.cancelable })
	prop("composed", func(*event) any { return false })
	prop("defaultPrevented", func(e *event) any { return e.prevented })
	prop("isTrusted", func(*event) any { return false })
	prop("timeStamp", func(e *event) any { return e.at })
	prop("target", func(e *event) any { return orNull(e.target) })
	prop("currentTarget", func(e *event) any {
		if !e.sent {
			return goja.Null()
		}
		return orNull(e.target)
	})
	prop("eventPhase", func(e *event) any {
		if e.sent {
			return 2
		}
		return 0
	})
	method(c, "preventDefault", func(e *event, _ goja.FunctionCall) goja.Value {
		e.prevented = e.prevented || e.cancelable
		return goja.Undefined()
	})
	method(c, "stopPropagation", func(*event, goja.FunctionCall) goja.Value { return goja.Undefined() })
	method(c, "stopImmediatePropagation", func(e *event, _ goja.FunctionCall) goja.Value {
		e.stopped = true
		return goja.Undefined()
	})
	method(c, "composedPath", func(e *event, _ goja.FunctionCall) goja.Value {
		if e.sent {
			return r.rt.NewArray(e.target)
		}
		return r.rt.NewArray()
	})
	return c
}

func orNull(value goja.Value) goja.Value {
	if value == nil {
		return goja.Null()
	}
	return value
}

func (r *realm) newEvent(kind, init goja.Value) *event {
	e := &event{kind: r.text(kind), at: r.now()}
	if dict := r.dictionary(init, "the second argument of Event"); dict != nil {
		e.bubbles = truthy(option(dict, "bubbles"))
		e.cancelable = truthy(option(dict, "cancelable"))
	}
	return e
}

func truthy(value goja.Value) bool { return value != nil && value.ToBoolean() }

// makeCustomEvent makes CustomEvent: an Event with a detail.
func (r *realm) makeCustomEvent() *class {
	key := goja.NewSymbol("detail")
	c := r.newClass("CustomEvent", r.eventClass(), func(this *goja.Object, _, init goja.Value) {
		value := option(r.dictionary(init, "the second argument of CustomEvent"), "detail")
		check(this.DefineDataPropertySymbol(key, orNull(value), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
	})
	check(c.proto.DefineAccessorProperty("detail", r.v.Func("get detail", func(f goja.FunctionCall) goja.Value {
		this, ok := f.This.(*goja.Object)
		if !ok || this.GetSymbol(key) == nil {
			r.typeError("Illegal invocation: CustomEvent.detail was read of something that is not a CustomEvent")
		}
		return this.GetSymbol(key)
	}), nil, goja.FLAG_TRUE, goja.FLAG_TRUE))
	return c
}
