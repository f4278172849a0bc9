package run

import (
	"fmt"
	"math"
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

// longest is the longest duration in whole milliseconds: 292 years.
const longest = math.MaxInt64 / time.Millisecond * time.Millisecond

// timer is the call that is answered after d.
func timer(d time.Duration, target string) call.Call {
	return call.Call{
		Kind: web.KindTimer, Target: target, Class: call.Pure,
		Args: fmt.Appendf(nil, `{"ms":%d}`, millis(d)),
	}
}

// millis is d in milliseconds, rounded up: nothing wakes early. What is longer
// than a duration can say is as long as one can.
func millis(d time.Duration) int64 {
	d = min(d, longest)
	ms := d / time.Millisecond
	if d%time.Millisecond > 0 { // to add before dividing would overflow
		ms++
	}
	return int64(ms)
}
