package badger

// A commit is turned into a change by its caller's goroutine: keys encoded,
// bytes copied, sizes counted. The committer's goroutine, of which there is one,
// then only looks up, compares and fills in versions.

import (
	"fmt"

	"reprise/store"
)

// change is a commit, ready to be judged and applied.
type change struct {
	run     []byte // its head's key; nil without appends
	expect  uint64
	packs   []pack
	stamped []byte // the digits in one of packs that the version goes to; nil: nowhere
	checks  []check
	kvs     []kvWrite
	timers  []timerWrite
	rows    []rowWrite
}

type check struct {
	key     []byte
	version store.Version
}

type kvWrite struct {
	key     []byte
	value   []byte // with room for its header; nil deletes
	sum     bool
	delta   float64
	expires int64
	engine  uint64 // expires, for Badger
}

type timerWrite struct {
	alarm  []byte
	run    string
	id     uint64
	at     int64
	remove bool
}

type rowWrite struct {
	key      []byte
	value    []byte // nil deletes
	ifAbsent bool
}

// prepare encodes c and says how much of a transaction it takes.
func (s *Store) prepare(c *store.Commit) (*change, size, error) {
	if err := c.StampError(); err != nil {
		return nil, size{}, err
	}
	p := preparer{inMemory: s.inMemory, ttl: s.engineTTL}
	ch := &change{}
	if len(c.Appends) > 0 {
		ch.run, ch.expect = p.key(headKey(c.Run)), c.ExpectSeq
		p.count(len(ch.run), 17)
		ch.packs, ch.stamped = packed(c.Appends, c.Stamp)
		for i := range ch.packs {
			p.value(17, ch.packs[i].value)
		}
	}
	for i := range c.Checks {
		ch.checks = append(ch.checks, check{p.key(kvKey(c.Checks[i].Namespace, c.Checks[i].Key)), c.Checks[i].Version})
	}
	for i := range c.KV {
		ch.kvs = append(ch.kvs, p.kv(&c.KV[i]))
	}
	for i := range c.Timers {
		ch.timers = append(ch.timers, p.timer(&c.Timers[i]))
	}
	for i := range c.Rows {
		ch.rows = append(ch.rows, p.row(&c.Rows[i]))
	}
	if p.err == nil && !p.size.within(s.limit) {
		p.err = fmt.Errorf("%w: %d writes and %d bytes, of which %d in big values; at most %d, %d and %d fit",
			store.ErrTooLarge, p.size.writes, p.size.inline+p.size.outOfLine, p.size.outOfLine,
			s.limit.writes, s.limit.inline, s.limit.outOfLine)
	}
	return ch, p.size, p.err
}

// preparer encodes and counts; its err is the first thing that was too big.
type preparer struct {
	inMemory bool
	ttl      bool
	size     size
	err      error
}

func (p *preparer) kv(op *store.KVOp) kvWrite {
	w := kvWrite{key: p.key(kvKey(op.Namespace, op.Key)), sum: op.Sum && !op.Delete, delta: op.Delta, expires: expiry(op.Expires)}
	if p.ttl {
		w.engine = engineExpiry(w.expires)
	}
	switch {
	case op.Delete:
		p.count(len(w.key), 0)
	case op.Sum:
		p.count(len(w.key), kvHeader+32) // no number is longer
	default:
		w.value = p.value(len(w.key), kvValue(op.Value, w.expires))
	}
	return w
}

func (p *preparer) timer(op *store.TimerOp) timerWrite {
	w := timerWrite{alarm: p.key(alarmKey(op.Run, op.ID)), run: op.Run, id: op.ID, remove: op.At.IsZero()}
	if !w.remove {
		w.at = nanos(op.At)
	}
	p.count(len(w.alarm), 8)
	p.count(len(w.alarm)+8, 1) // the timer before
	p.count(len(w.alarm)+8, 1) // the new one
	return w
}

func (p *preparer) row(op *store.RowOp) rowWrite {
	w := rowWrite{key: p.key(rowKey(op.Table, op.Key)), ifAbsent: op.IfAbsent}
	if op.Value == nil {
		p.count(len(w.key), 0)
		return w
	}
	w.value = p.value(len(w.key), mark(op.Value))
	return w
}

