package web

import (
	"strconv"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// timers are the pending timeouts and intervals of the run.
type timers struct {
	last    int64
	pending map[int64]*timer
}

// timer is one of them.
type timer struct {
	call    uint64 // the "timer" call, or zero for one that is due in this turn
	stopped bool
}

// maxDelay is the longest timeout; browsers and Node have the same.
const maxDelay = 1<<31 - 1

// startTimer runs f after ms milliseconds: in this turn when that is under one,
// otherwise when the host answers a "timer" call.
func (r *realm) startTimer(ms int64, f func()) *timer {
	t := &timer{}
	run := func() {
		if !t.stopped {
			t.stopped = true
			f()
		}
	}
	if ms < 1 {
		r.v.RequireRun("a timer")
		r.v.Task(run)
		return t
	}
	ms = min(ms, maxDelay)
	text := strconv.FormatInt(ms, 10)
	t.call = r.v.Issue(call.Call{
		Kind: KindTimer, Target: text + " ms", Class: call.Pure, Args: []byte(`{"ms":` + text + `}`),
	}, func(o call.Outcome) {
		if o.Err != nil {
			panic(r.v.NewError(o.Err))
		}
		run()
	})
	return t
}

func (r *realm) stopTimer(t *timer) {
	t.stopped = true
	if t.call != 0 {
		r.v.Abort(t.call)
	}
}

func (r *realm) pending() *timers {
	t := &r.perRun().timers
	if t.pending == nil {
		t.pending = map[int64]*timer{}
	}
	return t
}

// makeSetTimer makes setTimeout or setInterval.
func (r *realm) makeSetTimer(name string, repeat bool) goja.Value {
	return r.v.Func(name, func(f goja.FunctionCall) goja.Value {
		r.v.RequireRun(name)
		callback := r.function(r.v.Arg(f, 0), "the callback of "+name)
		var args []goja.Value
		for i := 2; i < len(f.Arguments); i++ {
			args = append(args, r.v.Arg(f, i))
		}
		ms := delay(r.v.Arg(f, 1), repeat)
		p := r.pending()
		p.last++
		id := p.last
		var start func()
		start = func() {
			p.pending[id] = r.startTimer(ms, func() {
				if repeat {
					start() // before the callback, which may clear it
				} else {
					delete(p.pending, id)
				}
				r.v.Apart(func() { must(callback(goja.Undefined(), args...)) })
			})
		}
		start()
		return r.rt.ToValue(id)
	})
}

// delay reads a number of milliseconds. An interval waits at least one: it
// would never let its turn end otherwise.
func delay(value goja.Value, repeat bool) int64 {
	ms := value.ToFloat()
	if !(ms >= 1) { // NaN too
		ms = 0
	}
	if repeat {
		ms = max(ms, 1)
	}
	return int64(min(ms, maxDelay))
}

// makeClearTimer makes clearTimeout or clearInterval; they are the same.
func (r *realm) makeClearTimer(name string) goja.Value {
	return r.v.Func(name, func(f goja.FunctionCall) goja.Value {
		id := r.v.Arg(f, 0)
		if !goja.IsNumber(id) {
			return goja.Undefined()
		}
		p := r.pending()
		if t := p.pending[id.ToInteger()]; t != nil {
			delete(p.pending, id.ToInteger())
			r.stopTimer(t)
		}
		return goja.Undefined()
	})
}
