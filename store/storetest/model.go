package storetest

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sort"
	"time"

	"reprise/store"
)

// Model is a store in plain Go maps: slow, small, and easy to believe. It says
// what an engine must answer. Versions are the engine's to choose, so the model
// is told them.
type Model struct {
	Now      func() time.Time
	kv       map[string]map[string]store.Entry
	rows     map[string]map[string][]byte
	journals map[string][][]byte
	timers   map[timerID]time.Time
}

type timerID struct {
	run string
	id  uint64
}

// NewModel returns an empty model with the given clock.
func NewModel(now func() time.Time) *Model {
	return &Model{
		Now: now, kv: map[string]map[string]store.Entry{}, rows: map[string]map[string][]byte{},
		journals: map[string][][]byte{}, timers: map[timerID]time.Time{},
	}
}

// Commit applies c, with version for its KV writes, or returns the error that an
// engine must return: ErrStamp, ErrSequence, a *CheckError, ErrNotNumber or
// ErrRowExists.
func (m *Model) Commit(c store.Commit, version store.Version) error {
	if c.StampError() != nil {
		return store.ErrStamp
	}
	if len(c.Appends) > 0 && uint64(len(m.journals[c.Run])) != c.ExpectSeq {
		return store.ErrSequence
	}
	for i, check := range c.Checks {
		if found := m.entry(check.Namespace, check.Key).Version; found != check.Version {
			return &store.CheckError{Index: i, Check: check, Found: found}
		}
	}
	next := m.copy()
	if err := next.applyKV(c.KV, version); err != nil {
		return err
	}
	for _, t := range c.Timers {
		if t.At.IsZero() {
			delete(next.timers, timerID{t.Run, t.ID})
		} else {
			next.timers[timerID{t.Run, t.ID}] = t.At
		}
	}
	for _, r := range c.Rows {
		table := next.table(r.Table)
		if _, there := table[r.Key]; there && r.IfAbsent {
			return store.ErrRowExists
		}
		if r.Value == nil {
			delete(table, r.Key)
		} else {
			table[r.Key] = r.Value
		}
	}
	next.journals[c.Run] = append(next.journals[c.Run], stamped(c, version)...)
	*m = *next
	return nil
}

// stamped returns the records of c as they are stored.
func stamped(c store.Commit, version store.Version) [][]byte {
	if c.Stamp == nil {
		return c.Appends
	}
	appends := slices.Clone(c.Appends)
	old := appends[c.Stamp.Append]
	appends[c.Stamp.Append] = slices.Concat(
		old[:c.Stamp.Offset], []byte(version.String()), old[c.Stamp.Offset+store.VersionDigits:])
	return appends
}

func (m *Model) applyKV(ops []store.KVOp, version store.Version) error {
	for _, op := range ops {
		ns := m.namespace(op.Namespace)
		value := op.Value
		if op.Sum && !op.Delete {
			var err error
			if value, err = m.sum(op); err != nil {
				return err
			}
		}
		if op.Delete {
			delete(ns, string(op.Key))
		} else {
			ns[string(op.Key)] = store.Entry{Key: op.Key, Value: value, Version: version, Expires: op.Expires}
		}
	}
	return nil
}

func (m *Model) sum(op store.KVOp) ([]byte, error) {
	total := op.Delta
	if e := m.entry(op.Namespace, op.Key); e.Version != 0 {
		var old any
		if json.Unmarshal(e.Value, &old) != nil {
			return nil, store.ErrNotNumber
		}
		n, ok := old.(float64)
		if !ok {
			return nil, store.ErrNotNumber
		}
		total += n
	}
	if math.IsInf(total, 0) || math.IsNaN(total) {
		return nil, store.ErrNotNumber
	}
	return json.Marshal(total)
}

// copy returns a model that can be changed without changing m. Values are never
// changed in place.
func (m *Model) copy() *Model {
	next := NewModel(m.Now)
	for n, entries := range m.kv {
		maps.Copy(next.namespace(n), entries)
	}
	for n, rows := range m.rows {
		maps.Copy(next.table(n), rows)
	}
	for run, records := range m.journals {
		next.journals[run] = append([][]byte(nil), records...)
	}
	maps.Copy(next.timers, m.timers)
	return next
}

func (m *Model) namespace(name string) map[string]store.Entry {
	if m.kv[name] == nil {
		m.kv[name] = map[string]store.Entry{}
	}
	return m.kv[name]
}

func (m *Model) table(name string) map[string][]byte {
	if m.rows[name] == nil {
		m.rows[name] = map[string][]byte{}
	}
	return m.rows[name]
}

// entry returns a key as it is now.
func (m *Model) entry(namespace string, key []byte) store.Entry {
	e := m.kv[namespace][string(key)]
	if e.Version == 0 || !e.Expires.IsZero() && !m.Now().Before(e.Expires) {
		return store.Entry{Key: key}
	}
	return e
}

// Get is store.Store's.
func (m *Model) Get(namespace string, keys ...[]byte) []store.Entry {
	entries := make([]store.Entry, len(keys))
	for i, key := range keys {
		entries[i] = m.entry(namespace, key)
	}
	return entries
}

// List is store.Store's.
func (m *Model) List(namespace string, r store.Range) (entries []store.Entry) {
	var keys []string
	for k := range m.kv[namespace] {
		if m.entry(namespace, []byte(k)).Version != 0 {
			keys = append(keys, k)
		}
	}
	for _, k := range within(keys, r) {
		entries = append(entries, m.entry(namespace, []byte(k)))
	}
	return entries
}

// Rows is store.Store's.
func (m *Model) Rows(table string, r store.Range) (rows []store.Row) {
	var keys []string
	for k := range m.rows[table] {
		keys = append(keys, k)
	}
	for _, k := range within(keys, r) {
		rows = append(rows, store.Row{Key: k, Value: m.rows[table][k]})
	}
	return rows
}

// Row is store.Store's.
func (m *Model) Row(table, key string) ([]byte, bool) {
	v, ok := m.rows[table][key]
	return v, ok
}

// within returns the keys that r selects, in its order.
func within(keys []string, r store.Range) (in []string) {
	for _, k := range keys {
		if bytes.Compare([]byte(k), r.Start) >= 0 && (len(r.End) == 0 || bytes.Compare([]byte(k), r.End) < 0) {
			in = append(in, k)
		}
	}
	sort.Strings(in)
	if r.Reverse {
		sort.Sort(sort.Reverse(sort.StringSlice(in)))
	}
	limit := r.Limit
	if limit == 0 {
		limit = 100
	}
	return in[:min(limit, len(in))]
}

// Journal is store.Store's.
func (m *Model) Journal(run string, from uint64) [][]byte {
	records := m.journals[run]
	return records[min(from, uint64(len(records))):]
}

// DropJournal is store.Store's.
func (m *Model) DropJournal(run string) { delete(m.journals, run) }

// Due is store.Store's; timers of the same time are in order of run and id.
func (m *Model) Due(now time.Time, limit int) (timers []store.Timer) {
	for id, at := range m.timers {
		if !at.After(now) {
			timers = append(timers, store.Timer{Run: id.run, ID: id.id, At: at})
		}
	}
	sortTimers(timers)
	return timers[:min(limit, len(timers))]
}

func sortTimers(timers []store.Timer) {
	sort.Slice(timers, func(i, j int) bool {
		a, b := timers[i], timers[j]
		if !a.At.Equal(b.At) {
			return a.At.Before(b.At)
		}
		if a.Run != b.Run {
			return a.Run < b.Run
		}
		return a.ID < b.ID
	})
}
