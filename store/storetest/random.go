package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reprise/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Place is where one random test keeps its data.
type Place struct {
	// Open opens the store, with the clock by which keys expire.
	Open func(now func() time.Time) (store.Store, error)
	// Lasts says that what a store holds is there when it is opened again.
	Lasts bool
}

// RunModel holds an engine against the model: random operations, among them
// restarts, must have the same results. It calls place for each test case.
func RunModel(t *testing.T, place func(t *testing.T) Place) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{place: place(t), ctx: t.Context()}
		m.clock.Store(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
		m.model = NewModel(m.now)
		m.open(rt)
		defer func() {
			if err := m.engine.Close(); err != nil {
				rt.Fatal(err)
			}
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"":            m.compare,
			"commit":      m.commit,
			"commitMore":  m.commit, // the more often the better
			"dropJournal": m.dropJournal,
			"list":        m.list,
			"rows":        m.rows,
			"due":         m.due,
			"time":        m.pass,
			"restart":     m.restart,
		})
	})
}

type machine struct {
	ctx    context.Context
	place  Place
	engine store.Store
	model  *Model
	clock  atomic.Int64
	last   store.Version
}

func (m *machine) now() time.Time { return time.Unix(0, m.clock.Load()).UTC() }

func (m *machine) open(t *rapid.T) {
	var err error
	if m.engine, err = m.place.Open(m.now); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) restart(t *rapid.T) {
	if !m.place.Lasts {
		t.Skip("this engine forgets")
	}
	if err := m.engine.Close(); err != nil {
		t.Fatal(err)
	}
	m.open(t)
}

func (m *machine) pass(t *rapid.T) {
	m.clock.Add(int64(rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second}).Draw(t, "passes")))
}

// Few names and keys, so that operations meet; strange ones, so that encodings do.
var (
	names  = rapid.SampledFrom([]string{"", "a", "a\x00", "\x01a", "b", "\xff"})
	keys   = rapid.SampledFrom([]string{"", "\x00", "a", "a\x00", "ab", "b", "\xff", "\xff\xff"})
	values = rapid.SampledFrom([]string{"", "0", "1", "-2.5", "text", "null", "\x00\xff", string(make([]byte, 70_000))})
)

func (m *machine) commit(t *rapid.T) {
	c := store.Commit{Relaxed: rapid.Bool().Draw(t, "relaxed")}
	if rapid.Bool().Draw(t, "appends?") {
		c.Run = names.Draw(t, "run")
		c.ExpectSeq = uint64(len(m.model.Journal(c.Run, 0)))
		if rapid.IntRange(0, 9).Draw(t, "fenced?") == 0 {
			c.ExpectSeq += rapid.Uint64Range(1, 3).Draw(t, "off by")
		}
		for range rapid.IntRange(1, 5).Draw(t, "appends") {
			c.Appends = append(c.Appends, []byte(values.Draw(t, "record")))
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "checks") {
		c.Checks = append(c.Checks, m.check(t))
	}
	for range rapid.IntRange(0, 4).Draw(t, "kv") {
		c.KV = append(c.KV, m.kvOp(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "timers") {
		op := store.TimerOp{Run: names.Draw(t, "run"), ID: rapid.Uint64Range(0, 3).Draw(t, "timer")}
		if rapid.Bool().Draw(t, "set?") {
			op.At = at(rapid.Int64Range(-3, 3).Draw(t, "at"))
		}
		c.Timers = append(c.Timers, op)
	}
	for range rapid.IntRange(0, 3).Draw(t, "rows") {
		op := store.RowOp{Table: names.Draw(t, "table"), Key: keys.Draw(t, "row"), IfAbsent: rapid.IntRange(0, 4).Draw(t, "if absent") == 0}
		if rapid.Bool().Draw(t, "put?") {
			op.Value = []byte(values.Draw(t, "value"))
		}
		c.Rows = append(c.Rows, op)
	}
	if rapid.IntRange(0, 2).Draw(t, "stamp?") == 0 {
		c.Stamp = m.stamp(t, &c)
	}
	m.apply(t, c)
}

// stamp adds a record with room for a version, and returns where; now and then
// somewhere else.
func (m *machine) stamp(t *rapid.T, c *store.Commit) *store.Stamp {
	if len(c.Appends) > 0 {
		c.Appends = append(c.Appends, []byte("<"+strings.Repeat("?", store.VersionDigits)+">"))
	}
	return &store.Stamp{
		Append: len(c.Appends) - rapid.SampledFrom([]int{1, 1, 1, 0, 2}).Draw(t, "stamped append"),
		Offset: rapid.SampledFrom([]int{1, 1, 0, 2, 3, -1}).Draw(t, "stamped byte"),
	}
}

func (m *machine) check(t *rapid.T) store.Check {
	c := store.Check{Namespace: names.Draw(t, "namespace"), Key: []byte(keys.Draw(t, "key"))}
	c.Version = m.model.Get(c.Namespace, c.Key)[0].Version
	if rapid.IntRange(0, 9).Draw(t, "check right?") == 0 {
		c.Version = rapid.SampledFrom([]store.Version{0, 1, m.last}).Draw(t, "version")
	}
	return c
}

func (m *machine) kvOp(t *rapid.T) store.KVOp {
	op := store.KVOp{Namespace: names.Draw(t, "namespace"), Key: []byte(keys.Draw(t, "key"))}
	switch rapid.IntRange(0, 5).Draw(t, "op") {
	case 0:
		op.Delete = true
	case 1:
		op.Sum = true
		op.Delta = rapid.SampledFrom([]float64{0, 1, -1, 0.1, 1e300}).Draw(t, "delta")
	default:
		op.Value = []byte(values.Draw(t, "value"))
	}
	if rapid.IntRange(0, 2).Draw(t, "expires?") == 0 {
		op.Expires = m.now().Add(rapid.SampledFrom([]time.Duration{-1, 0, 1, time.Millisecond, time.Hour}).Draw(t, "in"))
	}
	return op
}

// apply makes the commit on both sides and compares what they say.
func (m *machine) apply(t *rapid.T, c store.Commit) {
	done, err := m.engine.Commit(m.ctx, c)
	version := done.Version
	if err != nil {
		version = 1 // any but zero; the model is about to say the same
	}
	want := m.model.Commit(c, version)
	if fmt.Sprint(kind(err)) != fmt.Sprint(kind(want)) {
		t.Fatalf("the engine says %v, the model %v", err, want)
	}
	if err != nil {
		if done != (store.Committed{}) {
			t.Fatalf("a failed commit returned %v", done)
		}
		return
	}
	if (len(c.KV) > 0) != (done.Version != 0) {
		t.Fatalf("%d KV writes have version %s", len(c.KV), done.Version)
	}
	if done.Version != 0 {
		if done.Version <= m.last {
			t.Fatalf("version %s after %s", done.Version, m.last)
		}
		m.last = done.Version
	}
	if n := uint64(len(m.model.Journal(c.Run, 0))); len(c.Appends) > 0 && done.Seq != n {
		t.Fatalf("the journal has %d records, the engine says %d", n, done.Seq)
	}
}

// kind is what must agree of two errors.
func kind(err error) any {
	if failed, ok := errors.AsType[*store.CheckError](err); ok {
		return fmt.Sprint(failed.Index, failed.Found, failed.Check)
	}
	for _, e := range []error{store.ErrStamp, store.ErrSequence, store.ErrRowExists, store.ErrNotNumber} {
		if errors.Is(err, e) {
			return e
		}
	}
	return err
}

// bytesEqual compares byte slices as a whole; cmp alone goes through them one by
// one.
var bytesEqual = cmp.FilterValues(
	func(a, b []byte) bool { return len(a)+len(b) > 0 },
	cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) }),
)

