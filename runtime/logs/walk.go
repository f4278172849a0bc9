// Walking the log: entries come from the ring, from the lines that the writer
// has taken and not yet stored, and from the disk. An entry only ever moves
// forward on that road (ring, then pending, then disk), so looking in this
// order finds every entry that exists, whatever moves meanwhile.

package logs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"reprise/store"
)

// visitor sees the entries of a walk. The entry belongs to the walk: rec is
// set when it may be kept as it is, otherwise e must be copied with keep.
type visitor struct {
	// entry is called for each entry, until it returns false.
	entry func(rec *Record, e *Entry) bool
	// wanted decides by the header whether a block is unpacked at all; the
	// lines of one that is not count as seen.
	wanted func(b store.Block, h header) blockVerdict
}

type blockVerdict int

const (
	readBlock blockVerdict = iota
	skipBlock
	endWalk
)

// unpack visits the lines of a stored block. A damaged one does not end a walk:
// it is a hole that is reported once.
func (l *Log) unpack(b store.Block, v visitor, from, to uint64, reverse bool) (more bool) {
	h, lines, err := readHeader(b.Data)
	if err != nil {
		l.reportDamage(b, err)
		return true
	}
	switch v.wanted(b, h) {
	case skipBlock:
		return true
	case endWalk:
		return false
	}
	more = true
	if reverse {
		more, err = l.unpackReverse(b, h, lines, v, from, to)
	} else {
		err = unpackLines(l.unzip, h, lines, b.First, func(e *Entry) bool {
			if e.Seq >= from && e.Seq <= to {
				more = v.entry(nil, e)
			}
			return more && e.Seq < to
		})
	}
	if err != nil {
		l.reportDamage(b, err)
	}
	return more
}

// unpackReverse yields a block's lines from the last to the first.
func (l *Log) unpackReverse(b store.Block, h header, lines []byte, v visitor, from, to uint64) (bool, error) {
	var all []Entry
	err := unpackLines(l.unzip, h, lines, b.First, func(e *Entry) bool {
		if e.Seq >= from && e.Seq <= to {
			c := *e // shares the block's memory, which lives as long as this walk needs it
			if e.Src != nil {
				src := *e.Src
				c.Src = &src
			}
			all = append(all, c)
		}
		return e.Seq < to
	})
	for i := len(all) - 1; i >= 0; i-- {
		if !v.entry(nil, &all[i]) {
			return false, err
		}
	}
	return true, err
}

// walkUp visits the entries from..to in order. It returns when the newest has
// been visited, without waiting for more.
func (l *Log) walkUp(ctx context.Context, from, to uint64, v visitor) error {
	for n := from; n <= to; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n > l.ring.head.Load() { // asked first: what is up to head and not in the ring has left it
			return nil
		}
		tail := l.ring.tail.Load()
		if rec := l.ring.get(n); rec != nil {
			if !v.entry(rec, &rec.entry) {
				return nil
			}
			n++
			continue
		}
		next, more, err := l.walkOlder(ctx, n, min(to, max(tail, n+1)-1), v)
		if err != nil || !more {
			return err
		}
		n = next
	}
	return nil
}

// walkOlder visits entries from..to, which have left the ring, and returns
// where to go on.
func (l *Log) walkOlder(ctx context.Context, from, to uint64, v visitor) (next uint64, more bool, err error) {
	pending := l.pending()
	if len(pending) > 0 && pending[0].entry.Seq <= from {
		next = from
		for _, rec := range pending {
			if rec.entry.Seq < from || rec.entry.Seq > to {
				continue
			}
			if !v.entry(rec, &rec.entry) {
				return next, false, nil
			}
			next = rec.entry.Seq + 1
		}
		if next > from {
			return next, true, nil
		}
	}
	next, more, err = l.walkDisk(ctx, from, to, v)
	if err != nil || !more || next > from {
		return next, more, err
	}
	// Nothing stored from here on: a hole, up to what is in memory.
	if len(pending) > 0 && pending[0].entry.Seq > from && pending[0].entry.Seq <= to {
		return pending[0].entry.Seq, true, nil
	}
	return to + 1, true, nil
}

func (l *Log) walkDisk(ctx context.Context, from, to uint64, v visitor) (next uint64, more bool, err error) {
	next, more = from, true
	if l.store == nil {
		return next, more, nil
	}
	err = l.store.Blocks(ctx, from, to, false, func(b store.Block) bool {
		if b.Last < next || b.First > to {
			return b.First <= to
		}
		more = l.unpack(b, v, next, to, false)
		next = min(b.Last, to) + 1
		return more && ctx.Err() == nil && next <= to
	})
	return next, more, storeError("read", err)
}

// walkDown visits the entries from to down to from.
func (l *Log) walkDown(ctx context.Context, from, to uint64, v visitor) error {
	n := min(to, l.ring.head.Load())
	for n >= from && n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec := l.ring.get(n)
		if rec == nil {
			break
		}
		if !v.entry(rec, &rec.entry) {
			return nil
		}
		n--
	}
	pending := l.pending()
	for _, rec := range slices.Backward(pending) {
		if rec.entry.Seq > n || rec.entry.Seq < from {
			continue
		}
		if !v.entry(rec, &rec.entry) {
			return nil
		}
		n = rec.entry.Seq - 1
	}
	if n < from || n == 0 || l.store == nil {
		return nil
	}
	err := l.store.Blocks(ctx, from, n, true, func(b store.Block) bool {
		if b.First > n || b.Last < from {
			return b.Last >= from
		}
		more := l.unpack(b, v, from, n, true)
		n = b.First - 1
		return more && ctx.Err() == nil && n >= from && n > 0
	})
	return storeError("read", errors.Join(err, ctx.Err()))
}

// firstBlock returns the header and the bounds of the first stored block that
// has a line from number from on.
func (l *Log) firstBlock(ctx context.Context, from uint64) (b store.Block, h header, ok bool, err error) {
	if l.store == nil {
		return store.Block{}, header{}, false, nil
	}
	err = l.store.Blocks(ctx, from, math.MaxUint64, false, func(found store.Block) bool {
		var damage error
		h, _, damage = readHeader(found.Data)
		if damage != nil {
			l.reportDamage(found, damage)
		}
		b, ok = store.Block{First: found.First, Last: found.Last, Time: found.Time}, true
		return false
	})
	return b, h, ok, storeError("read", err)
}

func storeError(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("logs: can not %s the stored log: %w", verb, err)
}
