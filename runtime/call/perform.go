package call

import (
	"context"
	"io"
	"time"

	"reprise/runtime/call/hosts"
)

// Caller says which run makes a call.
type Caller struct {
	Run      string
	Script   string
	Revision string
	Durable  bool
	// Depth is how many scripts stand between the run and the request from
	// outside that began it all: zero, unless scripts call each other over HTTP.
	Depth int
	// Connections are those that the script may use, self aside.
	Connections []string
	// SecretKey is the key of the run's secret tokens.
	SecretKey []byte
}

// DepthHeader tells the server's own scripts the Depth of a request. Only the
// host writes and reads it; no script sees it or can set it.
const DepthHeader = "X-Reprise-Depth"

// Shape is how a kind of call is performed.
type Shape uint8

const (
	// ShapeDo calls are performed by the binding: Do(ctx, performance) outcome.
	ShapeDo Shape = iota
	// ShapeCommit calls become part of a store commit that the engine makes.
	ShapeCommit
	// ShapePark calls are owned by the engine: timers and all that waits long.
	ShapePark
)

// Performance is one call being performed, as the binding's host side sees it.
type Performance struct {
	By   Caller
	Call Call
	// Limits are the script's, as they are now. Zero values: the binding's own.
	Limits Limits
	// Egress is the script's own list of what it calls, which only narrows what
	// the server allows. Nil: no list.
	Egress *hosts.List
	// Key identifies the call to the outside: the same for every attempt and
	// after every resume, another one when a user has the call issued again
	// after a real answer.
	Key string
	// At is the script's clock when the call was issued.
	At time.Time
	// Tries is how many tries were made before, by a process that has ended or
	// before the run was put aside. The next one is Tries+1.
	Tries int
	// Attempt reports a try once it has ended; the engine records and logs it.
	// When another one follows, Attempt returns once that is on disk.
	Attempt func(Attempt)
	// Wait pauses between tries until d has passed or ctx is done.
	Wait func(ctx context.Context, d time.Duration) error
	// Hold gives bytes to the run's keeping: inline when small, else by handle.
	Hold func(b []byte) Body
	// Stream gives a body to the run that has not arrived yet; size is zero where
	// nobody knows it. The run closes it. Nil: bodies are kept whole.
	Stream func(body io.ReadCloser, size int64) Body
	// Read returns the bytes of a body, wherever they are.
	Read func(b Body) ([]byte, error)
}

// Attempt is one try of a call.
type Attempt struct {
	N      int // from 1; 0: none was made, it was answered from what is kept
	Status int // HTTP status or zero
	Err    *Error
	Took   time.Duration
	Bytes  int64 // received
	// Waited is how long the try waited for its turn at the connection.
	Waited time.Duration
	// Cache is how the connection's cache answered, if it has one: "hit", "stale",
	// "revalidated", "shared", "miss" or "bypass". Reason says why.
	Cache string
	// RetryIn is set when another try follows, after that long; Reason says
	// why: "503 Service Unavailable, Retry-After: 2". Without Retry it says why
	// none follows that would have.
	Retry   bool
	RetryIn time.Duration
	Reason  string
}
