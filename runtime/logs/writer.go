// The writer is the ring's reader that stores what it reads. Like any reader
// it may fall behind: when the store fails or is slow, lines wait in the ring;
// when the ring has moved on, they are lost to the disk, counted, and an entry
// says which.

package logs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// blockBytes is the size of a block before compression: large enough to
	// compress well, small enough that a query unpacks little for one line.
	blockBytes = 256 << 10
	blockLines = 4096

	retryMin = 100 * time.Millisecond
	retryMax = 5 * time.Second

	// lossEvery is how often, at most, an entry tells of lost lines.
	lossEvery = time.Second

	// closeTimeout bounds the last write, to a store that may hang.
	closeTimeout = 10 * time.Second
)

type writer struct {
	log  *Log
	pack *packer

	mu      sync.Mutex
	waiting []*Record // taken from the ring, not stored; guarded by mu, appended to by the writer only

	// The fields below belong to the writer's goroutine.
	pos     uint64 // the next number to take
	skipped uint64 // for the header of the first block
	bytes   int    // of waiting
	flushAt time.Time
	loss    loss
	failing error         // the store's last error, nil when all is well
	backoff time.Duration // before the next attempt
	retryAt time.Time

	sweepAt    time.Time // when old blocks are dropped again
	sinceSweep int64     // bytes stored since the size was capped
	closeErr   error

	stored, storedBytes, lost, failures atomic.Uint64
}

// loss is what could not be stored and has not been told yet.
type loss struct {
	from, to, n uint64
	toldAt      time.Time
}

func newWriter(l *Log) (*writer, error) {
	p, err := newPacker()
	if err != nil {
		return nil, err
	}
	return &writer{log: l, pack: p, pos: l.first, skipped: l.skipped}, nil
}

// snapshot returns the lines that are taken and not stored.
func (w *writer) snapshot() []*Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clip(w.waiting)
}

func (w *writer) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		bell := w.log.bell.next()
		w.step(ctx)
		timer.Reset(w.pause())
		select {
		case <-w.log.stop:
			w.finish(ctx)
			return
		case <-bell:
		case <-timer.C:
		}
	}
}

// step does what is to be done now.
func (w *writer) step(ctx context.Context) {
	for {
		full := w.collect()
		if len(w.waiting) == 0 || (!full && time.Now().Before(w.flushAt)) {
			break
		}
		if time.Now().Before(w.retryAt) || !w.flush(ctx, 0) {
			break
		}
	}
	w.tellLoss(time.Now())
	w.sweep(ctx)
}

// pause returns how long nothing will be due, if no entry comes.
func (w *writer) pause() time.Duration {
	due := w.sweepAt
	if len(w.waiting) > 0 {
		at := w.flushAt
		if w.retryAt.After(at) {
			at = w.retryAt
		}
		if at.Before(due) {
			due = at
		}
	}
	if told := w.loss.toldAt.Add(lossEvery); w.loss.n > 0 && told.Before(due) {
		due = told
	}
	return max(time.Until(due), 0)
}

// collect takes lines from the ring until there are none or the block is full.
func (w *writer) collect() (full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.bytes < blockBytes && len(w.waiting) < blockLines {
		if w.pos > w.log.ring.head.Load() {
			return false
		}
		rec := w.log.ring.get(w.pos)
		if rec == nil {
			if len(w.waiting) > 0 {
				return true // a block has no holes: this one ends here
			}
			w.lose(w.pos, w.log.ring.tail.Load()-1)
			continue
		}
		if len(w.waiting) == 0 {
			w.flushAt = time.Now().Add(w.log.opts.FlushEvery)
		}
		w.waiting = append(w.waiting, rec)
		w.bytes += 64 + len(rec.entry.Msg) + len(rec.entry.Fields)
		w.pos++
	}
	return true
}

