// Where a script was when it ended its worker process. It can not be asked any
// more; what is known is where it was seen last: at the call whose outcome it
// went on with, or at what it printed since.

package runtime

import (
	"fmt"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// saw notes where the script is.
func (x *execution) saw(at *call.Position) {
	if at != nil && !at.IsZero() {
		x.seen.Store(at)
	}
}

// sawCall notes that the script goes on with the outcome of a call.
func (x *execution) sawCall(c *journal.Call) {
	if c != nil {
		x.saw(&c.Pos)
	}
}

// locate adds to the error of a run that has ended its process where it was
// seen last. Other errors know better.
func (x *execution) locate(err *call.Error) *call.Error {
	if x == nil || err == nil || err.Stack != "" || !worker.IsVerdict(err) {
		return err
	}
	c := *err
	if at := x.seen.Load(); at != nil {
		c.Stack = fmt.Sprintf("%s\n    at %s, last seen (%s)", err, x.handler, at)
	} else {
		c.Message += fmt.Sprintf(" (in the %s handler of %s)", x.handler, x.script.File)
	}
	return &c
}
