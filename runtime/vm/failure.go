// Between a handler's failure and the end of its run there is one chance to
// put things right: the hook that a binding registers. The run keeps going,
// turn by turn, until the promise of the hook has settled, and then ends with
// the error it failed with. A run that holds its failures stops before the
// hook, for people to look at, and goes on when it is told to unwind.

package vm

import (
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// failure is the state of a run that has failed and not ended yet.
type failure struct {
	hook    func(failed goja.Value) *goja.Object
	err     error         // why the run failed
	told    *call.Error   // the same as plain data, read once
	held    bool          // the run stopped before the hook, and waits
	promise *goja.Promise // of the hook, once it was called
}

// known reports whether the run has failed.
func (f *failure) known() bool { return f.told != nil }

// unwinding reports whether the hook's work has begun and is not done.
func (f *failure) unwinding() bool {
	return f.promise != nil && f.promise.State() == goja.PromiseStatePending
}

// OnFailure has hook called when the run fails: the handler threw or was
// rejected, or a rejection stayed unhandled. The run ends, with the error it
// failed with, when the promise that hook returns has settled either way. A
// run has one hook, the last one set. It is not called once the handler has
// settled, nor when the VM is dead (interrupted, too deep): nothing can be
// executed in it any more.
func (v *VM) OnFailure(hook func(failed goja.Value) *goja.Object) {
	if v.run == nil {
		panic(v.outsideRun("a failure hook"))
	}
	v.run.failure.hook = hook
}

// RunLocal is Local for the run the VM executes: what make made is dropped
// with the run. It throws at the top level.
func RunLocal[T any](v *VM, key any, make func() T) T {
	if v.run == nil {
		panic(v.outsideRun("the state of a run"))
	}
	if x, ok := v.run.locals[key]; ok {
		return x.(T)
	}
	if v.run.locals == nil {
		v.run.locals = map[any]any{}
	}
	x := make()
	v.run.locals[key] = x
	return x
}

// Note prints a line to the console on behalf of the engine's own code, for
// what would be swallowed otherwise. fields is a JSON object or empty.
func (v *VM) Note(level, msg string, fields []byte) {
	if v.config.Console == nil {
		return
	}
	line := Line{Level: level, Msg: msg, Fields: fields, Pos: v.Pos()}
	if v.run != nil {
		line.Turn = v.run.turn
	}
	v.config.Console(line)
}

// isCatchable tells what a script could have caught from what ends the VM.
func (v *VM) isCatchable(err error) bool {
	if v.dead != nil || isUncatchable(err) {
		return false
	}
	_, isException := find[*goja.Exception](err)
	_, isRejection := find[*thrown](err)
	if isException || isRejection {
		return true
	}
	e, ok := find[*call.Error](err)
	return ok && e.Code != string(call.CodeResource) && e.Code != string(call.CodeInternal)
}

// fail takes in that err ended a step of the turn. The first failure of a run
// stops it, or has the hook called, or is its end. One that comes while the
// hook is at work does not cut that short: it is printed, and the run ends
// with the first.
func (v *VM) fail(t *Turn, err error) {
	f := &v.run.failure
	e := v.errorOf(err)
	if v.dead != nil {
		e = v.dead
	}
	switch {
	case !f.known():
		f.err, f.told = err, e
		t.Failed, t.Err = true, e
		t.Value, t.Response = nil, nil
		switch {
		case !v.isCatchable(err):
			v.finish(t, e)
		case v.run.start.HoldFailure:
			f.held = true
		default:
			v.unwind(t)
		}
	case v.isCatchable(err):
		v.Note("error", "another failure while the run's steps were being undone: "+e.Error(), nil)
		v.unwound(t)
	default:
		v.finish(t, e)
	}
}

// unwind calls the hook. A run without one is at its end, and so is one whose
// handler had settled: the error then came from work after it (waitUntil, a
// timer).
func (v *VM) unwind(t *Turn) {
	f := &v.run.failure
	if f.hook == nil || v.run.settled {
		v.finish(t, f.told)
		return
	}
	err := v.execute(func() error {
		return v.step(t, func() { f.promise = v.toPromise(f.hook(v.ErrorValue(f.err))) })
	})
	if err != nil {
		v.fail(t, err)
	}
}

// unwound ends the run with what it failed with, once the hook's work is done.
func (v *VM) unwound(t *Turn) {
	if f := &v.run.failure; !v.run.settled && !f.unwinding() {
		v.finish(t, f.told)
	}
}

// finish ends the run with e.
func (v *VM) finish(t *Turn, e *call.Error) {
	v.run.settled = true
	t.Settled, t.Done, t.Err = true, true, e
}

// Unwind lets a run that is Held go on: its hook is called, as a turn, or the
// run ends with the error it failed with. It makes an empty turn of a run that
// is not held.
func (v *VM) Unwind(at time.Time) Turn {
	f := &v.run.failure
	if !f.held {
		return v.emptyTurn(at)
	}
	f.held = false
	t, began := v.openTurn(at), time.Now()
	v.unwind(&t)
	return v.closeTurn(t, began)
}
