// Between a handler's failure and the end of its run there is one chance to
// put things right: the hook that a binding registers. The run keeps going,
// turn by turn, until the promise of the hook has settled, and then ends with
// the error it failed with.

package vm

import (
	"errors"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// failure is the state of a run that has failed and not ended yet.
type failure struct {
	hook    func(failed goja.Value) *goja.Object
	err     error         // why the run failed; set when the hook is called
	promise *goja.Promise // of the hook
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

// canUnwind reports whether err is a failure that a hook is waiting for.
func (v *VM) canUnwind(err error) bool {
	r := v.run
	return err != nil && r.failure.hook != nil && r.failure.err == nil && !r.settled && v.isCatchable(err)
}

// isCatchable tells what a script could have caught from what ends the VM.
func (v *VM) isCatchable(err error) bool {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	if v.dead != nil || errors.As(err, &interrupted) || errors.As(err, &overflow) {
		return false
	}
	var ex *goja.Exception
	var t *thrown
	var e *call.Error
	switch {
	case errors.As(err, &ex), errors.As(err, &t):
		return true
	case errors.As(err, &e):
		return e.Code != string(call.CodeResource) && e.Code != string(call.CodeInternal)
	}
	return false
}

// unwind calls the hook. It must be called inside the VM.
func (v *VM) unwind(err error) {
	f := &v.run.failure
	f.err = err
	f.promise = v.toPromise(f.hook(v.ErrorValue(err)))
}

// alsoFailed keeps a second failure from cutting the hook's work short. The
// run ends with the first one; the second is printed.
func (v *VM) alsoFailed(err error) error {
	if err == nil || v.run.failure.err == nil || !v.isCatchable(err) {
		return err
	}
	e := v.errorOf(err)
	v.Note("error", "another failure while the run's steps were being undone: "+e.Error(), nil)
	return nil
}

// unwound returns the failure to end with, once the hook's work is done.
func (f *failure) unwound() error {
	if f.promise != nil && f.promise.State() == goja.PromiseStatePending {
		return nil
	}
	return f.err
}
