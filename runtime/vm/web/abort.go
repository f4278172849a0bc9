package web

import (
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// abortSignal is the state of an AbortSignal object.
type abortSignal struct {
	vm.Cell
	listeners
	aborted bool
	reason  goja.Value
	object  *goja.Object
	handler goja.Value // onabort
	waiting []*abortStep
}

// abortStep is Go code that runs when the signal aborts, before the event.
type abortStep struct{ run func(reason goja.Value) }

// onAbort registers a step and returns what takes it back.
func (s *abortSignal) onAbort(run func(reason goja.Value)) (forget func()) {
	step := &abortStep{run}
	s.waiting = append(s.waiting, step)
	return func() {
		s.waiting = slices.DeleteFunc(s.waiting, func(x *abortStep) bool { return x == step })
	}
}

// abortError is the reason of abort() without one.
func (r *realm) abortError() goja.Value {
	return r.v.NewError(call.Errorf(call.CodeAbort, "the operation was aborted"))
}

// abort makes the signal aborted and tells everyone, once.
func (r *realm) abort(s *abortSignal, reason goja.Value) {
	if s.aborted {
		return
	}
	if reason == nil || goja.IsUndefined(reason) {
		reason = r.abortError()
	}
	s.aborted, s.reason = true, reason
	steps := s.waiting
	s.waiting = nil
	for _, step := range steps {
		step.run(reason)
	}
	r.v.Apart(func() { r.tellAborted(s) })
}

// tellAborted calls the script's listeners.
func (r *realm) tellAborted(s *abortSignal) {
	e := &event{kind: "abort", at: r.now()}
	object := r.eventClass().object(e)
	if f, ok := goja.AssertFunction(s.handler); ok {
		if ex := r.rt.Try(func() { must(f(s.object, object)) }); ex != nil {
			r.v.Task(func() { panic(ex) })
		}
	}
	r.dispatch(&s.listeners, s.object, object, e)
}

func (r *realm) signalClass() *class { return r.class(classAbortSignal, r.makeSignal) }

func (r *realm) newSignalState() *abortSignal {
	s := &abortSignal{}
	s.object = r.signalClass().object(s)
	return s
}

func (r *realm) newSignal() *goja.Object { return r.newSignalState().object }

func (r *realm) makeSignal() *class {
	c := r.newClass("AbortSignal", r.eventTargetClass(), nil)
	getter(c, "aborted", func(s *abortSignal) any { return s.aborted })
	getter(c, "reason", func(s *abortSignal) any {
		if s.reason == nil {
			return goja.Undefined()
		}
		return s.reason
	})
	accessor(c, "onabort", func(s *abortSignal) any { return orNull(s.handler) },
		func(s *abortSignal, value goja.Value) { s.handler = value })
	method(c, "throwIfAborted", func(s *abortSignal, _ goja.FunctionCall) goja.Value {
		if s.aborted {
			panic(s.reason)
		}
		return goja.Undefined()
	})
	c.static("abort", func(f goja.FunctionCall) goja.Value {
		s := r.newSignalState()
		r.abort(s, r.v.Arg(f, 0))
		return s.object
	})
	c.static("timeout", func(f goja.FunctionCall) goja.Value {
		ms := r.v.Arg(f, 0).ToInteger()
		if ms < 0 {
			r.typeError("AbortSignal.timeout: the time must not be negative")
		}
		return r.timeoutSignal(ms)
	})
	c.static("any", func(f goja.FunctionCall) goja.Value { return r.anySignal(r.v.Arg(f, 0)) })
	return c
}

// timeoutSignal aborts after ms milliseconds of the host's clock.
func (r *realm) timeoutSignal(ms int64) goja.Value {
	s := r.newSignalState()
	r.startTimer(ms, func() {
		r.abort(s, r.v.NewError(call.Errorf(call.CodeTimeout, "the operation took longer than its timeout of %d ms", ms)))
	})
	return s.object
}

// anySignal aborts as soon as one of several does.
func (r *realm) anySignal(list goja.Value) goja.Value {
	var sources []*abortSignal
	r.rt.ForOf(list, func(item goja.Value) bool {
		s, ok := vm.Reveal[*abortSignal](r.v, item)
		if !ok {
			r.typeError("AbortSignal.any takes AbortSignals, not %s", vm.TypeOf(item))
		}
		sources = append(sources, s)
		return true
	})
	joined := r.newSignalState()
	for _, s := range sources {
		if s.aborted {
			joined.aborted, joined.reason = true, s.reason
			return joined.object
		}
	}
	var forget []func()
	for _, s := range sources {
		forget = append(forget, s.onAbort(func(reason goja.Value) {
			for _, f := range forget {
				f()
			}
			r.abort(joined, reason)
		}))
	}
	return joined.object
}

// controller is the state of an AbortController object.
type controller struct {
	vm.Cell
	signal *abortSignal
}

func (r *realm) makeController() *class {
	c := r.newClass("AbortController", nil, func(this *goja.Object, _, _ goja.Value) {
		vm.Hide(r.v, this, &controller{signal: r.newSignalState()})
	})
	getter(c, "signal", func(k *controller) any { return k.signal.object })
	method(c, "abort", func(k *controller, f goja.FunctionCall) goja.Value {
		r.abort(k.signal, r.v.Arg(f, 0))
		return goja.Undefined()
	})
	return c
}
