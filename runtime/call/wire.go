// The binary form of calls and outcomes, for the journal and for the pipe to
// worker processes: a version byte, then fields in order; lengths and numbers
// are unsigned varints.

package call

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// wireVersion is the first byte of every record. A reader knows all versions
// up to its own.
const wireVersion = 1

// ErrWire says that bytes are not a record of this format.
var ErrWire = errors.New("call: damaged record")

// Append appends the call's binary form to b.
func (c *Call) Append(b []byte) []byte {
	b = append(b, wireVersion)
	b = binary.AppendUvarint(b, c.ID)
	b = appendString(b, c.Kind)
	b = appendString(b, c.Target)
	b = append(b, byte(c.Class))
	b = appendBytes(b, c.Args)
	b = appendBody(b, c.Body)
	b = appendString(b, c.Pos.File)
	b = binary.AppendUvarint(b, uint64(c.Pos.Line))
	b = binary.AppendUvarint(b, uint64(c.Pos.Column))
	return appendString(b, c.Scope)
}

// ParseCall reads what Append wrote, all of b. The result shares b's memory.
func ParseCall(b []byte) (Call, error) {
	r := reader{b: b}
	r.version()
	c := Call{ID: r.number(), Kind: r.text(), Target: r.text(), Class: Class(r.byte()), Args: r.bytes(), Body: r.body()}
	c.Pos = Position{File: r.text(), Line: int(r.number()), Column: int(r.number())}
	c.Scope = r.text()
	if c.Class > Write {
		r.bad = true
	}
	return c, r.end("call")
}

// Append appends the outcome's binary form to b.
func (o *Outcome) Append(b []byte) []byte {
	b = append(b, wireVersion)
	b = binary.AppendUvarint(b, o.Call)
	b = appendBytes(b, o.Value)
	b = appendBody(b, o.Body)
	if o.Err == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	return appendError(b, o.Err)
}

// ParseOutcome reads what Append wrote, all of b. The result shares b's memory.
func ParseOutcome(b []byte) (Outcome, error) {
	r := reader{b: b}
	r.version()
	o := Outcome{Call: r.number(), Value: r.bytes(), Body: r.body()}
	if r.flag() {
		o.Err = r.error(0)
	}
	return o, r.end("outcome")
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// The forms of a body.
const (
	bodyNone = iota
	bodyInline
	bodyHeld
)

func appendBody(b []byte, body Body) []byte {
	switch {
	case body.IsHeld():
		b = append(b, bodyHeld)
		b = appendString(b, body.Handle)
		return binary.AppendUvarint(b, uint64(body.Size))
	case body.Present:
		return appendBytes(append(b, bodyInline), body.Inline)
	}
	return append(b, bodyNone)
}

func appendError(b []byte, e *Error) []byte {
	for _, s := range []string{e.Name, e.Message, e.Code, e.Stack, string(e.Data)} {
		b = appendString(b, s)
	}
	if e.Cause == nil {
		return append(b, 0)
	}
	return appendError(append(b, 1), e.Cause)
}

// maxCauses bounds the chain of causes a reader follows.
const maxCauses = 32

// reader takes a record apart. After a mistake every further read is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) end(what string) error {
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w of %s", ErrWire, what)
	}
	return nil
}

func (r *reader) version() {
	if r.byte() != wireVersion {
		r.bad = true
	}
}

func (r *reader) byte() byte {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) flag() bool {
	c := r.byte()
	if c > 1 {
		r.bad = true
	}
	return c == 1
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if r.bad || size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.number()
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	if n == 0 {
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) body() Body {
	switch r.byte() {
	case bodyNone:
		return Body{}
	case bodyInline:
		return Bytes(r.bytes())
	case bodyHeld:
		b := Held(r.text(), int64(r.number()))
		if b.Handle == "" || b.Size < 0 {
			r.bad = true
		}
		return b
	}
	r.bad = true
	return Body{}
}

func (r *reader) error(depth int) *Error {
	e := &Error{Name: r.text(), Message: r.text(), Code: r.text(), Stack: r.text()}
	if data := r.bytes(); data != nil {
		e.Data = json.RawMessage(data)
	}
	if r.flag() {
		if depth == maxCauses {
			r.bad = true
			return e
		}
		e.Cause = r.error(depth + 1)
	}
	return e
}
