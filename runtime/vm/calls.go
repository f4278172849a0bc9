package vm

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// maxOpen is how many calls of a run can be open, and how many one turn can make.
// Each is kept by the VM and by the server, where a loop that makes calls would
// otherwise take as many as it can in the CPU time of a turn: over 100,000.
const maxOpen = 10_000

// Issue sends c on its road. settle runs inside the turn that delivers the
// outcome, unless the call is aborted first. Issue fills in ID, Pos and Scope
// and throws CALL_OUTSIDE_RUN_ERROR into the script when there is no run, and
// RESOURCE_ERROR when the run has too many open calls.
func (v *VM) Issue(c call.Call, settle func(call.Outcome)) (id uint64) {
	r := v.run
	if r == nil {
		panic(v.outsideRun(c.Kind))
	}
	if e := v.scope.closedBy(); e != nil {
		panic(v.NewError(e))
	}
	if n := max(len(r.open), len(r.calls)); n >= maxOpen {
		panic(v.NewError(tooManyOpen(c.Kind, n)))
	}
	r.nextID++
	c.ID = r.nextID
	if c.Pos.IsZero() {
		c.Pos = v.Pos()
	}
	c.Scope = v.scope.path()
	if r.open == nil {
		r.open = make(map[uint64]openCall, 4)
	}
	r.open[c.ID] = openCall{settle, v.scope}
	r.calls = append(r.calls, c)
	return c.ID
}

// tooManyOpen is the error of a call that is one too many. A script can catch it.
func tooManyOpen(kind string, n int) *call.Error {
	return call.OverLimit("openCalls", int64(n)+1, maxOpen,
		"a call too many (%s): %d calls and timers of the run are open already; await some of them before making more, in batches of a hundred, say", kind, n)
}

// RequireRun throws CALL_OUTSIDE_RUN_ERROR into the script when there is no
// run; what names the thing it used, for the message.
func (v *VM) RequireRun(what string) {
	if v.run == nil {
		panic(v.outsideRun(what))
	}
}

// outsideRun is the error of a call, timer or draw at the top level.
func (v *VM) outsideRun(what string) *goja.Object {
	at := ""
	if pos := v.Pos(); !pos.IsZero() {
		at = " (" + pos.String() + ")"
	}
	return v.NewError(call.Errorf(call.CodeCallOutsideRun,
		"%s was used at the top level%s; top-level code runs once, when the script is loaded: move it into a handler", what, at))
}

// Call sends c on its road and returns the promise of its outcome. decode
// turns a successful outcome into the value of the promise; nil parses its
// Value as JSON. What decode throws or returns as an error rejects it.
func (v *VM) Call(c call.Call, decode func(call.Outcome) (goja.Value, error)) *goja.Object {
	promise, _ := v.CallWithID(c, decode)
	return promise
}

// CallWithID is Call that also returns the ID, to abort the call by.
func (v *VM) CallWithID(c call.Call, decode func(call.Outcome) (goja.Value, error)) (*goja.Object, uint64) {
	promise, resolve, reject := v.Promise()
	if c.Pos.IsZero() {
		c.Pos = v.Pos()
	}
	id := v.Issue(c, func(o call.Outcome) {
		if o.Err != nil {
			reject(v.ErrorAt(o.Err, c.Pos))
			return
		}
		value, err := v.decode(o, decode)
		if err != nil {
			reject(v.ErrorValue(err))
			return
		}
		resolve(value)
	})
	return promise, id
}

// decode runs a decoder and gives back what it threw as an error.
func (v *VM) decode(o call.Outcome, decode func(call.Outcome) (goja.Value, error)) (value goja.Value, err error) {
	ex := v.rt.Try(func() {
		if decode == nil {
			value, err = v.ParseJSON(o.Value)
		} else {
			value, err = decode(o)
		}
	})
	if ex != nil {
		return nil, ex
	}
	return value, err
}

// Promise makes a promise and its settling functions. They may be called
// only inside the VM; what hangs on the promise runs with the microtasks.
func (v *VM) Promise() (promise *goja.Object, resolve, reject func(value goja.Value)) {
	p, res, rej := v.rt.NewPromise()
	settle := func(f func(any) error) func(goja.Value) {
		return func(value goja.Value) {
			if err := f(value); err != nil {
				panic(err) // uncatchable: an interrupt on its way out
			}
		}
	}
	return v.rt.ToValue(p).(*goja.Object), settle(res), settle(rej)
}

// Abort tells the host that the script no longer wants the outcome of a call.
// The call's promise stays as it is; aborting an answered call does nothing.
func (v *VM) Abort(id uint64) {
	if v.run == nil {
		return
	}
	if _, ok := v.run.open[id]; ok {
		delete(v.run.open, id)
		v.run.aborts = append(v.run.aborts, id)
	}
}

// ErrorAt makes the JavaScript error of a failed outcome whose call was issued at pos.
func (v *VM) ErrorAt(e *call.Error, pos call.Position) *goja.Object {
	return v.NewError(atCall(e, pos))
}

// atCall gives an error from the host the stack it lacks: the line that made
// the call, which is where the user looks first.
func atCall(e *call.Error, pos call.Position) *call.Error {
	if e.Stack != "" || pos.IsZero() {
		return e
	}
	c := *e
	c.Stack = e.Error() + "\n    at " + pos.String()
	return &c
}