func (p *preparer) key(k []byte) []byte {
	// 16 bytes are kept free for what a timer's other key has more.
	if len(k) > maxKey-16 && p.err == nil {
		p.err = fmt.Errorf("%w: a key of %d bytes; at most %d fit", store.ErrTooLarge, len(k), maxKey-16)
	}
	return k
}

func (p *preparer) value(key int, v []byte) []byte {
	if p.inMemory && len(v) >= maxInline && p.err == nil {
		p.err = fmt.Errorf("%w: a value of %d bytes; in memory at most %d fit", store.ErrTooLarge, len(v), maxInline-kvHeader-1)
	}
	p.count(key, len(v))
	return v
}

func (p *preparer) count(key, value int) { p.size.add(key, value, p.inMemory) }

// apply judges the change against v and writes it there. On an error the caller
// rolls v back.
func (ch *change) apply(v *view, c *committer) (store.Committed, error) {
	var done store.Committed
	h, err := ch.fence(v)
	if err != nil {
		return done, err
	}
	now := nanos(c.now())
	for i := range ch.checks {
		if err := ch.checks[i].hold(v, i, now); err != nil {
			return done, err
		}
	}
	if len(ch.kvs) > 0 {
		done.Version = c.nextVersion()
	}
	if len(ch.stamped) > 0 {
		copy(ch.stamped, done.Version.String())
	}
	if len(ch.packs) > 0 {
		done.Seq = ch.append(v, c, h)
	}
	for i := range ch.kvs {
		if err := ch.kvs[i].apply(v, done.Version, now); err != nil {
			return done, fmt.Errorf("store: KV write %d: %w", i, err)
		}
	}
	for i := range ch.timers {
		if err := ch.timers[i].apply(v); err != nil {
			return done, err
		}
	}
	for i := range ch.rows {
		if err := ch.rows[i].apply(v); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (k *check) hold(v *view, index int, now int64) error {
	found := store.Version(0)
	_, err := v.get(k.key, func(value []byte) error {
		e, err := parseKV(value)
		if err == nil && !e.gone(now) {
			found = e.version
		}
		return err
	})
	if err != nil {
		return damaged(err, "the key of check %d", index)
	}
	if found != k.version {
		return &store.CheckError{Index: index, Found: found} // Commit fills in the check
	}
	return nil
}

func (w *kvWrite) apply(v *view, version store.Version, now int64) error {
	value := w.value
	if w.sum {
		var err error
		if value, err = w.total(v, now); err != nil {
			return err
		}
	}
	if value == nil {
		v.delete(w.key)
		return nil
	}
	stamp(value, version)
	v.put(string(w.key), write{value: value, expires: w.engine})
	return nil
}

func (w *kvWrite) total(v *view, now int64) ([]byte, error) {
	var old []byte
	_, err := v.get(w.key, func(value []byte) error {
		e, err := parseKV(value)
		if err == nil && !e.gone(now) {
			old = append([]byte{}, e.data...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	total, err := sum(old, w.delta)
	if err != nil {
		return nil, err
	}
	return kvValue(total, w.expires), nil
}

func (w *timerWrite) apply(v *view) error {
	_, err := v.get(w.alarm, func(value []byte) error {
		at, err := parseNumber(value)
		if err == nil {
			v.delete(timerKey(unsortable(at), w.run, w.id))
		}
		return err
	})
	if err != nil {
		return damaged(err, "timer %d of run %s", w.id, w.run)
	}
	if w.remove {
		v.delete(w.alarm)
		return nil
	}
	v.set(w.alarm, number(sortable(w.at)))
	v.set(timerKey(w.at, w.run, w.id), []byte{plain})
	return nil
}

func (w *rowWrite) apply(v *view) error {
	if w.ifAbsent {
		there, err := v.get(w.key, func([]byte) error { return nil })
		if err != nil {
			return damaged(err, "a row")
		}
		if there {
			return store.ErrRowExists
		}
	}
	if w.value == nil {
		v.delete(w.key)
	} else {
		v.set(w.key, w.value)
	}
	return nil
}
