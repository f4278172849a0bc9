package proc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// The limits of a connection.
const (
	// DefaultMaxFrame is the largest payload of a frame.
	DefaultMaxFrame = 64 << 20

	// maxQueued is how many bytes may wait to be sent: as much as keeps a
	// socket busy while its reader has a moment of garbage collection, and
	// little beside the memory that a worker may take.
	maxQueued = 8 << 20
)

// Conn is one end of the connection between a process and its child.
type Conn struct {
	stream net.Conn
	in     frames // belongs to the goroutine that receives
	out    queue
	shared []byte // of a child

	mu     sync.Mutex
	closed error // why nothing more is received; guarded by mu
}

// newConn makes a connection of a socket, which it closes.
func newConn(socket *os.File, maxFrame int) (*Conn, error) {
	defer socket.Close() // FileConn makes a copy
	stream, err := net.FileConn(socket)
	if err != nil {
		return nil, err
	}
	c := &Conn{stream: stream}
	c.in = newFrames(noted{c}, maxFrame)
	c.out.init(stream)
	return c, nil
}

// noted reads from the socket and notes that something came.
type noted struct{ c *Conn }

func (n noted) Read(p []byte) (int, error) {
	got, err := n.c.stream.Read(p)
	n.c.out.answered.Store(false)
	return got, err
}

// Shared returns the memory that a child shares with its parent, or nil.
func (c *Conn) Shared() []byte { return c.shared }

// Send sends a frame, which is made of all parts one after the other. Kinds are
// from 1 to 255. It is safe for concurrent use, and frames of one goroutine
// arrive in their order.
//
// When Send returns, the parts are the caller's again; the frame need not have
// left this process (see Flush). While 8 MiB wait to be sent, Send waits for the
// other side to read. It returns ErrTooLarge for a frame over the limit,
// ErrGone when the other side is gone, ErrClosed when this one is closed.
func (c *Conn) Send(kind byte, parts ...[]byte) error {
	if kind == kindHello {
		return errors.New("proc: frames of kind 0 are the connection's own; use 1 to 255")
	}
	n := size(parts)
	if n > c.in.max {
		return fmt.Errorf("%w: %d bytes, and at most %d are allowed", ErrTooLarge, n, c.in.max)
	}
	return c.out.send(kind, n, parts)
}

// MaxFrame is the largest payload of a frame that can be sent.
func (c *Conn) MaxFrame() int { return c.in.max }

// Receive returns the next frame. The payload is the caller's to keep. One
// goroutine at a time may receive.
//
// It returns ErrGone when the other side is gone and all that it sent has been
// received, ErrFrame when what arrives makes no sense, ErrClosed when this side
// is closed. After an error the connection is closed.
func (c *Conn) Receive() (kind byte, payload []byte, err error) {
	kind, payload, err = c.in.next()
	if err == nil && kind == kindHello {
		err = fmt.Errorf("%w: a second hello", ErrFrame)
	}
	if err != nil {
		return 0, nil, c.end(reason(err))
	}
	return kind, payload, nil
}

// Close closes the connection. What waits to be sent is lost, and whoever waits
// in Send or Receive is freed.
func (c *Conn) Close() error {
	_ = c.end(ErrClosed) // it returns why, which is known
	return nil
}

// end closes the connection, once, and returns why it was closed.
func (c *Conn) end(why error) error {
	c.mu.Lock()
	first := c.closed == nil
	if first {
		c.closed = why
	}
	why = c.closed
	c.mu.Unlock()
	if first {
		c.out.fail(why)
		c.stream.Close()
	}
	return why
}

// Flush waits until all that was sent before has left this process, so that its
// end would not take it along.
func (c *Conn) Flush() error { return c.out.wait() }

// reason translates what a socket says.
func reason(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it ended inside a frame", ErrGone)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return ErrGone
	case errors.Is(err, net.ErrClosed):
		return ErrClosed
	case errors.Is(err, ErrFrame), errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return fmt.Errorf("proc: the connection failed: %w", err)
}
