package call

import (
	"fmt"
	"strconv"
	"strings"
)

// Class says what performing a call may do to the world. Retries, in-doubt
// handling and the durability rule are decided by it.
type Class uint8

const (
	// Pure calls have no effect and no dependence on the outside: timers, body reads.
	Pure Class = iota
	// Read calls look and do not touch: GET, HEAD, kv.get.
	Read
	// Idempotent calls write, and writing twice is the same as once: PUT,
	// DELETE, or any write the script keyed with an idempotency key.
	Idempotent
	// Write calls must not be performed twice: POST, PATCH.
	Write
)

// String returns the class's name as it is shown to people and stored in logs.
func (c Class) String() string {
	switch c {
	case Pure:
		return "pure"
	case Read:
		return "read"
	case Idempotent:
		return "idempotent write"
	case Write:
		return "write"
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Position is a place in the user's own source, after source maps.
// File is relative to the project; Line and Column count from one.
// The zero Position means unknown.
type Position struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// IsZero reports whether the position is unknown.
func (p Position) IsZero() bool { return p.File == "" && p.Line == 0 }

// String returns "file:line:column", the file alone where that is all there is
// to know, or "" for an unknown position.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Call is one interaction of a script with the world outside its VM.
type Call struct {
	// ID is the call's number within its run: 1, 2, 3 … in the order issued.
	ID uint64
	// Kind names what is asked and so who performs it: "http.request",
	// "kv.commit", "timer". The part before the dot is the binding's module.
	Kind string
	// Target says, for people and for filters, what is addressed:
	// "GET api.example.com/items". It never holds a credential.
	Target string
	// Class decides retries and durability.
	Class Class
	// Args are the arguments as JSON, in the text that JSON.stringify writes. A
	// kind defines their shape in its binding's documentation.
	Args []byte
	// Body carries bytes that would be wasteful inside Args, such as a request
	// body or a KV value.
	Body Body
	// Pos is the user's source line that issued the call.
	Pos Position
	// Scope names the steps the call was issued in, outermost first: "a/b".
	Scope string
}

// Outcome is what came back from a call: a value or an error.
type Outcome struct {
	// Call is the ID of the call this answers.
	Call uint64
	// Value is JSON text; empty means undefined. Ignored when Err is set.
	Value []byte
	// Body carries bytes beside Value, such as a response body.
	Body Body
	// Err is the failure, or nil.
	Err *Error
}

// OK returns the successful outcome of call id with the JSON text value.
func OK(id uint64, value []byte) Outcome { return Outcome{Call: id, Value: value} }

// Failed returns the failed outcome of call id.
func Failed(id uint64, err *Error) Outcome { return Outcome{Call: id, Err: err} }

// InlineMax is the largest body that travels inside a record, in bytes.
// Larger ones stay with the host and are read by handle ("body.read").
const InlineMax = 64 << 10

// Body is a run of bytes beside a call's arguments or an outcome's value:
// either inline, or kept by the host under a handle. The zero Body means none;
// a present but empty body has Present set.
type Body struct {
	// Present distinguishes an empty body from none.
	Present bool
	// Inline holds the bytes when Handle is empty.
	Inline []byte
	// Handle names bytes that the host keeps for the run.
	Handle string
	// Size is the length in bytes, wherever they are.
	Size int64
}

// Bytes returns a body that carries b inline, whatever its size.
func Bytes(b []byte) Body { return Body{Present: true, Inline: b, Size: int64(len(b))} }

// Held returns a body of size bytes that the host keeps under handle.
func Held(handle string, size int64) Body {
	return Body{Present: true, Handle: handle, Size: size}
}

// Live returns a body that arrives while it is read, in part or whole, and only
// once. size is zero where nobody knows it.
func Live(n int, size int64) Body {
	return Body{Present: true, Handle: livePrefix + strconv.Itoa(n), Size: size}
}

const livePrefix = "live-"

// IsLive reports whether the bytes arrive while they are read.
func (b Body) IsLive() bool { return strings.HasPrefix(b.Handle, livePrefix) }

// IsHeld reports whether the bytes are with the host.
func (b Body) IsHeld() bool { return b.Handle != "" }
