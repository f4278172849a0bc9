// An error that stems from the outcome of a call knows which: a retry of the
// run performs that call again. The number rides on the JavaScript error, where
// no script sees it, and so survives whatever a script does with errors: throw
// them again, wrap them, collect them.

package vm

import (
	"cmp"
	"strconv"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// errorState is what an error carries hidden. It counts for its owner alone: a
// script that finds the cell and copies it has copied nothing.
type errorState struct {
	Cell
	owner *goja.Object
	data  []byte // the JSON that the error's fields came from
	call  uint64 // the call whose outcome it stems from, or zero
}

// hideState remembers what of e a JavaScript error can not say. An error made
// while an outcome is delivered stems from that outcome.
func (v *VM) hideState(obj *goja.Object, e *call.Error) {
	s := &errorState{owner: obj, data: e.Data, call: cmp.Or(e.Call, v.origin)}
	if s.call != 0 || len(s.data) > 0 {
		Hide(v, obj, s)
	}
}

// stateOf returns what is hidden in an error, which may be nothing.
func (v *VM) stateOf(value goja.Value) errorState {
	if s, ok := Reveal[*errorState](v, value); ok && s.owner == value {
		return *s
	}
	return errorState{}
}

// Apart runs f, which calls the script while an outcome is delivered. Errors
// made in there are the script's own and do not stem from the outcome.
func (v *VM) Apart(f func()) {
	origin := v.origin
	v.origin = 0
	defer func() { v.origin = origin }()
	f()
}

// foreign returns an outcome's error without the calls it names: they are of
// another run, such as a child's.
func foreign(e *call.Error) *call.Error {
	if e == nil {
		return nil
	}
	cause := foreign(e.Cause)
	if e.Call == 0 && cause == e.Cause {
		return e
	}
	c := *e
	c.Call, c.Cause = 0, cause
	return &c
}

// maxCollected bounds how many errors are asked for the origin of one that
// collects others.
const maxCollected = 32

// collectedOrigin is the origin of an AggregateError, or of another error with
// a list of errors: that of the first one that has any.
func (v *VM) collectedOrigin(obj *goja.Object) uint64 {
	left := maxCollected
	return v.firstOrigin(obj, &left)
}

func (v *VM) firstOrigin(obj *goja.Object, left *int) uint64 {
	list, ok := obj.Get("errors").(*goja.Object)
	if !ok || list.ClassName() != "Array" {
		return 0
	}
	for i := 0; *left > 0; i++ {
		item := list.Get(strconv.Itoa(i))
		if item == nil {
			return 0
		}
		if n := v.originOf(item, left); n != 0 {
			return n
		}
	}
	return 0
}

// originOf looks for an origin in an error, its causes and what they collect.
func (v *VM) originOf(value goja.Value, left *int) uint64 {
	for *left > 0 {
		*left--
		if s := v.stateOf(value); s.call != 0 {
			return s.call
		}
		obj, ok := value.(*goja.Object)
		if !ok {
			return 0
		}
		if n := v.firstOrigin(obj, left); n != 0 {
			return n
		}
		value = obj.Get("cause")
	}
	return 0
}
