// Calls are most of a journal's bytes, so they are packed: one byte holds the
// class, the form of the body, and whether position and scope follow; the kinds
// of our own bindings are a number.

package journal

import (
	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// kinds are the calls whose kind is written as a number: its place here, from
// one. Zero says that the text follows. New ones go to the end; none is ever
// taken out or moved.
var kinds = [...]string{
	"timer", "http.request", "body.read", "kv.get", "kv.list", "kv.commit",
	call.KindWait, call.KindAnswer, call.KindInvoke, call.KindStart, call.KindSignal, call.KindAsk, call.KindPublish, call.KindContinue,
}

func kindNumber(name string) byte {
	for i, k := range kinds {
		if k == name {
			return byte(i + 1)
		}
	}
	return 0
}

// The parts of a call's first byte.
const (
	classBits = 0b11 // call.Class
	bodyShift = 2    // two bits: the form of the body
	posShift  = 4    // two bits: posNone …
	scopeBit  = 6    // a scope follows
)

// The forms of a position.
const (
	posNone  = iota // unknown
	posShort        // in the file of Started
	posFull         // the file's name follows
)

// callMin is the least that a call takes: the first byte, id, kind, an empty
// text each for target and arguments.
const callMin = 5

func appendCall(b []byte, c *Call, file string) []byte {
	pos := posForm(c.Pos, file)
	first := byte(c.Class)&classBits | bodyForm(c.Body)<<bodyShift | pos<<posShift
	if c.Scope != "" {
		first |= 1 << scopeBit
	}
	b = wire.AppendNumber(append(b, first), c.ID)
	n := kindNumber(c.Kind)
	if b = append(b, n); n == 0 {
		b = wire.AppendText(b, c.Kind)
	}
	b = wire.AppendText(b, c.Target)
	b = appendPayload(b, c.Args)
	b = appendBody(b, c.Body)
	if pos == posFull {
		b = wire.AppendText(b, c.Pos.File)
	}
	if pos != posNone {
		b = wire.AppendNumber(b, max(c.Pos.Line, 0))
		b = wire.AppendNumber(b, max(c.Pos.Column, 0))
	}
	if c.Scope != "" {
		b = wire.AppendText(b, c.Scope)
	}
	return b
}

func posForm(p call.Position, file string) byte {
	switch {
	case p == call.Position{}:
		return posNone
	case p.File == file:
		return posShort
	}
	return posFull
}

func (c *Call) parse(d *decoder, file string) {
	first := d.Flags(scopeBit + 1)
	c.Class = call.Class(first & classBits)
	c.ID = d.Number()
	c.Kind = d.callKind()
	c.Target = d.Text()
	c.Args = d.payload()
	c.Body = d.body(first >> bodyShift & 0b11)
	c.Pos = d.position(first>>posShift&0b11, file)
	if wire.On(first, scopeBit) {
		c.Scope = d.Text()
	}
}

func (d *decoder) callKind() string {
	n := d.Byte()
	switch {
	case n == 0:
		return d.Text()
	case int(n) > len(kinds):
		d.Failf("no kind of call has the number %d", n)
		return ""
	}
	return kinds[n-1]
}

func (d *decoder) position(form byte, file string) call.Position {
	const most = 1<<31 - 1
	p := call.Position{File: file}
	switch form {
	case posNone:
		return call.Position{}
	case posFull:
		p.File = d.Text()
	case posShort:
	default:
		d.Failf("no position has the form %d", form)
	}
	p.Line, p.Column = int(d.Integer(most)), int(d.Integer(most))
	return p
}
