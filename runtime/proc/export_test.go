//go:build unix

package proc

import (
	"net"
	"sync/atomic"
	"time"
)

// What the tests reach inside for.

// Pair returns two connections that are joined, before any hello.
func Pair(maxFrame int) (a, b *Conn, err error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, nil, err
	}
	if a, err = newConn(ours, maxFrame); err != nil {
		return nil, nil, err
	}
	a.out.dst = &counted{Conn: a.stream}
	b, err = newConn(theirs, maxFrame)
	return a, b, err
}

// counted counts writes.
type counted struct {
	net.Conn
	n atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

// Writes returns how many writes the first of a pair has made.
func (c *Conn) Writes() int64 { return c.out.dst.(*counted).n.Load() }

// Socket returns the socket of a connection, for those who write rubbish to it.
func (c *Conn) Socket() *net.UnixConn { return c.stream.(*net.UnixConn) }

// Greet says hello and waits for the other side's.
func (c *Conn) Greet(patience time.Duration) error {
	_, err := c.greet(patience)
	return err
}

// Hello returns the first bytes that a side of this version sends.
func Hello(version uint64) []byte {
	h := hello{version: version, maxFrame: 1000}.append(nil)
	return append(appendHeader(nil, kindHello, len(h)), h...)
}

// Waiting returns how many bytes wait to be sent.
func (c *Conn) Waiting() int {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.writing + cap(c.out.waiting)
}

// CutLifeline does to the child what the parent's death does.
func (p *Process) CutLifeline() { p.lifeline.Close() }

const MaxQueued = maxQueued
