// The binary form of the messages that cross the pipe between the server and a
// worker process. Both ends are the same program, which the pipe's greeting
// makes sure of, so messages carry no version.
//
// The server believes nothing that a worker wrote: a script may have broken out
// of its VM over there. What no VM of ours makes is an error, and the worker
// is not to be listened to any more: texts that should be JSON and are not, calls
// out of order, numbers out of range. What a script can bring about in a sound
// worker is none, or scripts could have workers killed; so texts that are not
// UTF-8 are mended, and header lines are left for server/site to judge, which
// answers for them and has to know HTTP anyway.

package worker

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// reader reads messages. Everything it returns may share the message's memory.
type reader struct{ wire.Reader }

func newReader(b []byte) reader { return reader{wire.NewReader(b)} }

// text reads text that a worker wrote.
func (r *reader) text() string { return valid(r.Text()) }

// notText stands where bytes were no text.
const notText = "\uFFFD"

// valid makes text valid UTF-8, as it nearly always is.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, notText)
}

// value has a worker's bytes be JSON text, or none at all.
func (r *reader) value(b []byte, what string) []byte {
	switch {
	case len(b) == 0:
		return nil
	case !json.Valid(b):
		r.Failf("%s is not JSON: %.40q", what, b)
		return nil
	case !utf8.Valid(b):
		return bytes.ToValidUTF8(b, []byte(notText)) // within a string: elsewhere it would not be JSON
	}
	return b
}

// object has a worker's bytes be the text of a JSON object, or none at all.
func (r *reader) object(b []byte, what string) []byte {
	b = r.value(b, what)
	if len(b) > 0 && bytes.TrimLeft(b, " \t\r\n")[0] != '{' {
		r.Failf("%s is not a JSON object: %.40q", what, b)
		return nil
	}
	return b
}

// failure reads an error that a worker wrote.
func (r *reader) failure() *call.Error {
	e := call.ReadError(&r.Reader)
	for c := e; c != nil; c = c.Cause {
		c.Name, c.Message, c.Code, c.Stack = valid(c.Name), valid(c.Message), valid(c.Code), valid(c.Stack)
		c.Data = r.object(c.Data, "the data of an error")
	}
	return e
}

// position reads a position that a worker wrote.
func (r *reader) position() call.Position {
	p := call.ReadPosition(&r.Reader)
	p.File = valid(p.File)
	return p
}

// maxInt is the highest of the numbers that are an int, on both ends.
const maxInt = math.MaxInt32

func appendInt(b []byte, n int) []byte { return wire.AppendNumber(b, min(max(n, 0), maxInt)) }

func (r *reader) int() int { return int(r.Integer(maxInt)) }

// appendHeaders writes names and values as one list of texts, which is read
// with one allocation for all of them.
func appendHeaders(b []byte, list []Header) []byte {
	b = wire.AppendNumber(b, 2*len(list))
	for i := range list {
		b = wire.AppendText(b, list[i].Name)
		b = wire.AppendText(b, list[i].Value)
	}
	return b
}

func (r *reader) headers() []Header {
	texts := r.Texts()
	if len(texts)%2 != 0 {
		r.Failf("a header has a name and no value")
	}
	if len(texts) < 2 {
		return nil
	}
	list := make([]Header, len(texts)/2)
	for i := range list {
		list[i] = Header{Name: texts[2*i], Value: texts[2*i+1]}
	}
	return list
}
