package worker

import (
	"time"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Workers hold VMs: a Host those of this process, a Pool those of its child
// processes. They are safe for concurrent use.
type Workers interface {
	// Load compiles a revision and evaluates it once, in a VM that then waits
	// for the first request. It returns the handlers the script exports. What the
	// script prints meanwhile goes to print. Every Load needs a Forget. Loading a
	// known id with another source map (a comment moved the lines) makes later
	// runs show the new lines.
	Load(r Revision, print func(Line)) (handlers []string, err error)
	// Hold keeps a loaded revision for a run that is about to begin, however soon
	// a newer one replaces it. It reports whether the revision is loaded, and then
	// needs a Forget like a Load does.
	Hold(id string) bool
	// Forget undoes one Load or Hold. After the last one the revision is gone, but
	// for the runs that are using it.
	Forget(id string)
	// Begin executes a run's first turn, in a VM that no run has used unless the
	// handler is fetch and the script allows reuse. Console lines go to print at
	// once. The error is about the revision or says that the workers are busy; a
	// script's error is in the Turn.
	Begin(id string, start Start, print func(Line)) (Session, Turn, error)
}

// Delivery is an outcome, and what the script's clock shows when it comes.
type Delivery struct {
	Outcome call.Outcome
	At      time.Time
}

// isLast reports whether no outcome is delivered after a turn, for now.
func isLast(t *Turn) bool { return t.Done || t.Held || t.Dead }

// Session is one run in one VM. Its methods are for one goroutine.
type Session interface {
	// Deliver gives the script outcomes, one after another, and executes the turn
	// that follows each. It returns these turns; it ends early, with fewer of them,
	// after one that is Done, Held or Dead. Many at once are quicker than one by
	// one where the VM is in another process.
	Deliver(list ...Delivery) []Turn
	// Unwind lets a run that is Held go on to its undos, or to its end.
	Unwind(at time.Time) Turn
	// Reseed has the run draw from seed, and be called run, from now on. It is for
	// between two turns.
	Reseed(run string, seed [32]byte)
	// Limit changes what the run may use, from its next turn on.
	Limit(b Budget)
	// End gives the VM back. It is used again only for another request of the same
	// revision, and only after a request that succeeded and left nothing open.
	End(succeeded bool)
}

// The messages between the engine and a VM. They are plain data.
type (
	// Start is all a run begins with.
	Start = vm.Start
	// Budget is what a run may use.
	Budget = vm.Budget
	// Turn is what a script did with one outcome.
	Turn = vm.Turn
	// Request is an HTTP request to a fetch handler.
	Request = vm.Request
	// Response is what a fetch handler answered.
	Response = vm.Response
	// Header is one header line, or one path parameter.
	Header = vm.Header
	// Line is one line a script printed.
	Line = vm.Line
	// Handler names what of a script is executed.
	Handler = vm.Handler
)

// Engine is the number of the VM side.
const Engine = vm.Engine

// DefaultTurnBudget is the processor time that a turn may take.
const DefaultTurnBudget = vm.DefaultTurnBudget

// The handlers a script can export.
const (
	HandlerRun       = vm.HandlerRun
	HandlerFetch     = vm.HandlerFetch
	HandlerScheduled = vm.HandlerScheduled
)

// The kinds of calls that the engine performs by itself.
const (
	KindBodyRead  = vm.KindBodyRead
	KindBodyNext  = vm.KindBodyNext
	KindBodyDrop  = vm.KindBodyDrop
	KindBodyWrite = vm.KindBodyWrite
	KindBodyEnd   = vm.KindBodyEnd
	KindTimer     = "timer"
)

// IsBodyKind reports whether a call moves a body between the VM and the host, and
// nothing else.
func IsBodyKind(kind string) bool { return vm.IsBodyKind(kind) }

// Revision is what a worker needs of a revision.
type Revision struct {
	ID     string
	Script string
	Code   []byte
	Map    []byte
	// Fresh says that every fetch request gets a VM of its own.
	Fresh bool
	// Budget is what the top level may use.
	Budget Budget
}
