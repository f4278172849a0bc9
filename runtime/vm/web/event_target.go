package web

import (
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// listeners is the state of an EventTarget: who wants to know what.
type listeners struct {
	vm.Cell
	list []*listener
}

// listener is one registration.
type listener struct {
	kind     string
	callback *goja.Object
	capture  bool
	once     bool
	removed  bool
}

// listenersOf returns the listeners of an EventTarget or AbortSignal.
func (r *realm) listenersOf(name string, this goja.Value) *listeners {
	if l, ok := vm.Reveal[*listeners](r.v, this); ok {
		return l
	}
	if s, ok := vm.Reveal[*abortSignal](r.v, this); ok {
		return &s.listeners
	}
	r.typeError("Illegal invocation: EventTarget.%s was called on %s that is not an EventTarget", name, vm.TypeOf(this))
	return nil
}

func (r *realm) eventTargetClass() *class { return r.class(classEventTarget, r.makeEventTarget) }

func (r *realm) makeEventTarget() *class {
	c := r.newClass("EventTarget", nil, func(this *goja.Object, _, _ goja.Value) {
		vm.Hide(r.v, this, &listeners{})
	})
	c.method("addEventListener", func(f goja.FunctionCall) goja.Value {
		r.addListener(r.listenersOf("addEventListener", f.This), f)
		return goja.Undefined()
	})
	c.method("removeEventListener", func(f goja.FunctionCall) goja.Value {
		l := r.listenersOf("removeEventListener", f.This)
		kind, capture := r.text(r.v.Arg(f, 0)), r.captures(r.v.Arg(f, 2))
		if callback, ok := r.v.Arg(f, 1).(*goja.Object); ok {
			l.remove(kind, callback, capture)
		}
		return goja.Undefined()
	})
	c.method("dispatchEvent", func(f goja.FunctionCall) goja.Value {
		l := r.listenersOf("dispatchEvent", f.This)
		e, ok := vm.Reveal[*event](r.v, r.v.Arg(f, 0))
		if !ok {
			r.typeError("dispatchEvent takes an Event, not %s", vm.TypeOf(r.v.Arg(f, 0)))
		}
		if e.sent {
			r.throw("InvalidStateError", "the event is already being dispatched")
		}
		r.dispatch(l, f.This, r.v.Arg(f, 0), e)
		return r.rt.ToValue(!e.prevented)
	})
	return c
}

// captures reads the capture flag, which tells registrations apart and has no
// other meaning here: there is no tree of targets.
func (r *realm) captures(options goja.Value) bool {
	if dict, ok := options.(*goja.Object); ok {
		return truthy(option(dict, "capture"))
	}
	return options.ToBoolean()
}

func (r *realm) addListener(l *listeners, f goja.FunctionCall) {
	kind, options := r.text(r.v.Arg(f, 0)), r.v.Arg(f, 2)
	x := &listener{kind: kind, capture: r.captures(options)}
	var signal *abortSignal
	if dict, ok := options.(*goja.Object); ok {
		x.once = truthy(option(dict, "once"))
		if s := option(dict, "signal"); s != nil {
			if signal, ok = vm.Reveal[*abortSignal](r.v, s); !ok {
				r.typeError("signal must be an AbortSignal, not %s", vm.TypeOf(s))
			}
		}
	}
	callback := r.v.Arg(f, 1)
	if vm.IsNone(callback) {
		return
	}
	var ok bool
	if x.callback, ok = callback.(*goja.Object); !ok {
		r.typeError("a listener must be a function or an object with handleEvent, not %s", vm.TypeOf(callback))
	}
	if signal != nil && signal.aborted || l.find(kind, x.callback, x.capture) >= 0 {
		return
	}
	l.list = append(l.list, x)
	if signal != nil {
		signal.onAbort(func(goja.Value) { l.remove(kind, x.callback, x.capture) })
	}
}

func (l *listeners) find(kind string, callback *goja.Object, capture bool) int {
	return slices.IndexFunc(l.list, func(x *listener) bool {
		return x.kind == kind && x.capture == capture && x.callback == callback
	})
}

// remove makes a new list: one that is being dispatched to stays as it is.
func (l *listeners) remove(kind string, callback *goja.Object, capture bool) {
	if i := l.find(kind, callback, capture); i >= 0 {
		l.list[i].removed = true
		l.list = slices.Delete(slices.Clone(l.list), i, i+1)
	}
}

// dispatch calls the listeners there are now, in order. What one throws fails
// the run, after the others were called: nobody else would hear of it.
func (r *realm) dispatch(l *listeners, this, object goja.Value, e *event) {
	e.target, e.sent, e.stopped = this, true, false
	defer func() { e.sent = false }()
	var failed *goja.Exception
	for _, x := range l.list {
		if x.kind != e.kind || x.removed {
			continue
		}
		if x.once {
			l.remove(x.kind, x.callback, x.capture)
		}
		if ex := r.rt.Try(func() { r.notify(x, this, object) }); ex != nil && failed == nil {
			failed = ex
		}
		if e.stopped {
			break
		}
	}
	if failed != nil {
		r.v.Task(func() { panic(failed) })
	}
}

func (r *realm) notify(x *listener, this, object goja.Value) {
	if f, ok := goja.AssertFunction(x.callback); ok {
		must(f(this, object))
		return
	}
	handle := r.function(orNull(x.callback.Get("handleEvent")), "handleEvent of a listener")
	must(handle(x.callback, object))
}
