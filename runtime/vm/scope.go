package vm

import (
	"maps"
	"slices"

	"reprise/runtime/call"
)

// A Scope names the step a call is issued in. It follows the flow of control
// across await: a call made after an await inside step("a", …) is still in "a".
type Scope struct {
	Parent *Scope
	Name   string
	// Attempts, when positive, is how often calls inside try by default:
	// inside a block with retry it is one, so that retries do not multiply.
	Attempts int

	closed *call.Error // why nothing in the scope may call any more
}

// path returns the names from the outermost scope inwards, joined by slashes.
func (s *Scope) path() string {
	if s == nil {
		return ""
	}
	if s.Parent == nil {
		return s.Name
	}
	return s.Parent.path() + "/" + s.Name
}

// Scope returns the scope in force, or nil outside any step.
func (v *VM) Scope() *Scope { return v.scope }

// In runs f with s as the scope, and so everything that f starts.
func (v *VM) In(s *Scope, f func()) {
	v.trackScopes()
	outer := v.scope
	v.scope = s
	defer func() { v.scope = outer }()
	f()
}

// Close ends a scope and those inside it: their open calls are aborted and
// stay unanswered, and what is called in them from now on throws reason.
func (v *VM) Close(s *Scope, reason *call.Error) {
	s.closed = reason
	if v.run == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(v.run.open)) {
		if v.run.open[id].scope.closedBy() != nil {
			v.Abort(id)
		}
	}
}

// Closed reports whether the scope, or one around it, was closed.
func (s *Scope) Closed() bool { return s.closedBy() != nil }

func (s *Scope) closedBy() *call.Error {
	for ; s != nil; s = s.Parent {
		if s.closed != nil {
			return s.closed
		}
	}
	return nil
}

// trackScopes makes scopes follow promise reactions. It costs a little for
// every await, so only scripts that use steps pay for it.
func (v *VM) trackScopes() {
	Local(v, scopeTracker{}, func() *scopeTracker {
		t := &scopeTracker{v}
		v.rt.SetAsyncContextTracker(t)
		return t
	})
}

type scopeTracker struct{ v *VM }

// Grab implements goja.AsyncContextTracker.
func (t *scopeTracker) Grab() any { return t.v.scope }

// Resumed implements goja.AsyncContextTracker.
func (t *scopeTracker) Resumed(s any) { t.v.scope, _ = s.(*Scope) }

// Exited implements goja.AsyncContextTracker.
func (t *scopeTracker) Exited() { t.v.scope = nil }
