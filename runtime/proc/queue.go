// How frames are sent. A system call costs more than a small frame, so frames
// that are sent at about the same time share one; and a hop to another
// goroutine costs as much, so a frame that is alone does without.
//
// Which it is, shows in what arrives: who answers one frame, or asks one
// question, sends once for each time something is read from the socket, and
// writes by itself. A second frame before the next read is the second of many
// (a batch was read and is answered, or many goroutines were woken by one). It
// is left in the queue, as are those that follow, and a goroutine writes them
// together when the others have had their turn.
//
// Large frames are never copied into the queue: they wait until it is idle and
// are written from where they are.

package proc

import (
	"io"
	"net"
	goruntime "runtime"
	"sync"
	"sync/atomic"
)

const (
	// copyBelow is the size up to which a frame is copied to be sent with
	// others: about where copying it costs as much as a system call.
	copyBelow = 16 << 10

	// keepBelow is how large a buffer may be to be used again.
	keepBelow = 1 << 20
)

// queue sends frames over a stream. It is idle, or somebody is writing.
type queue struct {
	dst io.Writer

	// answered is unset by the first frame sent after something was read.
	answered atomic.Bool

	// turn is held by the sender who waits, for room or for an idle queue, so
	// that those who come later wait behind it and its turn comes.
	turn sync.Mutex

	mu      sync.Mutex // taken after turn
	changed sync.Cond  // of mu: there may be room, or the queue is idle, or err is set
	err     error      // guarded by mu, as all below
	busy    bool       // somebody is writing, or drain is about to
	waiting []byte     // frames to be written
	writing int        // bytes that drain is writing
	spare   []byte

	head    [headerSize]byte // these belong to whoever made the queue busy
	scratch []byte
	buffers [][]byte
}

func (q *queue) init(dst io.Writer) {
	q.dst = dst
	q.changed.L = &q.mu
}

// send sends one frame of n bytes.
func (q *queue) send(kind byte, n int, parts [][]byte) error {
	q.turn.Lock()
	q.mu.Lock()
	if n > copyBelow {
		q.await(func() bool { return !q.busy })
	} else {
		q.await(func() bool { return q.writing+len(q.waiting)+headerSize+n <= maxQueued })
	}
	alone := !q.busy && (n > copyBelow || !q.answered.Swap(true))
	err := q.err
	if err == nil && !alone {
		q.waiting = appendFrame(q.waiting, kind, n, parts)
		if !q.busy {
			go q.drain()
		}
	}
	q.busy = q.busy || err == nil
	q.mu.Unlock()
	q.turn.Unlock()
	if err != nil || !alone {
		return err
	}

	err = q.write(kind, n, parts)

	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		return q.failed(reason(err))
	}
	if len(q.waiting) > 0 {
		go q.drain()
		return nil
	}
	q.busy = false
	q.changed.Broadcast()
	return nil
}

// await waits until ready, or until nothing can be sent any more. mu must be
// held.
func (q *queue) await(ready func() bool) {
	for q.err == nil && !ready() {
		q.changed.Wait()
	}
}

// write writes one frame. It belongs to whoever made the queue busy.
func (q *queue) write(kind byte, n int, parts [][]byte) error {
	if n <= copyBelow {
		q.scratch = appendFrame(q.scratch[:0], kind, n, parts)
		_, err := q.dst.Write(q.scratch)
		return err
	}
	buffers := append(q.buffers[:0], appendHeader(q.head[:0], kind, n))
	buffers = append(buffers, parts...)
	q.buffers = buffers
	all := net.Buffers(buffers)
	_, err := all.WriteTo(q.dst)
	clear(buffers)
	return err
}

// drain writes what has gathered until nothing is left.
func (q *queue) drain() {
	goruntime.Gosched() // those who were woken together send together
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 && q.err == nil {
		batch := q.waiting
		q.waiting, q.spare = q.spare[:0], nil
		q.writing = len(batch)
		q.mu.Unlock()
		_, err := q.dst.Write(batch)
		q.mu.Lock()
		q.writing = 0
		if cap(batch) <= keepBelow {
			q.spare = batch
		}
		if err != nil {
			_ = q.failed(reason(err)) // those who send next are told
		}
		q.changed.Broadcast()
	}
	q.busy = false
	q.changed.Broadcast()
}

// fail makes every sender return err from now on.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	_ = q.failed(err) // the caller knows
}

// failed sets the error that senders get, unless there is one, and returns it.
// mu must be held.
func (q *queue) failed(err error) error {
	if q.err == nil {
		q.err = err
		q.waiting, q.spare = nil, nil
	}
	q.changed.Broadcast()
	return q.err
}

// wait waits until all has been written, or nothing more can be.
func (q *queue) wait() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.await(func() bool { return !q.busy })
	return q.err
}

func size(parts [][]byte) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

func appendFrame(b []byte, kind byte, n int, parts [][]byte) []byte {
	b = appendHeader(b, kind, n)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
