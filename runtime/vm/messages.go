package vm

import (
	"time"

	"reprise/runtime/call"
)

// Handler names what of a script is executed.
type Handler string

// The handlers a script can export.
const (
	HandlerRun       Handler = "run"
	HandlerFetch     Handler = "fetch"
	HandlerScheduled Handler = "scheduled"
)

// Start is all a run begins with.
type Start struct {
	Run      string
	Script   string
	Revision string
	Handler  Handler
	Durable  bool
	// Input is the JSON text of a run's input; for fetch, Request is used.
	Input   []byte
	Request *Request
	// Env is a JSON object with the plain values of env; Connections names
	// the connections that appear there beside them.
	Env         []byte
	Connections []string
	// Now is the wall clock of the first turn; Seed keys the run's randomness.
	Now  time.Time
	Seed [32]byte
	// SecretKey makes the run's secret tokens unguessable; Secrets lists, in
	// order, the names that exist.
	SecretKey []byte
	Secrets   []string
	// HoldFailure stops a failing run before its undos: the Turn is Held, and
	// Unwind lets it go on.
	HoldFailure bool
	// Budget is what the run may use.
	Budget Budget
}

// Budget is what a run may use. Zero values of TurnCPU and CallDepth are those
// of the VM's Config; other zero values are no limit.
type Budget struct {
	// TurnCPU is how long one turn may execute.
	TurnCPU time.Duration
	// RunCPU is how long all turns may execute, Used what of it was used before.
	RunCPU, Used time.Duration
	// CallDepth is how deep the call stack may be.
	CallDepth int
	// Result is the largest result, in bytes: see Turn.TooLarge.
	Result int64
}

// Header is one header line. Names keep the case they came with.
type Header struct {
	Name, Value string
}

// Request is an HTTP request to a fetch handler.
type Request struct {
	Method  string
	URL     string // absolute
	Headers []Header
	Body    call.Body
	Params  []Header // path parameters of the route, in order
	// Depth becomes the run's call.Caller.Depth. The script does not see it.
	Depth int
}

// Response is what a fetch handler answered.
type Response struct {
	Status     int
	StatusText string
	Headers    []Header
	Body       call.Body
}

// Turn is what a script did with one outcome.
type Turn struct {
	// N counts the run's turns from 1.
	N uint64
	// At is the script's clock during the turn.
	At time.Time
	// Calls were issued in this order; Aborts are IDs of earlier calls that
	// the script no longer wants.
	Calls  []call.Call
	Aborts []uint64
	// Open counts the calls that are issued and neither answered nor aborted.
	Open int
	// CPU is the time the turn took to execute: by the clock, divided by how many
	// turns shared a core at its end.
	CPU time.Duration

	// Settled is set in the one turn in which the handler's result became
	// known: Err, or else Response (fetch) or Value (JSON text, empty for undefined).
	Settled  bool
	Value    []byte
	Response *Response
	Err      *call.Error

	// TooLarge is the length of a Value, or of the bytes of a Response that the
	// script made itself, above Budget.Result. These bytes are left out then.
	TooLarge int64

	// Failed says that the handler failed in this turn; Held that the run
	// stopped there, before its undos, as Start.HoldFailure asked; Unwinding
	// that undos have begun and are not through. Err is set with Failed also
	// where Settled is not, yet.
	Failed, Held, Unwinding bool

	// Dead says that the VM was stopped in the middle of the turn (a limit, a bug
	// of ours): nobody can say what the script did in it.
	Dead bool

	// Done says that no further turn is needed: the handler has settled and
	// so have the promises given to ctx.waitUntil.
	Done bool
}

// Line is one line a script printed.
type Line struct {
	Level  string // "debug", "info", "warn", "error"
	Msg    string
	Fields []byte // a JSON object, or empty
	Turn   uint64 // zero while the top level is evaluated
	Pos    call.Position
}
