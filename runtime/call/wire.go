// The binary form of calls and outcomes, for the journal and for the pipe to
// worker processes: a version byte, then fields in order; lengths and numbers
// are unsigned varints.

package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"reprise/runtime/call/wire"
)

// wireVersion is the first byte of every record. A reader knows all versions
// up to its own; what each one brought:
//
//	2  an error names its call
const wireVersion = 2

// ErrWire says that bytes are not a record of this format.
var ErrWire = errors.New("call: damaged record")

// ErrWireNewer says that bytes are a record of a version this reader does not know.
var ErrWireNewer = errors.New("call: record of a newer version")

// Append appends the call's binary form to b.
func (c *Call) Append(b []byte) []byte {
	b = append(b, wireVersion)
	b = wire.AppendNumber(b, c.ID)
	b = wire.AppendText(b, c.Kind)
	b = wire.AppendText(b, c.Target)
	b = append(b, byte(c.Class))
	b = wire.AppendText(b, c.Args)
	b = AppendBody(b, c.Body)
	b = AppendPosition(b, c.Pos)
	return wire.AppendText(b, c.Scope)
}

// ParseCall reads what Append wrote, all of b. The result shares b's memory.
func ParseCall(b []byte) (Call, error) {
	r := wire.NewReader(b)
	c := ReadCall(&r)
	return c, end(&r, "call")
}

// ReadCall reads what Append wrote as part of another record.
func ReadCall(r *wire.Reader) Call {
	version(r)
	c := Call{ID: r.Number(), Kind: r.Text(), Target: r.Text(), Class: Class(r.Byte()), Args: r.Bytes(), Body: ReadBody(r)}
	c.Pos = ReadPosition(r)
	c.Scope = r.Text()
	if c.Class > Write {
		r.Failf("no class of calls has the number %d", c.Class)
	}
	return c
}

// Append appends the outcome's binary form to b.
func (o *Outcome) Append(b []byte) []byte {
	b = append(b, wireVersion)
	b = wire.AppendNumber(b, o.Call)
	b = wire.AppendText(b, o.Value)
	b = AppendBody(b, o.Body)
	if o.Err == nil {
		return append(b, 0)
	}
	return appendError(append(b, 1), o.Err, 0)
}

// ParseOutcome reads what Append wrote, all of b. The result shares b's memory.
func ParseOutcome(b []byte) (Outcome, error) {
	r := wire.NewReader(b)
	v := version(&r)
	o := Outcome{Call: r.Number(), Value: r.Bytes(), Body: ReadBody(&r)}
	if r.Flag() {
		o.Err = readError(&r, v, 0)
	}
	return o, end(&r, "outcome")
}

// AppendError appends e's binary form to b, with its version, so that it can be
// part of other records.
func AppendError(b []byte, e *Error) []byte {
	return appendError(append(b, wireVersion), e, 0)
}

// ParseError reads what AppendError wrote from the beginning of b and returns
// the bytes that follow. The error's Data shares b's memory.
func ParseError(b []byte) (e *Error, rest []byte, err error) {
	r := wire.NewReader(b)
	e = ReadError(&r)
	rest = r.Rest()
	if err := end(&r, "error"); err != nil {
		return nil, nil, err
	}
	return e, rest, nil
}

// ReadError reads what AppendError wrote as part of another record.
func ReadError(r *wire.Reader) *Error { return readError(r, version(r), 0) }

// The forms of a body.
const (
	bodyNone = iota
	bodyInline
	bodyHeld
)

// AppendBody appends a body's binary form to b. It has no version of its own.
func AppendBody(b []byte, body Body) []byte {
	switch {
	case body.IsHeld():
		b = append(b, bodyHeld)
		b = wire.AppendText(b, body.Handle)
		return wire.AppendNumber(b, body.Size)
	case body.Present:
		return wire.AppendText(append(b, bodyInline), body.Inline)
	}
	return append(b, bodyNone)
}

// ReadBody reads what AppendBody wrote.
func ReadBody(r *wire.Reader) Body {
	switch form := r.Byte(); form {
	case bodyNone:
		return Body{}
	case bodyInline:
		return Bytes(r.Bytes())
	case bodyHeld:
		b := Held(r.Text(), r.Integer(math.MaxInt64))
		if b.Handle == "" {
			r.Failf("a body that is kept has no handle")
		}
		return b
	default:
		r.Failf("no body has the form %d", form)
		return Body{}
	}
}

// AppendPosition appends a position's binary form to b. It has no version of
// its own.
func AppendPosition(b []byte, p Position) []byte {
	b = wire.AppendText(b, p.File)
	b = wire.AppendNumber(b, max(p.Line, 0))
	return wire.AppendNumber(b, max(p.Column, 0))
}

// ReadPosition reads what AppendPosition wrote.
func ReadPosition(r *wire.Reader) Position {
	return Position{File: r.Text(), Line: int(r.Integer(math.MaxInt32)), Column: int(r.Integer(math.MaxInt32))}
}

// maxCauses bounds the chain of causes that is written and that a reader follows.
const maxCauses = 32

func appendError(b []byte, e *Error, depth int) []byte {
	for _, s := range [...]string{e.Name, e.Message, e.Code, e.Stack} {
		b = wire.AppendText(b, s)
	}
	b = wire.AppendText(b, e.Data)
	b = wire.AppendNumber(b, e.Call)
	if e.Cause == nil || depth == maxCauses {
		return append(b, 0)
	}
	return appendError(append(b, 1), e.Cause, depth+1)
}

func readError(r *wire.Reader, version byte, depth int) *Error {
	e := &Error{Name: r.Text(), Message: r.Text(), Code: r.Text(), Stack: r.Text(), Data: json.RawMessage(r.Bytes())}
	if version >= 2 {
		e.Call = r.Number()
	}
	if r.Flag() {
		if depth == maxCauses {
			r.Failf("an error has more than %d causes", maxCauses)
			return e
		}
		e.Cause = readError(r, version, depth+1)
	}
	return e
}

// version reads the first byte of a record.
func version(r *wire.Reader) byte {
	v := r.Byte()
	switch {
	case v > wireVersion:
		r.Fail(ErrWireNewer)
	case v == 0:
		r.Failf("no record has version 0")
	}
	return v
}

// end says what was wrong with a record.
func end(r *wire.Reader, what string) error {
	err := r.End()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrWireNewer):
		return fmt.Errorf("%w of %s", err, what)
	}
	return fmt.Errorf("%w of %s: %w", ErrWire, what, err)
}
