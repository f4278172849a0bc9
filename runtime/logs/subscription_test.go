package logs

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestHundredSubscribersSeeEverySeqOnce(t *testing.T) {
	l := mustOpen(t, Options{Store: &memory{}})
	const emitters, each, subscribers = 4, 3000, 100
	var readers, writers sync.WaitGroup
	for i := range subscribers {
		opts := SubscribeOptions{}
		if i%2 == 0 { // half of them paced, as sockets are
			opts.Interval = time.Millisecond
		}
		sub := l.Subscribe(opts)
		readers.Go(func() {
			defer sub.Close()
			seqs, gaps := collect(t, sub)
			if len(gaps) > 0 {
				t.Errorf("subscriber %d has gaps: %v", i, gaps)
			}
			if len(seqs) != emitters*each+1 { // and the closing entry
				t.Errorf("subscriber %d got %d entries, want %d", i, len(seqs), emitters*each+1)
			}
			for n, s := range seqs {
				if s != uint64(n+1) {
					t.Errorf("subscriber %d: entry %d has seq %d", i, n, s)
					return
				}
			}
		})
	}
	for range emitters {
		writers.Go(func() { emit(l, each) })
	}
	writers.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
}

func TestStalledReaderGetsExactlyTheGapItMissed(t *testing.T) {
	// A reader that does not call Next is told what left the ring meanwhile,
	// can load just that, and misses nothing else.
	l := mustOpen(t, Options{Store: &memory{}, Ring: 256, FlushEvery: time.Millisecond})
	sub := l.Subscribe(SubscribeOptions{FilterID: "f1"})
	defer sub.Close()
	emit(l, 10)
	readN(t, sub, 10)
	for range 20 { // in portions, so that the writer keeps up
		emit(l, 50)
		waitStored(t, l)
	}
	ev, err := sub.Next(t.Context())
	if err != nil || ev.Gap == nil {
		t.Fatalf("got %+v, %v; want a gap", ev, err)
	}
	g := *ev.Gap
	head := l.Head()
	if g.From != 11 || g.To != head-256 || g.Reason != ReasonSlow || ev.FilterID != "f1" {
		t.Fatalf("gap is %+v (filter %s), want 11 to %d", g, ev.FilterID, head-256)
	}
	rest := readN(t, sub, 256)
	if rest[0].Entry().Seq != g.To+1 || rest[255].Entry().Seq != head {
		t.Fatalf("after the gap came %d to %d", rest[0].Entry().Seq, rest[255].Entry().Seq)
	}
	missed, next, err := l.Query(t.Context(), Query{From: g.From, To: g.To, Limit: 10_000})
	if err != nil || next != 0 {
		t.Fatalf("query: next %d, %v", next, err)
	}
	wantRun(t, seqsOf(missed), g.From, g.To)
}

// waitStored waits until everything emitted is with the store.
func waitStored(t testing.TB, l *Log) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	head := l.Head()
	for l.Stats().Stored < head+1-l.first {
		if n := l.Stats().Lost; n > 0 {
			t.Fatalf("the test lost %d entries: its ring is too small", n)
		}
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal("not stored in time")
		}
	}
}

func TestFilterChangeNeverMixes(t *testing.T) {
	// Entries come all the time while the filter is changed from another
	// goroutine: what comes under an id must match that id's filter.
	l := mustOpen(t, Options{})
	filters := map[string]*Filter{"a": mustFilter(t, "script:a"), "b": mustFilter(t, "script:b"), "all": nil}
	sub := l.Subscribe(SubscribeOptions{Filter: filters["a"], FilterID: "a"})
	var work sync.WaitGroup
	work.Go(func() {
		for i := range 20_000 {
			l.Emit(Entry{Script: string(rune('a' + i%3)), Msg: "x"})
		}
		_ = l.Close()
	})
	work.Go(func() {
		for i := range 2000 {
			id := []string{"a", "b", "all"}[i%3]
			sub.SetFilter(filters[id], id)
			if i%50 == 0 {
				sub.Pause()
				sub.Resume()
			}
		}
	})
	last, seen := uint64(0), 0
	for {
		ev, err := sub.Next(t.Context())
		if err != nil {
			break
		}
		if ev.Gap != nil {
			t.Fatalf("gap %+v", *ev.Gap)
		}
		for _, r := range ev.Records {
			seen++
			if !filters[ev.FilterID].Match(r.Entry()) {
				t.Fatalf("entry %+v came under filter %q", *r.Entry(), ev.FilterID)
			}
			if r.Entry().Seq <= last {
				t.Fatalf("seq %d after %d", r.Entry().Seq, last)
			}
			last = r.Entry().Seq
		}
	}
	if seen == 0 {
		t.Fatal("nothing was delivered")
	}
	work.Wait()
}

func TestFilterChangeAppliesToWhatIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, Options{})
		defer closeLog(t, l)
		sub := l.Subscribe(SubscribeOptions{FilterID: "all"})
		sub.Pause()
		got := make(chan Event)
		go func() {
			ev, err := sub.Next(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- ev
		}()
		for i := range 10 {
			l.Emit(Entry{Script: string(rune('a' + i%2))})
		}
		synctest.Wait()
		sub.SetFilter(mustFilter(t, "script:b"), "b")
		sub.Resume()
		ev := <-got
		if ev.FilterID != "b" || len(ev.Records) != 5 || ev.Records[0].Entry().Script != "b" {
			t.Fatalf("got %d records under %q", len(ev.Records), ev.FilterID)
		}
	})
}

func TestPause(t *testing.T) {
	t.Run("a rare entry is still there although the ring has moved on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := mustOpen(t, Options{Ring: 64})
			defer closeLog(t, l)
			sub := l.Subscribe(SubscribeOptions{Filter: mustFilter(t, "script:rare")})
			sub.Pause()
			got := next(t, sub)
			l.Emit(Entry{Script: "rare"})
			for range 100 {
				emit(l, 50)
				time.Sleep(2 * bellEvery) // virtual time: the reader keeps up
			}
			sub.Resume()
			ev := <-got
			if ev.Gap != nil || len(ev.Records) != 1 || ev.Records[0].Entry().Seq != 1 {
				t.Fatalf("got %+v, gap %+v", ev, ev.Gap)
			}
		})
	})
	t.Run("what does not fit into the queue becomes a gap before the rest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := mustOpen(t, Options{Ring: 1024})
			defer closeLog(t, l)
			sub := l.Subscribe(SubscribeOptions{Queue: 101})
			sub.Pause()
			got := next(t, sub)
			for range 20 {
				emit(l, 50)
				time.Sleep(2 * bellEvery)
			}
			sub.Resume()
			ev := <-got
			if ev.Gap == nil || *ev.Gap != (Gap{From: 1, To: 900, Reason: ReasonPaused}) {
				t.Fatalf("got %+v, gap %+v", ev, ev.Gap)
			}
			rest := readN(t, sub, 100)
			if rest[0].Entry().Seq != 901 || rest[99].Entry().Seq != 1000 {
				t.Fatalf("then %d to %d", rest[0].Entry().Seq, rest[99].Entry().Seq)
			}
		})
	})
}

// next calls Next on a goroutine of its own.
func next(t *testing.T, sub *Subscription) <-chan Event {
	got := make(chan Event, 1)
	go func() {
		ev, err := sub.Next(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- ev
	}()
	synctest.Wait()
	return got
}

func TestIdleIsDeliveredAtOnceAndLoadIsCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, Options{})
		defer closeLog(t, l)
		const interval = 40 * time.Millisecond
		sub := l.Subscribe(SubscribeOptions{Interval: interval})
		start := time.Now()
		first := next(t, sub)
		emit(l, 1)
		<-first
		if d := time.Since(start); d != 0 {
			t.Errorf("the first entry took %s", d)
		}
		// 1,000 entries over a second.
		go func() {
			for range 100 {
				emit(l, 10)
				time.Sleep(10 * time.Millisecond)
			}
		}()
		events := 0
		for seen := 0; seen < 1000; {
			ev, err := sub.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			events++
			seen += len(ev.Records)
		}
		if most := int(time.Second/interval) + 2; events > most {
			t.Errorf("%d batches in a second, want at most %d", events, most)
		}
		time.Sleep(time.Second)
		quiet := time.Now()
		again := next(t, sub)
		emit(l, 1)
		<-again
		if d := time.Since(quiet); d != 0 {
			t.Errorf("after a quiet time an entry took %s", d)
		}
	})
}

func TestTailGivesThePastThenTheNew(t *testing.T) {
	for _, ring := range []int{16, 1 << 10} { // the past is on the disk, or in memory
		t.Run(fmt.Sprintf("ring %d", ring), func(t *testing.T) {
			l := mustOpen(t, Options{Store: &memory{}, Ring: ring, FlushEvery: time.Millisecond})
			for range 50 {
				emit(l, 10)
				waitStored(t, l)
			}
			sub := l.Subscribe(SubscribeOptions{Tail: 20, Filter: mustFilter(t, `"line 4"`)})
			defer sub.Close()
			l.Emit(Entry{Msg: "line 4, new"})
			recs := readN(t, sub, 21)
			for i, r := range recs[:20] {
				if want := uint64(305 + 10*i); r.Entry().Seq != want {
					t.Fatalf("record %d has seq %d, want %d", i, r.Entry().Seq, want)
				}
			}
			if recs[20].Entry().Seq != 501 {
				t.Fatalf("the new one has seq %d", recs[20].Entry().Seq)
			}
		})
	}
}

