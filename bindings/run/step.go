package run

import (
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxName keeps the names of steps readable in log lines.
const maxName = 100

// step is one step being taken.
type step struct {
	vm.Cell
	name     string
	pos      call.Position
	parent   *vm.Scope
	attempts int // what calls inside try by default, see vm.Scope
	timeout  time.Duration
	undo     goja.Callable // nil: none
	ledger   *ledger
}

// scope returns a fresh scope of the step. Each attempt has its own, so that
// one that timed out can be closed alone; pauses and timeouts are in another.
func (s *step) scope() *vm.Scope {
	return &vm.Scope{Parent: s.parent, Name: s.name, Attempts: s.attempts}
}

// begin(name, fn, options, unwind) checks the arguments of step. What it
// returns has the options of retry, for the loop, and the rest hidden.
func (k kit) begin(c goja.FunctionCall) goja.Value {
	s := &step{name: k.name(k.v.Arg(c, 0)), pos: k.v.Pos(), parent: k.v.Scope()}
	k.function(k.v.Arg(c, 1), "what step "+s.name+" does")
	o := k.v.Options(c, 2, "step", "retry", "timeout", "undo")
	if timeout := vm.Option(o, "timeout"); !vm.IsNone(timeout) {
		s.timeout = max(time.Millisecond, k.v.Duration(timeout, "timeout"))
	}
	if undo := vm.Option(o, "undo"); !vm.IsNone(undo) {
		s.undo = k.function(undo, "undo")
	}
	out := k.v.Runtime().NewObject()
	if s.parent != nil {
		s.attempts = s.parent.Attempts
	}
	if retry := vm.Option(o, "retry"); !vm.IsNone(retry) {
		if _, ok := retry.(*goja.Object); !ok {
			k.v.Throw(call.CodeInvalidArgument, "retry must be an object such as { attempts: 3 }, not %s", vm.TypeOf(retry))
		}
		s.attempts = 1
		set(out, "retry", retry)
	}
	s.ledger = k.ledger(k.function(k.v.Arg(c, 3), "unwind"))
	if err := s.ledger.admit(s); err != nil {
		panic(k.v.NewError(err))
	}
	vm.Hide(k.v, out, s)
	return out
}

func (k kit) name(value goja.Value) string {
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, "step takes a name first, not %s: step(\"reserve\", async () => …)", vm.TypeOf(value))
	}
	name := value.String()
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		k.v.Throw(call.CodeInvalidArgument, "a step's name has 1 to %d bytes and no control characters", maxName)
	}
	return name
}

// reveal returns the step that begin made.
func (k kit) reveal(c goja.FunctionCall) *step {
	s, ok := vm.Reveal[*step](k.v, k.v.Arg(c, 0))
	if !ok {
		panic(k.v.Runtime().NewTypeError("not a step"))
	}
	return s
}

// attempt(step, fn) calls fn in a scope of its own and returns what it returns;
// with a timeout, a promise of it.
func (k kit) attempt(c goja.FunctionCall) goja.Value {
	s := k.reveal(c)
	scope := s.scope()
	result := k.in(scope, k.function(k.v.Arg(c, 1), "what step "+s.name+" does"))
	if s.timeout == 0 || !pending(result) {
		return result
	}
	return k.race(s, scope, result)
}

var typePromise = reflect.TypeFor[*goja.Promise]()

// pending reports whether a value is a promise that has not settled, or
// another object that can be awaited.
func pending(value goja.Value) bool {
	obj, ok := value.(*goja.Object)
	if !ok {
		return false
	}
	if obj.ExportType() != typePromise {
		_, thenable := goja.AssertFunction(vm.Option(obj, "then"))
		return thenable
	}
	p, ok := obj.Export().(*goja.Promise)
	return ok && p.State() == goja.PromiseStatePending
}

// race promises what result settles with, or a TIMEOUT_ERROR. The loser stops:
// the timer is aborted, or the attempt is closed where it stands. It could not
// be let run on: the next attempt would then overlap with it.
func (k kit) race(s *step, scope *vm.Scope, result goja.Value) goja.Value {
	out, resolve, reject := k.v.Promise()
	var id uint64
	k.v.In(s.scope(), func() {
		c := timer(s.timeout, "timeout of step "+s.name)
		c.Pos = s.pos
		id = k.v.Issue(c, func(call.Outcome) {
			e := s.timedOut()
			k.v.Close(scope, e)
			s.ledger.look()
			reject(k.v.NewError(e))
		})
	})
	promise, settle, _ := k.v.Promise()
	settle(result)
	stop := func(then func(goja.Value)) func(goja.Value) {
		return func(value goja.Value) {
			if s.ledger.isCurrent() { // and not of a run that ended before
				k.v.Abort(id)
			}
			then(value)
		}
	}
	k.v.Then(promise, stop(resolve), stop(reject))
	return out
}

func (s *step) timedOut() *call.Error {
	e := call.Errorf(call.CodeTimeout, "step %q took longer than %s", s.name, s.timeout)
	if !s.pos.IsZero() {
		e.Stack = e.Error() + "\n    at " + s.pos.String()
	}
	return e
}

// within(step, fn) calls fn, a pause between two attempts, in the step's scope.
func (k kit) within(c goja.FunctionCall) goja.Value {
	return k.in(k.reveal(c).scope(), k.function(k.v.Arg(c, 1), "the pause"))
}
