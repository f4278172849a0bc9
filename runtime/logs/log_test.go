package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
	"reprise/store"
)

func TestSeqGoesOnOverRestarts(t *testing.T) {
	m := &memory{}
	want := uint64(0)
	boots := map[string]bool{}
	for range 3 {
		l := mustOpen(t, Options{Store: m})
		boots[l.Boot()] = true
		for range 10 {
			want++
			if seq := l.Emit(Entry{Msg: "x"}); seq != want {
				t.Fatalf("seq is %d, want %d", seq, want)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		want++ // the closing entry
		if seq := l.Emit(Entry{}); seq != 0 {
			t.Fatalf("a closed log gave out %d", seq)
		}
	}
	if len(boots) != 3 {
		t.Errorf("boot ids repeat: %v", boots)
	}
	l := mustOpen(t, Options{Store: m})
	all, next, err := l.Query(t.Context(), Query{Limit: 100})
	if err != nil || next != 0 {
		t.Fatal(next, err)
	}
	wantRun(t, seqsOf(all), 1, want)
	if l.Oldest() != 1 || l.Head() != want {
		t.Errorf("holds %d to %d", l.Oldest(), l.Head())
	}
}

func TestOpeningAndClosingUnusedAddsNothing(t *testing.T) {
	m := &memory{}
	l := mustOpen(t, Options{Store: m})
	emit(l, 1)
	for range 3 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = mustOpen(t, Options{Store: m})
	}
	if l.Head() != 2 {
		t.Errorf("head is %d, want 2", l.Head())
	}
}

func TestAfterACrashNoNumberIsUsedTwice(t *testing.T) {
	m := &memory{}
	a := mustOpen(t, Options{Store: m, FlushEvery: time.Millisecond})
	emit(a, 10)
	waitStored(t, a)
	m.set(errors.New("pulled the plug")) // what comes now is seen by readers, and lost
	emit(a, 5)
	if err := a.Close(); err == nil {
		t.Fatal("Close hides that entries were not stored")
	}
	m.set(nil)

	b := mustOpen(t, Options{Store: m})
	if b.Head() <= a.Head() {
		t.Fatalf("numbers up to %d were given out, and now again from %d", a.Head(), b.Head())
	}
	emit(b, 3)
	// A reader of the first boot gets the new entries, and no gap for numbers
	// that never belonged to any.
	sub := b.Subscribe(SubscribeOptions{Since: &Cursor{Boot: a.Boot(), Seq: 10}})
	defer sub.Close()
	recs := readN(t, sub, 4)
	if e := recs[0].Entry(); e.Level != Warn || !strings.Contains(e.Msg, "not closed in order") {
		t.Errorf("the first entry is %+v", e)
	}
	// The same once they are on the disk.
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, Options{Store: m})
	if c.Head() != b.Head() {
		t.Errorf("after an orderly end, numbers go on at %d, want %d", c.Head()+1, b.Head()+1)
	}
	again := c.Subscribe(SubscribeOptions{Since: &Cursor{Boot: a.Boot(), Seq: 10}})
	defer again.Close()
	readN(t, again, 5)
}

func TestRetentionAndSizeCap(t *testing.T) {
	t.Run("old entries are dropped", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := mustOpen(t, Options{Store: &memory{}, Retention: time.Hour, Ring: 16})
			defer closeLog(t, l)
			emit(l, 16)
			time.Sleep(30 * time.Minute)
			emit(l, 16)
			time.Sleep(40 * time.Minute)
			synctest.Wait()
			if l.Oldest() != 17 {
				t.Errorf("oldest is %d, want 17", l.Oldest())
			}
			got, _, err := l.Query(t.Context(), Query{})
			if err != nil {
				t.Fatal(err)
			}
			wantRun(t, seqsOf(got), 17, 32)
		})
	})
	t.Run("the oldest are dropped when there is too much", func(t *testing.T) {
		m := &memory{}
		l := mustOpen(t, Options{Store: m, MaxBytes: 20 << 10, Ring: 16, FlushEvery: time.Millisecond})
		for i := range 100 {
			for j := range 15 {
				l.Emit(Entry{Msg: fmt.Sprint(rapid.String().Example(i*15+j), i, j)})
			}
			waitStored(t, l)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if size := m.bytes(); size > 24<<10 || size < 10<<10 {
			t.Errorf("%d bytes are stored, want about 20 KiB", size)
		}
	})
}

func TestAFailingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		l := mustOpen(t, Options{Store: m, Ring: 64})
		sub := l.Subscribe(SubscribeOptions{Filter: mustFilter(t, "kind:server")})

		m.set(errors.New("no space left on device"))
		emit(l, 5)
		waitSaid(t, sub, Error, "no space left on device")
		// What fits into memory meanwhile is stored later.
		time.Sleep(10 * time.Second)
		m.set(nil)
		waitSaid(t, sub, Info, "stored again")
		time.Sleep(2 * time.Second)
		if s := l.Stats(); s.Lost != 0 || s.Stored != 7 {
			t.Errorf("stats are %+v", s)
		}

		// What does not is counted, and said.
		m.set(errors.New("worn out"))
		emit(l, 1)
		waitSaid(t, sub, Error, "worn out")
		for range 30 { // more than a block, so that the writer's hands are full
			l.Emit(Entry{Msg: strings.Repeat("x", 15<<10)})
		}
		time.Sleep(time.Second)
		emit(l, 200)
		m.set(nil)
		lost := waitSaid(t, sub, Error, "were not stored")
		var f struct{ Lost, From, To uint64 }
		if err := json.Unmarshal(lost.Fields, &f); err != nil || f.Lost == 0 || f.Lost != l.Stats().Lost || f.To != f.From+f.Lost-1 {
			t.Errorf("said %s, %v; stats %+v", lost.Fields, err, l.Stats())
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		// Exactly the rest is there, in order.
		c := mustOpen(t, Options{Store: m})
		defer closeLog(t, c)
		got, _, err := c.Query(t.Context(), Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		before, after := seqsOf(got)[:f.From-1], seqsOf(got)[f.From-1:]
		wantRun(t, before, 1, f.From-1)
		wantRun(t, after, f.To+1, l.Head())
		// And who reads over the hole is told.
		old := c.Subscribe(SubscribeOptions{Since: &Cursor{Seq: 0}})
		defer old.Close()
		readN(t, old, len(before))
		if ev, err := old.Next(t.Context()); err != nil || ev.Gap == nil || *ev.Gap != (Gap{From: f.From, To: f.To, Reason: ReasonNotKept}) {
			t.Errorf("in the hole came %+v, %v", ev, err)
		}
	})
}

// waitSaid reads until an entry of that level says so.
func waitSaid(t *testing.T, sub *Subscription, level Level, text string) Entry {
	t.Helper()
	for {
		ev, err := sub.Next(t.Context())
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
		for _, r := range ev.Records {
			if e := r.Entry(); e.Level == level && strings.Contains(e.Msg, text) {
				return *e
			}
		}
	}
}