func TestSince(t *testing.T) {
	m := &memory{}
	l := mustOpen(t, Options{Store: m, Ring: 32, FlushEvery: time.Millisecond})
	for range 40 {
		emit(l, 25)
		waitStored(t, l)
	}
	t.Run("everything after the cursor, from disk and memory", func(t *testing.T) {
		sub := l.Subscribe(SubscribeOptions{Since: &Cursor{Boot: l.Boot(), Seq: 100}})
		defer sub.Close()
		var seqs []uint64
		for len(seqs) < 900 {
			ev, err := sub.Next(t.Context())
			if err != nil || ev.Gap != nil {
				t.Fatalf("%+v, %v", ev, err)
			}
			for _, r := range ev.Records {
				seqs = append(seqs, r.Entry().Seq)
			}
		}
		wantRun(t, seqs, 101, 1000)
	})
	t.Run("older than what is kept: a gap first", func(t *testing.T) {
		m.mu.Lock()
		m.blocks = m.blocks[10:]
		first := m.blocks[0].First
		m.mu.Unlock()
		if err := l.writer.findOldest(t.Context()); err != nil {
			t.Fatal(err)
		}
		sub := l.Subscribe(SubscribeOptions{Since: &Cursor{Boot: l.Boot(), Seq: 3}})
		defer sub.Close()
		ev, err := sub.Next(t.Context())
		if err != nil || ev.Gap == nil || *ev.Gap != (Gap{From: 4, To: first - 1, Reason: ReasonNotKept}) {
			t.Fatalf("got %+v, %v", ev.Gap, err)
		}
		ev, err = sub.Next(t.Context())
		if err != nil || len(ev.Records) == 0 || ev.Records[0].Entry().Seq != first {
			t.Fatalf("got %+v, %v", ev, err)
		}
	})
	t.Run("of the future: only what is new", func(t *testing.T) {
		sub := l.Subscribe(SubscribeOptions{Since: &Cursor{Boot: l.Boot(), Seq: 1 << 40}})
		defer sub.Close()
		emit(l, 1)
		if recs := readN(t, sub, 1); recs[0].Entry().Seq != l.Head() {
			t.Fatalf("got %d", recs[0].Entry().Seq)
		}
	})
}

func TestCursorOfAnotherBoot(t *testing.T) {
	m := &memory{}
	a := mustOpen(t, Options{Store: m})
	emit(a, 10)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := mustOpen(t, Options{Store: m})
	emit(b, 5) // 12 to 16: 11 is a's closing entry
	t.Run("goes on across the restart", func(t *testing.T) {
		sub := b.Subscribe(SubscribeOptions{Since: &Cursor{Boot: a.Boot(), Seq: 8}})
		defer sub.Close()
		recs := readN(t, sub, 8)
		if recs[0].Entry().Seq != 9 || recs[7].Entry().Seq != 16 {
			t.Fatalf("got %d to %d", recs[0].Entry().Seq, recs[7].Entry().Seq)
		}
	})
	t.Run("with a number that means another entry here: all of this boot", func(t *testing.T) {
		sub := b.Subscribe(SubscribeOptions{Since: &Cursor{Boot: "lost", Seq: 14}})
		defer sub.Close()
		if recs := readN(t, sub, 5); recs[0].Entry().Seq != 12 {
			t.Fatalf("starts at %d", recs[0].Entry().Seq)
		}
	})
}

func TestRestartOfSubscription(t *testing.T) {
	l := mustOpen(t, Options{})
	emit(l, 10)
	sub := l.Subscribe(SubscribeOptions{Tail: 3, FilterID: "one"})
	defer sub.Close()
	readN(t, sub, 3)
	sub.Restart(SubscribeOptions{Tail: 5, FilterID: "two"})
	if recs := readN(t, sub, 5); recs[0].Entry().Seq != 6 {
		t.Fatalf("starts at %d", recs[0].Entry().Seq)
	}
	if n := l.Stats().Tails; n != 1 {
		t.Errorf("%d tails open, want 1", n)
	}
}
