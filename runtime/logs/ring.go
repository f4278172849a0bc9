// The ring holds the newest entries. Emitting goroutines take turns at a short
// lock to number and place an entry; readers take no lock at all, so a reader
// that is descheduled in the middle of reading can not hold up a script.

package logs

import (
	"sync"
	"sync/atomic"
)

// Record is an entry in the log. It is shared by all readers and must not be changed.
type Record struct {
	entry Entry
	json  atomic.Pointer[encoded]
}

type encoded struct{ text []byte }

// Entry returns the entry. It must not be changed.
func (r *Record) Entry() *Entry { return &r.entry }

// JSON returns the entry as JSON text, encoded once for all readers. It must
// not be changed.
func (r *Record) JSON() []byte {
	if p := r.json.Load(); p != nil {
		return p.text
	}
	// Two readers may both get here; both make the same text.
	p := &encoded{r.entry.AppendJSON(make([]byte, 0, 160+len(r.entry.Msg)+len(r.entry.Fields)))}
	r.json.Store(p)
	return p.text
}

// cost is about what a record takes in memory: the structs, the text, and the
// text again as JSON.
func (r *Record) cost() int { return 400 + 2*(len(r.entry.Msg)+len(r.entry.Fields)) }

type ring struct {
	slots []atomic.Pointer[Record]
	mask  uint64

	head atomic.Uint64 // the newest entry's number
	tail atomic.Uint64 // the oldest entry still held; head+1 when empty

	mu       sync.Mutex // guards the fields below, and writes to those above
	bytes    int
	maxBytes int
	closed   bool
}

// newRing returns a ring of at least size slots whose first entry will have
// the number first.
func newRing(size, maxBytes int, first uint64) *ring {
	n := 1
	for n < size {
		n *= 2
	}
	r := &ring{slots: make([]atomic.Pointer[Record], n), mask: uint64(n - 1), maxBytes: maxBytes}
	r.head.Store(first - 1)
	r.tail.Store(first)
	return r
}

// push numbers rec and makes it visible. It returns 0 when the ring is closed.
func (r *ring) push(rec *Record) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	return r.place(rec)
}

// place does the work of push. mu must be held.
func (r *ring) place(rec *Record) uint64 {
	seq := r.head.Load() + 1
	rec.entry.Seq = seq
	r.bytes += rec.cost()
	r.evict(seq)
	r.slots[seq&r.mask].Store(rec)
	r.head.Store(seq)
	return seq
}

// evict makes room for entry seq. mu must be held.
func (r *ring) evict(seq uint64) {
	tail := r.tail.Load()
	for tail < seq && (seq-tail >= uint64(len(r.slots)) || r.bytes > r.maxBytes) {
		slot := &r.slots[tail&r.mask]
		r.bytes -= slot.Load().cost()
		slot.Store(nil)
		tail++
	}
	r.tail.Store(tail)
}

// get returns the entry seq, or nil when it is not in the ring: it is older
// than tail, or newer than head.
func (r *ring) get(seq uint64) *Record {
	if seq > r.head.Load() {
		return nil
	}
	rec := r.slots[seq&r.mask].Load()
	if rec == nil || rec.entry.Seq != seq {
		return nil
	}
	return rec
}

// close refuses further entries, and if there has been one from number first
// on, ends with last.
func (r *ring) close(first uint64, last *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.head.Load() >= first {
		r.place(last)
	}
	r.closed = true
}