func TestEmitDoesNotWaitForAStoreThatHangs(t *testing.T) {
	m := &memory{hang: make(chan struct{})}
	l := mustOpen(t, Options{Store: m, Ring: 128, FlushEvery: time.Microsecond})
	emit(l, 10_000) // would never return
	close(m.hang)
	if err := l.Close(); err != nil && !strings.Contains(err.Error(), "could not be stored") {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Lost+s.Stored != l.Head() {
		t.Errorf("%d lost and %d stored, of %d", s.Lost, s.Stored, l.Head())
	}
}

func TestLongEntriesAreCut(t *testing.T) {
	l := mustOpen(t, Options{})
	l.Emit(Entry{Msg: strings.Repeat("ä", 30<<10), Fields: []byte(`{"status":503,"body":"` + strings.Repeat("b", 20<<10) + `","ok":{"a":[1]}}`)})
	l.Emit(Entry{Fields: []byte(`{"n":"` + strings.Repeat("x", 40<<10) + `"}`)})
	l.Emit(Entry{Msg: strings.Repeat("y", MaxEntry)})
	got, _, err := l.Query(t.Context(), Query{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"truncated":{"msgBytes":61440,"fieldsBytes":20519},"status":503,"ok":{"a":[1]}}`,
		`{"truncated":{"msgBytes":0,"fieldsBytes":40968}}`,
		``,
	} {
		e := got[i]
		if string(e.Fields) != want {
			t.Errorf("%d: fields are %s\nwant %s", i, e.Fields, want)
		}
		if n := len(e.Msg) + len(e.Fields); n > MaxEntry {
			t.Errorf("%d: kept %d bytes", i, n)
		}
		if strings.Contains(e.Msg, "\uFFFD") {
			t.Errorf("%d: cut in the middle of a character", i)
		}
	}
}

func TestDamagedBlockIsAReportedHole(t *testing.T) {
	m := &memory{}
	a := mustOpen(t, Options{Store: m, FlushEvery: time.Millisecond})
	for range 3 {
		emit(a, 10)
		waitStored(t, a)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	hurt := &m.blocks[1]
	from, to := hurt.First, hurt.Last
	hurt.Data = append([]byte(nil), hurt.Data[:len(hurt.Data)-3]...)
	b := mustOpen(t, Options{Store: m})
	for range 2 {
		got, _, err := b.Query(t.Context(), Query{To: a.Head()})
		if err != nil || uint64(len(got)) != a.Head()-(to-from+1) {
			t.Fatalf("%d entries, %v", len(got), err)
		}
	}
	said, _, err := b.Query(t.Context(), Query{Filter: mustFilter(t, `level:error "can not be read"`)})
	if err != nil || len(said) != 1 {
		t.Fatalf("said %d times, %v", len(said), err)
	}
}

func TestDamageIsRememberedUpToALimit(t *testing.T) {
	l := mustOpen(t, Options{})
	for first := range uint64(3000) {
		l.reportDamage(store.Block{First: first, Last: first}, errors.New("cut short"))
	}
	if got := len(l.damaged); got != 1000 || l.Head() != 1000 {
		t.Errorf("%d blocks are remembered, and %d were told", got, l.Head())
	}
}

func TestQueryBySince(t *testing.T) {
	m := &memory{}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := mustOpen(t, Options{Store: m, Ring: 16, FlushEvery: time.Millisecond, Retention: 100 * 365 * 24 * time.Hour})
	for i := range 50 {
		for j := range 10 {
			l.Emit(Entry{Time: start.Add(time.Duration(10*i+j) * time.Minute)})
		}
		waitStored(t, l)
	}
	for _, desc := range []bool{false, true} {
		got, next, err := l.Query(t.Context(), Query{Since: start.Add(123 * time.Minute), Limit: 1000, Desc: desc})
		if err != nil || next != 0 || len(got) != 500-123 {
			t.Errorf("desc %v: %d entries, next %d, %v", desc, len(got), next, err)
		}
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	l := mustOpen(t, Options{})
	emit(l, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Query(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestQueryAgreesWithAModel compares queries over ring, pending lines and disk
// with a plain slice, over random histories with restarts.
func TestQueryAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &memory{}
		opts := Options{Store: m, Ring: rapid.SampledFrom([]int{1 << 4, 1 << 10}).Draw(rt, "ring"), FlushEvery: time.Millisecond}
		l := mustOpen(t, opts)
		var model []Entry
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0, 1:
				for range rapid.IntRange(1, 16).Draw(rt, "n") {
					e := drawEntry(rt)
					e.Seq = l.Emit(e)
					model = append(model, e)
				}
				if opts.Ring < 100 {
					waitStored(t, l) // or lines would be lost, which is another test
				}
			case 2:
				waitStored(t, l)
			case 3:
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				if l.Head() >= l.first {
					last, _, err := l.Query(t.Context(), Query{From: l.Head()})
					if err != nil || len(last) != 1 {
						rt.Fatal(err)
					}
					model = append(model, last[0])
				}
				l = mustOpen(t, opts)
			}
		}
		defer func() { closeLog(t, l) }()
		filter := rapid.SampledFrom([]string{"", "level:error", "-level:error script:a*", "kind:http", "dur:>3", `"héllo"`}).Draw(rt, "filter")
		q := Query{
			Filter: mustFilter(t, filter), Desc: rapid.Bool().Draw(rt, "desc"), Limit: rapid.IntRange(1, 20).Draw(rt, "limit"),
			From: rapid.Uint64Range(0, l.Head()+2).Draw(rt, "from"), To: rapid.Uint64Range(0, l.Head()+2).Draw(rt, "to"),
		}
		if diff := cmp.Diff(modelQuery(model, q), allPages(rt, t.Context(), l, q)); diff != "" {
			rt.Fatalf("%+v, filter %q (-model +log):\n%s", q, filter, diff)
		}
	})
}

func drawEntry(rt *rapid.T) Entry {
	e := Entry{
		Time:   time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(rt, "ms")).UTC(),
		Level:  Level(rapid.IntRange(0, 3).Draw(rt, "level")),
		Kind:   rapid.SampledFrom([]Kind{KindConsole, KindHTTP}).Draw(rt, "kind"),
		Script: rapid.SampledFrom([]string{"", "a", "ab", "b"}).Draw(rt, "script"),
		Run:    rapid.SampledFrom([]string{"", "r1"}).Draw(rt, "run"),
		Turn:   rapid.Uint64Range(0, 3).Draw(rt, "turn"),
		Msg:    rapid.SampledFrom([]string{"", "HÉLLO", "two\nlines"}).Draw(rt, "msg"),
	}
	if rapid.Bool().Draw(rt, "src") {
		e.Src = &call.Position{File: "a.ts", Line: rapid.IntRange(1, 9).Draw(rt, "line"), Column: 2}
	}
	if rapid.Bool().Draw(rt, "fields") {
		e.Fields = fmt.Appendf(nil, `{"durMs":%d}`, rapid.IntRange(0, 9).Draw(rt, "dur"))
	}
	return e
}

func modelQuery(model []Entry, q Query) []Entry {
	var out []Entry
	for _, e := range model {
		if e.Seq >= q.From && (q.To == 0 || e.Seq <= q.To) && q.Filter.Match(&e) {
			out = append(out, e)
		}
	}
	if q.Desc {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}

func allPages(rt *rapid.T, ctx context.Context, l *Log, q Query) []Entry {
	var out []Entry
	for {
		got, next, err := l.Query(ctx, q)
		if err != nil {
			rt.Fatal(err)
		}
		if len(got) > q.Limit {
			rt.Fatalf("%d entries, limit %d", len(got), q.Limit)
		}
		out = append(out, got...)
		if next == 0 {
			return out
		}
		if q.Desc {
			q.To = next
		} else {
			q.From = next
		}
	}
}
