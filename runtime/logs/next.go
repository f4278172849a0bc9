// The reading half of a subscription: everything here runs on the goroutine
// that calls Next.

package logs

import (
	"context"
	"math"
	"time"

	"reprise/store"
)

// catchUpScan is how many stored lines are read before the subscription's lock
// is let go, so that a change of filter does not wait for a long search.
const catchUpScan = 20_000

// Next waits for the next event. It returns ErrClosed after the last one when
// the log or the subscription was closed.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		// Both before looking, and in this order: the bell rings once more
		// after the log is sealed, so one of the two is never missed.
		bell := s.log.bell.next()
		sealed := isClosed(s.log.done)
		f, err := s.look(ctx)
		switch {
		case err != nil:
			return Event{}, err
		case f.event.Gap != nil || f.event.Records != nil:
			return f.event, nil
		case f.more:
			continue
		case sealed && f.wait == 0:
			return Event{}, ErrClosed
		}
		if err := s.sleep(ctx, bell, f.wait); err != nil {
			return Event{}, err
		}
	}
}

// found is what a look into the log gave: an event, or how long to wait until
// it is the turn of what is there, or that there is more to look at right now.
type found struct {
	event Event
	wait  time.Duration
	more  bool
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sleep waits for news; or, when a batch is there and must wait its turn, for
// that time.
func (s *Subscription) sleep(ctx context.Context, bell <-chan struct{}, wait time.Duration) error {
	var turn <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		turn, bell = timer.C, nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.changed:
	case <-bell:
	case <-turn:
	}
	return nil
}

// look takes the next event if there is one and it is its turn.
func (s *Subscription) look(ctx context.Context) (found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return found{}, ErrClosed
	}
	more, err := s.fill(ctx)
	if err != nil {
		return found{}, err
	}
	if s.paused || s.queue.len() == 0 {
		return found{more: more}, nil
	}
	now := time.Now()
	ready := s.ready
	if s.queue.len() >= s.opts.Batch {
		ready = ready.Add(-s.opts.Interval * 3 / 4)
	}
	if ready.After(now) {
		return found{wait: ready.Sub(now)}, nil
	}
	if !s.catching { // the past is not paced
		s.ready = now.Add(s.opts.Interval)
	}
	return found{event: s.take()}, nil
}

// take takes a gap or a batch from the queue. mu must be held.
func (s *Subscription) take() Event {
	if g := s.queue.takeGap(); g != nil {
		s.log.gapped.Add(g.To - g.From + 1)
		return Event{FilterID: s.opts.FilterID, Gap: g}
	}
	return Event{FilterID: s.opts.FilterID, Records: s.queue.take(s.opts.Batch, maxBatchBytes)}
}

// fill moves matching entries into the queue: enough for a batch, or all there
// are while paused. more says that it stopped early. mu must be held.
func (s *Subscription) fill(ctx context.Context) (more bool, err error) {
	if err := s.lookBack(ctx); err != nil {
		return false, err
	}
	for s.paused || s.queue.len() < s.opts.Batch {
		if s.pos > s.log.ring.head.Load() { // asked first: see walkUp
			s.catching = false
			return false, nil
		}
		rec := s.log.ring.get(s.pos)
		switch {
		case rec != nil:
			s.catching = false
			s.pos++
			if s.opts.Filter.Match(&rec.entry) {
				s.hold(rec)
			}
		case !s.catching:
			tail := s.log.ring.tail.Load()
			s.queue.addGap(Gap{From: s.pos, To: tail - 1, Reason: s.reason()})
			s.pos = tail
		case s.paused && s.queue.len() > 0:
			return false, nil // what is on the disk can wait there
		default:
			return true, s.catchUp(ctx)
		}
	}
	return false, nil
}

// lookBack finds the entries of the past that Tail asks for.
func (s *Subscription) lookBack(ctx context.Context) error {
	if s.tail == 0 {
		return nil
	}
	past, err := s.log.newest(ctx, s.opts.Filter, s.pos-1, s.tail, TailScan)
	if err != nil {
		return err
	}
	s.tail = 0
	for _, rec := range past {
		s.queue.add(rec)
	}
	return nil
}

func (s *Subscription) reason() string {
	if s.paused {
		return ReasonPaused
	}
	return ReasonSlow
}

// hold adds a record to the queue, which is bounded while paused.
func (s *Subscription) hold(rec *Record) {
	s.queue.add(rec)
	if s.paused {
		s.queue.shrink(s.opts.Queue, s.opts.QueueBytes)
	}
}

// catchUp reads on from pos where entries have left the ring: a batch of
// matching ones at most.
func (s *Subscription) catchUp(ctx context.Context) error {
	if oldest := s.log.Oldest(); s.pos < oldest {
		s.missing(oldest, 0)
		return nil
	}
	left, scan := s.opts.Batch, catchUpScan
	return s.log.walkUp(ctx, s.pos, math.MaxUint64, visitor{
		entry: func(rec *Record, e *Entry) bool {
			skipped := uint64(0)
			if e.Seq == s.log.first {
				skipped = s.log.skipped
			}
			s.missing(e.Seq, skipped)
			s.pos = e.Seq + 1
			if s.opts.Filter.Match(e) {
				s.queue.add(asRecord(rec, e))
				left--
			}
			scan--
			return left > 0 && scan > 0
		},
		wanted: func(b store.Block, h header) blockVerdict {
			s.missing(b.First, h.skipped)
			if s.opts.Filter.levels()&h.levels != 0 {
				return readBlock
			}
			s.pos = max(s.pos, b.Last+1)
			return skipBlock
		},
	})
}

// missing moves pos forward to the number at, and tells of the hole before it;
// but not of the skipped numbers that never belonged to an entry.
func (s *Subscription) missing(at, skipped uint64) {
	if at <= s.pos {
		return
	}
	s.queue.addGap(Gap{From: s.pos, To: at - min(skipped, at-s.pos) - 1, Reason: ReasonNotKept})
	s.pos = at
}