// flush stores the waiting lines as one block.
func (w *writer) flush(ctx context.Context, flags byte) bool {
	h := header{flags: flags, boot: w.log.boot, skipped: w.skipped}
	b := w.pack.pack(w.waiting, h, w.log.now())
	if err := w.log.store.Append(ctx, b); err != nil {
		w.failed(err)
		return false
	}
	w.log.oldestStored.CompareAndSwap(0, b.First)
	w.mu.Lock()
	w.waiting, w.bytes = nil, 0
	w.mu.Unlock()
	w.skipped = 0
	w.stored.Add(b.Last - b.First + 1)
	w.storedBytes.Add(uint64(len(b.Data)))
	w.sinceSweep += int64(len(b.Data))
	if w.failing != nil {
		w.failing, w.backoff, w.retryAt = nil, 0, time.Time{}
		w.log.say(Info, "log entries are being stored again", "")
	}
	return true
}

// failed notes that the store refused a block; it will be tried again.
func (w *writer) failed(err error) {
	w.failures.Add(1)
	first := w.failing == nil
	w.failing = err
	w.backoff = min(max(2*w.backoff, retryMin), retryMax)
	w.retryAt = time.Now().Add(w.backoff)
	if first {
		w.log.say(Error, fmt.Sprintf("log entries can not be stored: %v; the newest %d stay in memory until they can", err, len(w.log.ring.slots)),
			string(append(AppendJSONString([]byte(`{"error":`), err.Error()), '}')))
	}
}

// lose counts lines that left the ring before they could be stored.
func (w *writer) lose(from, to uint64) {
	n := to - from + 1
	w.pos = to + 1
	w.lost.Add(n)
	if w.loss.n == 0 {
		w.loss.from = from
	}
	w.loss.to = to
	w.loss.n += n
}

func (w *writer) tellLoss(now time.Time) {
	if w.loss.n == 0 || now.Before(w.loss.toldAt.Add(lossEvery)) {
		return
	}
	why := "they came faster than they can be stored"
	if w.failing != nil {
		why = w.failing.Error()
	}
	w.log.say(Error, fmt.Sprintf("%d log entries between %d and %d were not stored: %s", w.loss.n, w.loss.from, w.loss.to, why),
		fmt.Sprintf(`{"lost":%d,"from":%d,"to":%d}`, w.loss.n, w.loss.from, w.loss.to))
	w.loss = loss{toldAt: now}
}

// sweep drops what is too old or too much.
func (w *writer) sweep(ctx context.Context) {
	o := &w.log.opts
	now := time.Now()
	tooMuch := w.sinceSweep > min(o.MaxBytes/8, 16<<20)
	if !tooMuch && now.Before(w.sweepAt) {
		return
	}
	w.sweepAt = now.Add(min(max(o.Retention/20, time.Second), 10*time.Minute))
	err := w.log.store.DropBefore(ctx, w.log.now().Add(-o.Retention))
	if err == nil {
		err = w.log.store.DropOldest(ctx, o.MaxBytes)
	}
	if err == nil {
		err = w.findOldest(ctx)
	}
	if err != nil {
		w.failures.Add(1)
		w.log.say(Error, fmt.Sprintf("old log entries can not be dropped: %v", err), "")
	}
	w.sinceSweep = 0 // after an error too: the next attempt comes with more lines, not at once
}

func (w *writer) findOldest(ctx context.Context) error {
	b, _, ok, err := w.log.firstBlock(ctx, 0)
	if err != nil {
		return err
	}
	if !ok {
		b.First = 0
	}
	w.log.oldestStored.Store(b.First)
	return nil
}

// finish ends the log: no more entries, and those that are there stored, the
// last block marked as the end.
func (w *writer) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	w.log.seal()
	head := w.log.ring.head.Load()
	for {
		w.collect()
		if len(w.waiting) == 0 {
			break
		}
		flags := byte(0)
		if w.pos > head {
			flags = flagClosed
		}
		if !w.flush(ctx, flags) {
			w.lose(w.waiting[0].entry.Seq, head)
			break
		}
	}
	if w.loss.n > 0 {
		w.closeErr = fmt.Errorf("logs: %d entries between %d and %d could not be stored", w.loss.n, w.loss.from, w.loss.to)
		if w.failing != nil {
			w.closeErr = fmt.Errorf("%w: %w", w.closeErr, w.failing)
		}
	}
}
