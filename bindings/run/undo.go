package run

import (
	"encoding/json"
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// ledger is what a run keeps of its steps: those that are running, and what to
// undo should the handler fail.
type ledger struct {
	v       *vm.VM
	running []*step // those with an undo, in the order they began
	undos   []*undo // in the order the steps succeeded
	failing bool    // the handler has failed
	within  *vm.Scope
	quiet   func(goja.Value) // resolves the promise that nothing is running
}

// undo is a step that succeeded and can be undone.
type undo struct {
	vm.Cell
	path   string // of the step
	f      goja.Callable
	result goja.Value
}

type ledgerKey struct{}

// ledger returns the run's, made by its first step. unwind is the JavaScript
// function that takes the undos one by one; it is called when the run fails.
func (k kit) ledger(unwind goja.Callable) *ledger {
	return vm.RunLocal(k.v, ledgerKey{}, func() *ledger {
		l := &ledger{v: k.v}
		k.v.OnFailure(func(goja.Value) *goja.Object {
			l.failing = true
			promise, err := unwind(goja.Undefined())
			if err != nil {
				panic(err)
			}
			return promise.(*goja.Object)
		})
		return l
	})
}

// isCurrent reports whether the ledger is of the run that the VM executes.
func (l *ledger) isCurrent() bool {
	if _, ok := l.v.Info(); !ok {
		return false
	}
	return vm.RunLocal(l.v, ledgerKey{}, func() *ledger { return nil }) == l
}

// admit takes a step in. Once the handler has failed, what still runs beside
// it begins no new steps: nobody would wait for them. Those inside a running
// step go on, so that it comes to its end, and so do those inside an undo.
func (l *ledger) admit(s *step) *call.Error {
	if l.failing && s.parent == nil {
		return call.Errorf(call.CodeAbort, "step %q does not begin: the handler has failed, and its steps are being undone", s.name)
	}
	if s.undo != nil && !l.isUndoing(s.parent) {
		l.running = append(l.running, s)
	}
	return nil
}

// isUndoing reports whether a scope is inside the undo that is being executed.
func (l *ledger) isUndoing(s *vm.Scope) bool {
	for ; s != nil; s = s.Parent {
		if s == l.within {
			return true
		}
	}
	return false
}

// succeeded(step, result) remembers how to undo the step.
func (k kit) succeeded(c goja.FunctionCall) goja.Value {
	s := k.reveal(c)
	if slices.Contains(s.ledger.running, s) {
		s.ledger.undos = append(s.ledger.undos, &undo{path: pathOf(s.scope()), f: s.undo, result: k.v.Arg(c, 1)})
	}
	return goja.Undefined()
}

// end(step) says that a step is over, one way or the other.
func (k kit) end(c goja.FunctionCall) goja.Value {
	s := k.reveal(c)
	s.ledger.running = slices.DeleteFunc(s.ledger.running, func(r *step) bool { return r == s })
	s.ledger.look()
	return goja.Undefined()
}

// failing(step) says that the handler has failed, so that nothing is retried.
func (k kit) failing(c goja.FunctionCall) goja.Value {
	l := k.reveal(c).ledger
	return k.v.Runtime().ToValue(l.failing && !l.isUndoing(k.reveal(c).parent))
}

// quiet(): the promise that every step with an undo has ended.
func (k kit) quiet(goja.FunctionCall) goja.Value {
	promise, resolve, _ := k.v.Promise()
	l := k.own()
	l.quiet = resolve
	l.look()
	return promise
}

// own returns the ledger of the run, which has one when its steps are undone.
func (k kit) own() *ledger {
	return vm.RunLocal(k.v, ledgerKey{}, func() *ledger { return &ledger{v: k.v} })
}

// look answers quiet once nothing is running. A step inside an attempt that
// timed out will never end: it stopped where it stood.
func (l *ledger) look() {
	l.running = slices.DeleteFunc(l.running, func(s *step) bool { return s.parent.Closed() })
	if l.quiet == nil || len(l.running) > 0 {
		return
	}
	resolve := l.quiet
	l.quiet = nil
	resolve(goja.Undefined())
}

// nextUndo() takes the newest undo off the ledger; undefined when none is left.
func (k kit) nextUndo(goja.FunctionCall) goja.Value {
	l := k.own()
	if len(l.undos) == 0 {
		return goja.Undefined()
	}
	last := len(l.undos) - 1
	o := k.v.Runtime().NewObject()
	vm.Hide(k.v, o, l.undos[last])
	l.undos = l.undos[:last]
	return o
}

func (k kit) revealUndo(c goja.FunctionCall) *undo {
	u, ok := vm.Reveal[*undo](k.v, k.v.Arg(c, 0))
	if !ok {
		panic(k.v.Runtime().NewTypeError("not an undo"))
	}
	return u
}

// undo(undo) calls it, in a scope that no timeout has closed.
func (k kit) undo(c goja.FunctionCall) goja.Value {
	u := k.revealUndo(c)
	l := k.own()
	l.within = &vm.Scope{Name: u.path + "/undo"}
	return k.in(l.within, u.f, u.result)
}

// undoFailed(undo, error) prints what would be lost: the run ends with the
// error that its handler failed with.
func (k kit) undoFailed(c goja.FunctionCall) goja.Value {
	u := k.revealUndo(c)
	e := k.v.ErrorFrom(k.v.Arg(c, 1))
	fields, err := json.Marshal(map[string]any{"step": u.path, "error": e})
	if err != nil {
		panic(err)
	}
	k.v.Note("error", "the undo of step "+u.path+" failed: "+e.Error(), fields)
	return goja.Undefined()
}

// pathOf is how a scope is shown: its names, outermost first.
func pathOf(s *vm.Scope) string {
	if s.Parent == nil {
		return s.Name
	}
	return pathOf(s.Parent) + "/" + s.Name
}
