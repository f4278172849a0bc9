// A subscription reads the ring at its own position, on the goroutine of the
// one who calls Next, and filters there. Nobody pushes to it, so it costs
// those who emit nothing, and there is no queue to fill while nobody reads:
// the ring is the queue. Only a paused subscription collects what matches, in
// a queue of its own, so that a rare entry is still there after an hour.

package logs

import (
	"sync"
	"time"
)

// Why entries are missing.
const (
	ReasonSlow    = "slow reader" // the ring has moved on
	ReasonPaused  = "paused"      // the queue of a paused subscription was full
	ReasonNotKept = "not kept"    // older than what is kept, or never stored
)

// Gap says that entries From to To, both included, are not delivered. Those
// that matched the filter can be had with a Query, unless they are not kept.
type Gap struct {
	From   uint64
	To     uint64
	Reason string
}

// Cursor is a place in the log: just after entry Seq, as numbered by the
// opening of the log called Boot. An empty Boot trusts the number.
type Cursor struct {
	Boot string `json:"boot"`
	Seq  uint64 `json:"seq"`
}

// The defaults and limits of SubscribeOptions.
const (
	DefaultBatch      = 500
	DefaultQueue      = 10_000
	DefaultQueueBytes = 8 << 20

	// MaxTail is the most entries of the past that Tail gives.
	MaxTail = 10_000
	// TailScan is how many entries Tail looks back over at most.
	TailScan = 250_000

	maxBatchBytes = 512 << 10
)

// SubscribeOptions say what a subscription delivers.
type SubscribeOptions struct {
	// Filter chooses entries; nil chooses all. FilterID comes with every batch
	// that it chose.
	Filter   *Filter
	FilterID string
	// Since delivers everything after a cursor first. It wins over Tail.
	Since *Cursor
	// Tail delivers the newest matching entries of the past first.
	Tail int
	// Interval is the shortest time between two batches of new entries. The
	// first after a quiet time comes at once; a full one may come after a
	// quarter of it.
	Interval time.Duration
	// Batch is the most entries of an event; 500 if zero.
	Batch int
	// Queue and QueueBytes bound what is held back while paused; 10,000
	// entries and 8 MiB if zero.
	Queue      int
	QueueBytes int
}

func (o *SubscribeOptions) setDefaults() {
	if o.Batch <= 0 {
		o.Batch = DefaultBatch
	}
	if o.Queue <= 0 {
		o.Queue = DefaultQueue
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = DefaultQueueBytes
	}
	o.Tail = min(o.Tail, MaxTail)
}

// Event is what a subscription delivers: a gap, or one or more records.
type Event struct {
	// FilterID names the filter that chose the records.
	FilterID string
	Records  []*Record
	Gap      *Gap
}

// Subscription delivers entries in order, each once, with gaps where some are
// missing. Next is called from one goroutine; all other methods from any.
type Subscription struct {
	log     *Log
	changed chan struct{} // capacity 1: something below was changed

	mu       sync.Mutex // guards the fields below
	opts     SubscribeOptions
	closed   bool
	paused   bool
	pos      uint64 // the next number to look at
	tail     int    // entries of the past still to be looked up
	catching bool   // what has left the ring is read from the disk, it is not a gap
	queue    queue
	ready    time.Time // when the next batch may be delivered
}

// Subscribe starts a subscription at this moment: whatever is emitted from now
// on is delivered after the past that opts ask for. Close it when done.
func (l *Log) Subscribe(opts SubscribeOptions) *Subscription {
	s := &Subscription{log: l, changed: make(chan struct{}, 1)}
	l.tails.Add(1)
	s.Restart(opts)
	return s
}

// Restart starts over, as a new subscription would.
func (s *Subscription) Restart(opts SubscribeOptions) {
	opts.setDefaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts = opts
	s.paused = false
	s.queue = queue{}
	s.ready = time.Time{}
	s.pos = s.log.Head() + 1
	s.tail = max(opts.Tail, 0)
	s.catching = s.tail > 0
	if opts.Since != nil {
		s.tail, s.catching = 0, true
		s.pos = s.log.after(*opts.Since)
	}
	s.signal()
}

// after returns the first number after a cursor.
func (l *Log) after(c Cursor) uint64 {
	if c.Boot != "" && c.Boot != l.boot && c.Seq >= l.first {
		// Another opening gave out this number and lost it in a crash; here it
		// means another entry. Everything of this opening is new to the reader.
		return l.first
	}
	return min(c.Seq, l.Head()) + 1
}

// SetFilter changes the filter: every record delivered from now on matches it
// and carries its id.
func (s *Subscription) SetFilter(f *Filter, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Filter, s.opts.FilterID = f, id
	s.queue.refilter(f)
	s.signal()
}

// Pause holds delivery back.
func (s *Subscription) Pause() { s.setPaused(true) }

// Resume goes on with delivery.
func (s *Subscription) Resume() { s.setPaused(false) }

func (s *Subscription) setPaused(p bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = p
	s.signal()
}

// Close ends the subscription. Next returns ErrClosed.
func (s *Subscription) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.queue = queue{}
		s.log.tails.Add(-1)
		s.signal()
	}
}

func (s *Subscription) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
