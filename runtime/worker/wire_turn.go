// What a worker says to the server: what a script exports, what it did, what it
// printed. The parsers here are the server's first wall.

package worker

import (
	"fmt"
	"math"
	"slices"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// The flags of a turn.
const (
	turnSettled = iota
	turnFailed
	turnHeld
	turnUnwinding
	turnDead
	turnDone
	turnResponse
	turnErr
	turnFlags
)

func appendTurn(b []byte, x *Turn) []byte {
	b = append(b, wire.Flags(x.Settled, x.Failed, x.Held, x.Unwinding, x.Dead, x.Done, x.Response != nil, x.Err != nil))
	b = wire.AppendNumber(b, x.N)
	b = wire.AppendTime(b, x.At)
	b = wire.AppendNumber(b, max(x.CPU, 0))
	b = appendInt(b, x.Open)
	b = wire.AppendNumber(b, max(x.TooLarge, 0))
	b = wire.AppendNumber(b, len(x.Calls))
	for i := range x.Calls {
		b = x.Calls[i].Append(b)
	}
	b = wire.AppendNumbers(b, x.Aborts)
	b = wire.AppendText(b, x.Value)
	if x.Response != nil {
		b = appendResponse(b, x.Response)
	}
	if x.Err != nil {
		b = call.AppendError(b, x.Err)
	}
	return b
}

// parseTurn reads what appendTurn wrote. Whether the turn can be the next one of
// its run is for order to say.
func parseTurn(b []byte) (Turn, error) {
	r := newReader(b)
	f := r.Flags(turnFlags)
	x := Turn{
		Settled: wire.On(f, turnSettled), Failed: wire.On(f, turnFailed), Held: wire.On(f, turnHeld),
		Unwinding: wire.On(f, turnUnwinding), Dead: wire.On(f, turnDead), Done: wire.On(f, turnDone),
	}
	x.N, x.At, x.CPU, x.Open = r.Number(), r.Time(), r.Duration(), r.int()
	x.TooLarge = r.Integer(math.MaxInt64)
	x.Calls, x.Aborts = r.calls(), r.Numbers()
	x.Value = r.value(r.Bytes(), "the result of a run")
	if wire.On(f, turnResponse) {
		x.Response = r.response()
	}
	if wire.On(f, turnErr) {
		x.Err = r.failure()
	}
	r.agree(&x)
	if err := r.End(); err != nil {
		return Turn{}, fmt.Errorf("a turn can not be read: %w", err)
	}
	return x, nil
}

// agree holds the parts of a turn to each other.
func (r *reader) agree(x *Turn) {
	result := len(x.Value) > 0 || x.Response != nil || x.TooLarge > 0
	switch {
	case result && !x.Settled:
		r.Failf("turn %d has a result and has not settled", x.N)
	case result && x.Err != nil, len(x.Value) > 0 && x.Response != nil:
		r.Failf("turn %d has more than one result", x.N)
	case x.Failed && x.Err == nil:
		r.Failf("turn %d has failed without an error", x.N)
	}
}

// callMin is the least that a call takes: version, id, a kind of one letter, six
// empty texts and numbers more, class and the form of a body.
const callMin = 12

// calls reads the calls of a turn. A turn has one or two of them as a rule; a
// long list is believed one by one, since a call takes more memory than bytes.
func (r *reader) calls() []call.Call {
	n := r.Count(callMin)
	if n == 0 {
		return nil
	}
	list := make([]call.Call, 0, min(n, 64))
	for i := range n {
		c := r.call()
		if i > 0 && c.ID != list[i-1].ID+1 {
			r.Failf("call %d follows call %d", c.ID, list[i-1].ID)
		}
		if r.Err() != nil {
			return nil
		}
		list = append(list, c)
	}
	return list
}

func (r *reader) call() call.Call {
	c := call.ReadCall(&r.Reader)
	if c.ID == 0 {
		r.Failf("a call has no number")
	}
	if !isKind(c.Kind) {
		r.Failf("no kind of calls is named %.40q", c.Kind)
	}
	c.Target, c.Scope, c.Pos.File = valid(c.Target), valid(c.Scope), valid(c.Pos.File)
	c.Args = r.value(c.Args, "what a call has for arguments")
	return c
}

// maxKind is the longest name of a kind of calls.
const maxKind = 64

// isKind reports whether s looks like the kind of a call: "http.request".
func isKind(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxKind
}

func appendResponse(b []byte, x *Response) []byte {
	b = appendInt(b, x.Status)
	b = wire.AppendText(b, x.StatusText)
	b = appendHeaders(b, x.Headers)
	return call.AppendBody(b, x.Body)
}

func (r *reader) response() *Response {
	x := &Response{Status: r.int(), StatusText: r.text(), Headers: r.headers(), Body: call.ReadBody(&r.Reader)}
	for i := range x.Headers {
		h := &x.Headers[i]
		h.Name, h.Value = valid(h.Name), valid(h.Value)
	}
	return x
}

func appendLine(b []byte, x *Line) []byte {
	b = wire.AppendText(b, x.Level)
	b = wire.AppendText(b, x.Msg)
	b = wire.AppendText(b, x.Fields)
	b = wire.AppendNumber(b, x.Turn)
	return call.AppendPosition(b, x.Pos)
}

func parseLine(b []byte) (Line, error) {
	r := newReader(b)
	x := Line{Level: r.level(), Msg: r.text(), Fields: r.object(r.Bytes(), "what a line has for fields"), Turn: r.Number(), Pos: r.position()}
	if err := r.End(); err != nil {
		return Line{}, fmt.Errorf("a line that a script printed can not be read: %w", err)
	}
	return x, nil
}

func (r *reader) level() string {
	switch level := r.Bytes(); string(level) {
	case "debug":
		return "debug"
	case "info":
		return "info"
	case "warn":
		return "warn"
	case "error":
		return "error"
	default:
		r.Failf("no line has the level %.40q", level)
		return ""
	}
}

// loaded is what became of a revision: the handlers the script exports, or why
// it can not be used.
type loaded struct {
	Handlers []string
	Err      *call.Error
}

func appendLoaded(b []byte, x *loaded) []byte {
	b = append(b, wire.Flags(x.Err != nil))
	if x.Err != nil {
		return call.AppendError(b, x.Err)
	}
	return wire.AppendTexts(b, x.Handlers)
}

func parseLoaded(b []byte) (loaded, error) {
	r := newReader(b)
	var x loaded
	if r.Flag() {
		x.Err = r.failure()
	} else {
		x.Handlers = r.handlers()
	}
	if err := r.End(); err != nil {
		return loaded{}, fmt.Errorf("what became of a revision can not be read: %w", err)
	}
	return x, nil
}

// exportable are the handlers there are, in the order a VM lists them in.
var exportable = []Handler{HandlerRun, HandlerFetch, HandlerScheduled}

func (r *reader) handlers() []string {
	list := r.Texts()
	last := -1
	for _, name := range list {
		place := slices.Index(exportable, Handler(name))
		if place <= last {
			r.Failf("%.40q is no handler, or in the wrong place", name)
		}
		last = place
	}
	return list
}
