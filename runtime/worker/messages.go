package worker

import (
	"reprise/runtime/vm"
)

// The messages between the engine and a VM. They are plain data.
type (
	// Start is all a run begins with.
	Start = vm.Start
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

// The handlers a script can export.
const (
	HandlerRun       = vm.HandlerRun
	HandlerFetch     = vm.HandlerFetch
	HandlerScheduled = vm.HandlerScheduled
)

// The kinds of calls that the engine performs by itself.
const (
	KindBodyRead = vm.KindBodyRead
	KindTimer    = "timer"
)

// Revision is what a worker needs of a revision.
type Revision struct {
	ID     string
	Script string
	Code   []byte
	Map    []byte
	// Fresh says that every fetch request gets a VM of its own.
	Fresh bool
}
