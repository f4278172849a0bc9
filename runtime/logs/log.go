package logs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"reprise/store"
)

// ErrClosed says that the log, or the subscription, has been closed.
var ErrClosed = errors.New("logs: the log is closed")

// The defaults of Options.
const (
	DefaultRetention  = 7 * 24 * time.Hour
	DefaultMaxBytes   = 1 << 30
	DefaultRing       = 32 << 10 // three seconds at 10,000 lines/s
	DefaultRingBytes  = 64 << 20
	DefaultFlushEvery = time.Second
)

// Options configure a log. The zero value keeps entries in memory only.
type Options struct {
	// Store keeps the entries; nil keeps only those in the ring. The log does
	// not close it.
	Store store.LogStore
	// Retention is how long entries are kept; 7 days if zero.
	Retention time.Duration
	// MaxBytes caps what is stored, by dropping the oldest; 1 GiB if zero.
	MaxBytes int64
	// Ring is how many entries stay in memory, rounded up to a power of two;
	// 32,768 if zero. It is also how far a reader may fall behind.
	Ring int
	// RingBytes caps the memory of the ring; 64 MiB if zero.
	RingBytes int
	// FlushEvery is how long an entry may wait to be stored; 1 s if zero.
	FlushEvery time.Duration
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

func (o *Options) setDefaults() {
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Ring <= 0 {
		o.Ring = DefaultRing
	}
	if o.RingBytes <= 0 {
		o.RingBytes = DefaultRingBytes
	}
	if o.FlushEvery <= 0 {
		o.FlushEvery = DefaultFlushEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Log is the log of one server process. All methods are safe for concurrent use.
type Log struct {
	opts  Options
	store store.LogStore
	boot  string
	first uint64 // the first number this opening gives out
	now   func() time.Time

	skipped uint64 // numbers left out before first, after a crash

	ring   *ring
	bell   *bell
	unzip  *zstd.Decoder
	writer *writer // nil without a store

	oldestStored atomic.Uint64 // 0: nothing is stored
	tails        atomic.Int64
	gapped       atomic.Uint64

	mu      sync.Mutex
	damaged map[uint64]bool // first numbers of damaged blocks already reported; guarded by mu

	closing  sync.Once
	closeErr error
	stop     chan struct{} // closed to stop the writer
	done     chan struct{} // closed when all that will ever be in the log is in it
	workers  sync.WaitGroup
}

// Open opens the log on what its store holds and goes on numbering from there.
// ctx bounds the reading done here; Close ends the log.
func Open(ctx context.Context, opts Options) (*Log, error) {
	opts.setDefaults()
	unzip, err := newUnpacker()
	if err != nil {
		return nil, err
	}
	l := &Log{
		opts: opts, store: opts.Store, now: opts.Now, unzip: unzip,
		boot: newBoot(), bell: newBell(), damaged: map[uint64]bool{},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	if err := l.start(ctx); err != nil {
		unzip.Close()
		return nil, err
	}
	if l.skipped > 0 {
		l.say(Warn, fmt.Sprintf("the log was not closed in order: entries of the last moments before may be missing; numbers go on at %d", l.first),
			fmt.Sprintf(`{"skippedFrom":%d,"skippedTo":%d}`, l.first-l.skipped, l.first-1))
	}
	return l, nil
}

func (l *Log) start(ctx context.Context) error {
	l.first = 1
	if l.store != nil {
		if err := l.resume(ctx); err != nil {
			return err
		}
	}
	l.ring = newRing(l.opts.Ring, l.opts.RingBytes, l.first)
	if l.store != nil {
		var err error
		if l.writer, err = newWriter(l); err != nil {
			return err
		}
		life := context.WithoutCancel(ctx) // ended by Close
		l.workers.Go(func() { l.writer.run(life) })
	}
	l.workers.Go(func() { l.bell.run(l.done) })
	return nil
}

// crashSkip is how many numbers are left out after a log that was not closed:
// more than could have been given out, seen by a reader, and not stored.
const crashSkip = 1 << 20

// resume finds out where the stored log ends.
func (l *Log) resume(ctx context.Context) error {
	last, err := l.store.Last(ctx)
	if err != nil {
		return storeError("open", err)
	}
	l.first = last + 1
	if last == 0 {
		return nil
	}
	oldest, _, ok, err := l.firstBlock(ctx, 0)
	if err != nil {
		return err
	}
	if ok {
		l.oldestStored.Store(oldest.First)
	}
	_, h, ok, err := l.firstBlock(ctx, last)
	if err != nil {
		return err
	}
	if !ok || h.flags&flagClosed == 0 {
		l.skipped = crashSkip
		l.first += crashSkip
	}
	return nil
}

func newBoot() string {
	var b [8]byte
	// crypto/rand.Read never fails: it ends the program when the system has no randomness.
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Emit adds e to the log and returns its number, or 0 if the log is closed. It
// sets Seq, and Time if it is zero (times are kept in UTC and whole
// milliseconds). Entries with more than MaxEntry bytes of message and fields
// are cut. It never waits for a reader or a disk. The log keeps e.Fields and
// e.Src: the caller must not change them afterwards.
func (l *Log) Emit(e Entry) uint64 {
	if e.Time.IsZero() {
		e.Time = l.now()
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	if len(e.Msg)+len(e.Fields) > MaxEntry {
		truncate(&e)
	}
	seq := l.ring.push(&Record{entry: e})
	l.bell.ring()
	return seq
}

// say emits an entry about the log itself.
func (l *Log) say(level Level, msg, fields string) {
	l.Emit(Entry{Level: level, Kind: KindServer, Msg: msg, Fields: []byte(fields)})
}

// Boot identifies this opening of the log.
func (l *Log) Boot() string { return l.boot }

// Head returns the number of the newest entry; zero if there never was one.
func (l *Log) Head() uint64 { return l.ring.head.Load() }

// Oldest returns the number of the oldest entry that is kept. In an empty log
// it is the number that the next entry will get.
func (l *Log) Oldest() uint64 {
	oldest := l.ring.tail.Load()
	if stored := l.oldestStored.Load(); stored > 0 {
		oldest = min(oldest, stored)
	}
	if p := l.pending(); len(p) > 0 {
		oldest = min(oldest, p[0].entry.Seq)
	}
	return oldest
}

// Stats are counters since Open.
type Stats struct {
	Emitted       uint64 // entries
	Stored        uint64 // entries handed to the store
	StoredBytes   uint64 // compressed
	Lost          uint64 // entries that could not be stored
	StoreFailures uint64 // attempts of the store to write that failed
	Gapped        uint64 // entries that subscriptions were told they missed
	Tails         int    // open subscriptions
}

// Stats returns the log's counters.
func (l *Log) Stats() Stats {
	s := Stats{
		Emitted: l.Head() + 1 - l.first,
		Gapped:  l.gapped.Load(),
		Tails:   int(l.tails.Load()),
	}
	if w := l.writer; w != nil {
		s.Stored, s.StoredBytes = w.stored.Load(), w.storedBytes.Load()
		s.Lost, s.StoreFailures = w.lost.Load(), w.failures.Load()
	}
	return s
}

// Close stops accepting entries, stores those not stored yet, and ends all
// subscriptions after their last entry. It returns an error when entries could
// not be stored. The store stays open.
func (l *Log) Close() error {
	l.closing.Do(func() {
		if l.writer == nil {
			l.seal()
		}
		close(l.stop)
		l.workers.Wait()
		if l.writer != nil {
			l.closeErr = l.writer.closeErr
		}
		l.unzip.Close()
	})
	return l.closeErr
}

// seal ends the log in memory. If there were entries it adds one more, so that
// there is a last block to mark as the end: only after that mark may the next
// opening go on with the next number.
func (l *Log) seal() {
	l.ring.close(l.first, &Record{entry: Entry{
		Time: l.now().UTC().Truncate(time.Millisecond), Level: Debug, Kind: KindServer, Msg: "the log was closed",
	}})
	close(l.done)
}

// pending returns the entries that the writer has taken and not stored.
func (l *Log) pending() []*Record {
	if l.writer == nil {
		return nil
	}
	return l.writer.snapshot()
}

// reportDamage says once that a stored block can not be read.
func (l *Log) reportDamage(b store.Block, err error) {
	const enough = 1000 // blocks to remember
	l.mu.Lock()
	known := l.damaged[b.First] || len(l.damaged) >= enough
	if !known {
		l.damaged[b.First] = true
	}
	l.mu.Unlock()
	if known || l.ring == nil {
		return
	}
	l.say(Error, fmt.Sprintf("stored log entries %d to %d can not be read and are left out: %v", b.First, b.Last, err),
		fmt.Sprintf(`{"from":%d,"to":%d}`, b.First, b.Last))
}
