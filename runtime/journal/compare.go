package journal

import (
	"fmt"
	"strings"
)

// Same reports whether two calls ask for the same: kind, target, arguments and
// body. Number, class, position and scope do not count, nor whether the bytes
// are inline or kept by their hash, nor who reads the body.
func Same(a, b *Call) bool {
	return a.Kind == b.Kind && a.Target == b.Target && a.Args.Equal(b.Args) &&
		a.Body.Present == b.Body.Present && a.Body.Equal(b.Body.Payload)
}

// Difference says what a replayed turn did other than the journal has.
type Difference struct {
	Turn uint64
	// Index is the place in Turn.Calls, or with Aborts in Turn.Aborts; -1 where
	// the turns differ in how they left the handler.
	Index int
	// Expected is the call that the journal has, Got what the script did; one of
	// them is nil where the script did less or more. With Aborts they are nil.
	Expected, Got *Call
	// Aborts says that the calls agree and the aborted calls do not;
	// ExpectedAbort and GotAbort are numbers of calls, or zero.
	Aborts                  bool
	ExpectedAbort, GotAbort uint64
	// ExpectedState and GotState are "failed", "held" or "running" where the
	// turns differ in that alone, else empty.
	ExpectedState, GotState string
}

// Compare returns the first difference between a turn of the journal and what
// a replay did instead, or nil. Times, the work done and numbers of calls do
// not count.
func Compare(t, got *Turn) *Difference {
	if d := compareCalls(t, got); d != nil {
		return d
	}
	if d := compareAborts(t, got); d != nil {
		return d
	}
	if want, is := t.state(), got.state(); want != is {
		return &Difference{Turn: t.N, Index: -1, ExpectedState: want, GotState: is}
	}
	return nil
}

func compareCalls(t, got *Turn) *Difference {
	for i := range max(len(t.Calls), len(got.Calls)) {
		d := &Difference{Turn: t.N, Index: i}
		if i < len(t.Calls) {
			d.Expected = &t.Calls[i]
		}
		if i < len(got.Calls) {
			d.Got = &got.Calls[i]
		}
		if d.Expected == nil || d.Got == nil || !Same(d.Expected, d.Got) {
			return d
		}
	}
	return nil
}

func compareAborts(t, got *Turn) *Difference {
	for i := range max(len(t.Aborts), len(got.Aborts)) {
		d := &Difference{Turn: t.N, Index: i, Aborts: true}
		if i < len(t.Aborts) {
			d.ExpectedAbort = t.Aborts[i]
		}
		if i < len(got.Aborts) {
			d.GotAbort = got.Aborts[i]
		}
		if d.ExpectedAbort != d.GotAbort {
			return d
		}
	}
	return nil
}

// state is how the turn left the handler.
func (t *Turn) state() string {
	switch {
	case t.Held:
		return "held"
	case t.Failed:
		return "failed"
	}
	return "running"
}

// String says the difference in a sentence.
func (d *Difference) String() string {
	switch {
	case d == nil:
		return "no difference"
	case d.ExpectedState != d.GotState:
		return fmt.Sprintf("turn %d: the handler is %s, and the journal has it %s", d.Turn, d.GotState, d.ExpectedState)
	case d.Aborts && d.GotAbort == 0:
		return fmt.Sprintf("turn %d: the script did not abort call %d, as the journal has it", d.Turn, d.ExpectedAbort)
	case d.Aborts && d.ExpectedAbort == 0:
		return fmt.Sprintf("turn %d: the script aborted call %d, and the journal has no such abort", d.Turn, d.GotAbort)
	case d.Aborts:
		return fmt.Sprintf("turn %d: the script aborted call %d, and the journal has an abort of call %d", d.Turn, d.GotAbort, d.ExpectedAbort)
	case d.Got == nil:
		return fmt.Sprintf("turn %d: the script made no call where the journal has %s", d.Turn, d.Expected.describe())
	case d.Expected == nil:
		return fmt.Sprintf("turn %d: the script called %s, and the journal has no further call", d.Turn, d.Got.describe())
	}
	return fmt.Sprintf("turn %d: the script called %s where the journal has %s%s", d.Turn, d.Got.describe(), d.Expected.describe(), d.parts())
}

// parts names what differs where kind and target agree.
func (d *Difference) parts() string {
	if d.Expected.Kind != d.Got.Kind || d.Expected.Target != d.Got.Target {
		return ""
	}
	var list []string
	if !d.Expected.Args.Equal(d.Got.Args) {
		list = append(list, "other arguments")
	}
	if d.Expected.Body.Present != d.Got.Body.Present || !d.Expected.Body.Equal(d.Got.Body.Payload) {
		list = append(list, "another body")
	}
	return " (" + strings.Join(list, " and ") + ")"
}

// describe is the call for people: "GET api/x (scripts/a.ts:12:9)".
func (c *Call) describe() string {
	what := c.Target
	if what == "" {
		what = c.Kind
	}
	if c.Pos.IsZero() {
		return what
	}
	return what + " (" + c.Pos.String() + ")"
}
