package run

import (
	"fmt"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// sleep(duration | Date) is the promise of a timer. A moment in the past is
// over at once, and still takes a turn.
func (k kit) sleep(c goja.FunctionCall) goja.Value {
	d, target := k.pause(k.v.Arg(c, 0))
	return k.v.Call(timer(d, target), nil)
}

// pause reads how long to sleep: a duration, or until when.
func (k kit) pause(value goja.Value) (d time.Duration, target string) {
	date, ok := value.(*goja.Object)
	if !ok || date.ClassName() != "Date" {
		d = k.v.Duration(value, "the time to sleep")
		return d, "sleep " + d.String()
	}
	until, ok := date.Export().(time.Time)
	if !ok {
		k.v.Throw(call.CodeInvalidArgument, "the Date to sleep until is invalid")
	}
	return max(0, until.Sub(k.v.Now())), "sleep until " + until.UTC().Format(time.RFC3339)
}

// timer is the call that is answered after d, rounded up: nothing wakes early.
func timer(d time.Duration, target string) call.Call {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return call.Call{
		Kind: web.KindTimer, Target: target, Class: call.Pure,
		Args: fmt.Appendf(nil, `{"ms":%d}`, ms),
	}
}