func same(t *rapid.T, what string, got, want any, err error) {
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), bytesEqual); d != "" {
		t.Fatalf("%s (-model +engine)\n%s", what, d)
	}
}

// compare reads at random after every step: one key, row and journal each.
func (m *machine) compare(t *rapid.T) {
	n, k := names.Draw(t, "namespace"), keys.Draw(t, "key")
	entries, err := m.engine.Get(m.ctx, n, []byte(k), []byte("a"))
	same(t, "Get", entries, m.model.Get(n, []byte(k), []byte("a")), err)
	row, ok, err := m.engine.Row(m.ctx, n, k)
	wantRow, wantOK := m.model.Row(n, k)
	same(t, "Row", row, wantRow, err)
	same(t, "Row's ok", ok, wantOK, nil)
	from := rapid.Uint64Range(0, 5).Draw(t, "from")
	records, err := m.engine.Journal(m.ctx, n, from)
	same(t, "Journal", records, m.model.Journal(n, from), err)
}

func (m *machine) dropJournal(t *rapid.T) {
	run := names.Draw(t, "run")
	if err := m.engine.DropJournal(m.ctx, run); err != nil {
		t.Fatal(err)
	}
	m.model.DropJournal(run)
}

func drawRange(t *rapid.T) store.Range {
	return store.Range{
		Start:   []byte(keys.Draw(t, "start")),
		End:     []byte(keys.Draw(t, "end")),
		Limit:   rapid.SampledFrom([]int{0, 1, 2, 50}).Draw(t, "limit"),
		Reverse: rapid.Bool().Draw(t, "reverse"),
	}
}

func (m *machine) list(t *rapid.T) {
	n, r := names.Draw(t, "namespace"), drawRange(t)
	got, err := m.engine.List(m.ctx, n, r)
	same(t, fmt.Sprintf("List(%q, %+v)", n, r), got, m.model.List(n, r), err)
}

func (m *machine) rows(t *rapid.T) {
	n, r := names.Draw(t, "table"), drawRange(t)
	got, err := m.engine.Rows(m.ctx, n, r)
	same(t, fmt.Sprintf("Rows(%q, %+v)", n, r), got, m.model.Rows(n, r), err)
}

func (m *machine) due(t *rapid.T) {
	now := at(rapid.Int64Range(-3, 3).Draw(t, "now"))
	got, err := m.engine.Due(m.ctx, now, 1000)
	sortTimers(got) // timers of the same time come in any order
	same(t, "Due", got, m.model.Due(now, 1000), err)
}
