package logs

import (
	"context"
	"math"
	"slices"
	"time"

	"reprise/store"
)

// Limits of one query, so that it answers soon and in little memory; a page
// that ends early says where to go on.
const (
	defaultLimit = 200
	maxLimit     = 10_000
	maxScan      = 500_000 // lines looked at: about a second of a small machine
	maxPageBytes = 8 << 20 // messages and fields of one page
)

// clockSlack is how far entries may be out of the order of time.
const clockSlack = time.Minute

// Query asks for entries of the past.
type Query struct {
	// Filter chooses entries; nil chooses all.
	Filter *Filter
	// From and To bound the sequence numbers, both included. Zero is open.
	From, To uint64
	// Since leaves out what is older.
	Since time.Time
	// Limit is the most entries to return: 200 if zero, at most 10,000.
	Limit int
	// Desc returns the newest first.
	Desc bool
}

// Query returns entries that match q, from memory and disk, each once, in
// order. next is where the next page starts: the next query's From, or To when
// descending; zero means there is no more. A page may be short, even empty,
// and have a next: a query looks at a bounded number of lines.
func (l *Log) Query(ctx context.Context, q Query) (entries []Entry, next uint64, err error) {
	p := &page{q: q, limit: q.Limit}
	if p.limit <= 0 {
		p.limit = defaultLimit
	}
	p.limit = min(p.limit, maxLimit)
	from, to := max(q.From, l.Oldest()), q.To
	if to == 0 {
		to = math.MaxUint64
	}
	to = min(to, l.Head())
	if from > to {
		return nil, 0, nil
	}
	v := visitor{entry: p.entry, wanted: p.wanted}
	if q.Desc {
		err = l.walkDown(ctx, from, to, v)
	} else {
		if from, err = l.seek(ctx, from, to, q.Since); err == nil {
			err = l.walkUp(ctx, from, to, v)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	if p.next < from || p.next > to {
		p.next = 0
	}
	return p.entries, p.next, nil
}

// page collects the answer of a query.
type page struct {
	q       Query
	limit   int
	entries []Entry
	bytes   int
	scanned int
	next    uint64
}

func (p *page) entry(rec *Record, e *Entry) bool {
	p.scanned++
	if p.q.Filter.Match(e) && !e.Time.Before(p.q.Since) {
		if rec == nil {
			p.entries = append(p.entries, keep(e))
		} else {
			p.entries = append(p.entries, *e)
		}
		p.bytes += len(e.Msg) + len(e.Fields)
	}
	if len(p.entries) < p.limit && p.bytes < maxPageBytes && p.scanned < maxScan {
		return true
	}
	p.next = e.Seq + 1
	if p.q.Desc {
		p.next = e.Seq - 1
	}
	return false
}

func (p *page) wanted(_ store.Block, h header) blockVerdict {
	if !p.q.Since.IsZero() {
		newest := time.UnixMilli(h.maxTime)
		if p.q.Desc && newest.Before(p.q.Since.Add(-clockSlack)) {
			return endWalk // everything further back is older still
		}
		if newest.Before(p.q.Since) {
			return skipBlock
		}
	}
	if p.q.Filter.levels()&h.levels == 0 {
		return skipBlock
	}
	return readBlock
}

// seek finds by bisection the number from which on a query since a time has to
// look, so that it does not read days of blocks to throw them away.
func (l *Log) seek(ctx context.Context, from, to uint64, since time.Time) (uint64, error) {
	if since.IsZero() {
		return from, nil
	}
	since = since.Add(-clockSlack)
	lo, hi := from, to
	for lo < hi {
		mid := lo + (hi-lo)/2
		b, h, ok, err := l.firstBlock(ctx, mid)
		if err != nil {
			return 0, err
		}
		if ok && time.UnixMilli(h.maxTime).Before(since) {
			lo = max(b.Last, mid) + 1
		} else {
			hi = mid
		}
	}
	return min(lo, to), nil
}

// newest returns up to limit matching entries with numbers up to to, oldest
// first. It looks back at most at scan lines.
func (l *Log) newest(ctx context.Context, f *Filter, to uint64, limit, scan int) ([]*Record, error) {
	if to == 0 || limit <= 0 {
		return nil, nil
	}
	var out []*Record
	err := l.walkDown(ctx, l.Oldest(), to, visitor{
		entry: func(rec *Record, e *Entry) bool {
			if f.Match(e) {
				out = append(out, asRecord(rec, e))
			}
			scan--
			return len(out) < limit && scan > 0
		},
		wanted: func(_ store.Block, h header) blockVerdict {
			if f.levels()&h.levels == 0 {
				return skipBlock
			}
			return readBlock
		},
	})
	slices.Reverse(out)
	return out, err
}

func asRecord(rec *Record, e *Entry) *Record {
	if rec == nil {
		rec = &Record{entry: keep(e)}
	}
	return rec
}
