package logs

// queue holds what a subscription has chosen and not delivered: records, and
// gaps between them, in order.
type queue struct {
	items []item
	spare []item // items' memory from its beginning, to be used again when it is empty
	bytes int
}

// item is a record or a gap.
type item struct {
	rec *Record
	gap *Gap
}

// keepItems is the largest queue whose memory is kept when it is empty: two batches.
const keepItems = 1024

func (it *item) first() uint64 {
	if it.rec != nil {
		return it.rec.entry.Seq
	}
	return it.gap.From
}

func (it *item) last() uint64 {
	if it.rec != nil {
		return it.rec.entry.Seq
	}
	return it.gap.To
}

func (it *item) cost() int {
	if it.rec != nil {
		return it.rec.cost()
	}
	return 0
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) add(rec *Record) {
	q.append(item{rec: rec})
	q.bytes += rec.cost()
}

func (q *queue) append(it item) {
	if len(q.items) == cap(q.items) {
		q.items = append(q.items, it)
		q.spare = q.items[:0]
		return
	}
	q.items = append(q.items, it)
}

// addGap adds a gap, or widens the one at the end.
func (q *queue) addGap(g Gap) {
	if g.To < g.From {
		return
	}
	if n := len(q.items); n > 0 && q.items[n-1].rec == nil && q.items[n-1].gap.To+1 == g.From {
		q.items[n-1].gap.To = g.To // still ours: a gap that was taken is out of the queue
		return
	}
	q.append(item{gap: &g})
}

// shrink turns the oldest items into one gap until the rest fits.
func (q *queue) shrink(items, bytes int) {
	for len(q.items) > 1 && (len(q.items) > items || q.bytes > bytes) {
		a, b := &q.items[0], &q.items[1]
		q.bytes -= a.cost() + b.cost()
		q.items[1] = item{gap: &Gap{From: a.first(), To: b.last(), Reason: ReasonPaused}}
		q.items[0] = item{}
		q.items = q.items[1:]
	}
}

// refilter drops the records that f does not match. Gaps stay.
func (q *queue) refilter(f *Filter) {
	kept := q.items[:0]
	for _, it := range q.items {
		if it.rec != nil && !f.Match(&it.rec.entry) {
			q.bytes -= it.cost()
			continue
		}
		kept = append(kept, it)
	}
	clear(q.items[len(kept):])
	q.items = kept
}

// takeGap takes the gap at the front, if there is one.
func (q *queue) takeGap() *Gap {
	if len(q.items) == 0 || q.items[0].rec != nil {
		return nil
	}
	g := q.items[0].gap
	q.drop(1)
	return g
}

// take takes records from the front, up to the next gap.
func (q *queue) take(most, bytes int) []*Record {
	out := make([]*Record, 0, min(most, len(q.items)))
	for i := range q.items {
		rec := q.items[i].rec
		if rec == nil || len(out) == most || (len(out) > 0 && bytes < rec.cost()) {
			break
		}
		bytes -= rec.cost()
		q.bytes -= rec.cost()
		out = append(out, rec)
	}
	q.drop(len(out))
	return out
}

// drop forgets n items at the front, and lets go of what they hold.
func (q *queue) drop(n int) {
	clear(q.items[:n])
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = q.spare
		if cap(q.spare) > keepItems {
			q.items, q.spare = nil, nil
		}
	}
}
