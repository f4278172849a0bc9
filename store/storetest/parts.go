package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"reprise/store"
)

func journalFence(t *testing.T, s store.Store) {
	done := commit(t, s, store.Commit{Run: "r", Appends: records(0, 2)})
	if done.Seq != 2 {
		t.Fatalf("the journal has %d records, want 2", done.Seq)
	}
	for _, expect := range []uint64{0, 1, 3} {
		_, err := s.Commit(t.Context(), store.Commit{Run: "r", ExpectSeq: expect, Appends: records(7, 8)})
		wantErr(t, err, store.ErrSequence)
	}
	if done := commit(t, s, store.Commit{Run: "r", ExpectSeq: 2, Appends: records(2, 5)}); done.Seq != 5 {
		t.Fatalf("the journal has %d records, want 5", done.Seq)
	}
	// Without appends, run and fence are nobody's business.
	commit(t, s, store.Commit{Run: "r", ExpectSeq: 99, KV: []store.KVOp{set("a", "1")}})
	wantJournal(t, s, "r", 0, records(0, 5))
}

func journalFrom(t *testing.T, s store.Store) {
	commit(t, s, store.Commit{Run: "r", Appends: records(0, 300)})
	commit(t, s, store.Commit{Run: "r2", Appends: records(5, 6)})
	commit(t, s, store.Commit{Run: "r2", ExpectSeq: 1, Appends: [][]byte{{}, nil}})
	wantJournal(t, s, "r", 0, records(0, 300))
	wantJournal(t, s, "r", 255, records(255, 300))
	wantJournal(t, s, "r", 300, nil)
	wantJournal(t, s, "r", 999, nil)
	wantJournal(t, s, "nobody", 0, nil)
	wantJournal(t, s, "r2", 0, append(records(5, 6), []byte{}, []byte{}))
}

func journalDrop(t *testing.T, s store.Store) {
	commit(t, s, store.Commit{Run: "r", Appends: records(0, 2500)})
	commit(t, s, store.Commit{Run: "q", Appends: records(0, 3)})
	for range 2 {
		if err := s.DropJournal(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		wantJournal(t, s, "r", 0, nil)
	}
	_, err := s.Commit(t.Context(), store.Commit{Run: "r", ExpectSeq: 2500, Appends: records(0, 1)})
	wantErr(t, err, store.ErrSequence)
	commit(t, s, store.Commit{Run: "r", Appends: records(40, 42)})
	wantJournal(t, s, "r", 0, records(40, 42))
	wantJournal(t, s, "q", 0, records(0, 3))
}

func rows(t *testing.T, s store.Store) {
	put := func(table, key, value string) store.RowOp {
		return store.RowOp{Table: table, Key: key, Value: []byte(value)}
	}
	commit(t, s, store.Commit{Rows: []store.RowOp{put("t", "b", "2"), put("t", "a", "1"), put("t", "c", ""), put("tt", "a", "x")}})
	list := func(r store.Range) (got []string) {
		t.Helper()
		rows, err := s.Rows(t.Context(), "t", r)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, r.Key+"="+string(r.Value))
		}
		return got
	}
	wantSame(t, list(store.Range{}), []string{"a=1", "b=2", "c="})
	wantSame(t, list(store.Range{Reverse: true, Limit: 2}), []string{"c=", "b=2"})
	wantSame(t, list(store.Range{Start: []byte("b"), End: []byte("c")}), []string{"b=2"})
	commit(t, s, store.Commit{Rows: []store.RowOp{{Table: "t", Key: "b"}, put("t", "a", "9"), {Table: "t", Key: "never"}}})
	wantSame(t, list(store.Range{}), []string{"a=9", "c="})
	if v, ok, err := s.Row(t.Context(), "t", "a"); err != nil || !ok || string(v) != "9" {
		t.Fatalf("Row = %q, %v, %v", v, ok, err)
	}
	if v, ok, err := s.Row(t.Context(), "t", "b"); err != nil || ok || v != nil {
		t.Fatalf("Row of a deleted row = %q, %v, %v", v, ok, err)
	}
}

func rowsIfAbsent(t *testing.T, s store.Store) {
	row := store.RowOp{Table: "t", Key: "a", Value: []byte("1"), IfAbsent: true}
	commit(t, s, store.Commit{Rows: []store.RowOp{row}})
	_, err := s.Commit(t.Context(), store.Commit{KV: []store.KVOp{set("a", "spoiled")}, Rows: []store.RowOp{row}})
	wantErr(t, err, store.ErrRowExists)
	wantAbsent(t, s, "a")
	commit(t, s, store.Commit{Rows: []store.RowOp{{Table: "t", Key: "a"}, row}})
	other := store.RowOp{Table: "t", Key: "b", Value: []byte("1"), IfAbsent: true}
	_, err = s.Commit(t.Context(), store.Commit{Rows: []store.RowOp{other, other}})
	wantErr(t, err, store.ErrRowExists)
}

func due(t *testing.T, s store.Store, now time.Time, limit int) []store.Timer {
	t.Helper()
	timers, err := s.Due(t.Context(), now, limit)
	if err != nil {
		t.Fatal(err)
	}
	return timers
}

func timersDue(t *testing.T, s store.Store) {
	commit(t, s, store.Commit{Timers: []store.TimerOp{
		{Run: "b", ID: 1, At: at(30)}, {Run: "a", ID: 2, At: at(10)}, {Run: "long name", ID: 3, At: at(20).Add(1)}, {Run: "c", ID: 4, At: at(-5)},
	}})
	c4, a2, l3, b1 := store.Timer{Run: "c", ID: 4, At: at(-5)}, store.Timer{Run: "a", ID: 2, At: at(10)},
		store.Timer{Run: "long name", ID: 3, At: at(20).Add(1)}, store.Timer{Run: "b", ID: 1, At: at(30)}
	wantSame(t, due(t, s, at(100), 10), []store.Timer{c4, a2, l3, b1})
	wantSame(t, due(t, s, at(100), 2), []store.Timer{c4, a2})
	wantSame(t, due(t, s, at(20), 10), []store.Timer{c4, a2})
	wantSame(t, due(t, s, at(20).Add(1), 10), []store.Timer{c4, a2, l3})
	wantSame(t, due(t, s, at(-6), 10), []store.Timer(nil))
	wantSame(t, due(t, s, at(100), 0), []store.Timer(nil))
}

func timersReplaced(t *testing.T, s store.Store) {
	commit(t, s, store.Commit{Timers: []store.TimerOp{{Run: "r", ID: 1, At: at(10)}, {Run: "r", ID: 2, At: at(10)}}})
	commit(t, s, store.Commit{Timers: []store.TimerOp{{Run: "r", ID: 1, At: at(50)}}})
	wantSame(t, due(t, s, at(10), 10), []store.Timer{{Run: "r", ID: 2, At: at(10)}})
	wantSame(t, due(t, s, at(50), 10), []store.Timer{{Run: "r", ID: 2, At: at(10)}, {Run: "r", ID: 1, At: at(50)}})
	commit(t, s, store.Commit{Timers: []store.TimerOp{{Run: "r", ID: 1}, {Run: "r", ID: 7}, {Run: "r", ID: 2, At: at(60)}, {Run: "r", ID: 2, At: at(60)}}})
	wantSame(t, due(t, s, at(100), 10), []store.Timer{{Run: "r", ID: 2, At: at(60)}})
}

// everything is a commit with all kinds of parts.
func everything(expect uint64, name string) store.Commit {
	return store.Commit{
		Run: "run", ExpectSeq: expect, Appends: [][]byte{[]byte(name)},
		KV:     []store.KVOp{set(name, name)},
		Timers: []store.TimerOp{{Run: name, ID: 1, At: at(1)}},
		Rows:   []store.RowOp{{Table: "t", Key: name, Value: []byte(name)}},
	}
}

// wantEverything looks for all parts of everything(expect, name), or for none.
func wantEverything(t *testing.T, s store.Store, name string, want bool) {
	t.Helper()
	var found []bool
	found = append(found, getOne(t, s, "n", name).Version != 0)
	_, ok, err := s.Row(t.Context(), "t", name)
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, ok)
	timer, journal := false, false
	for _, d := range due(t, s, at(1), 100) {
		timer = timer || d.Run == name
	}
	got, err := s.Journal(t.Context(), "run", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		journal = journal || string(r) == name
	}
	wantSame(t, append(found, timer, journal), []bool{want, want, want, want})
}

func commitAtomic(t *testing.T, s store.Store) {
	commit(t, s, everything(0, "first"))
	wantEverything(t, s, "first", true)
	spoil := map[string]struct {
		change func(*store.Commit)
		want   error
	}{
		"fence": {func(c *store.Commit) { c.ExpectSeq = 0 }, store.ErrSequence},
		"row": {func(c *store.Commit) {
			c.Rows = append(c.Rows, store.RowOp{Table: "t", Key: "first", Value: []byte("x"), IfAbsent: true})
		}, store.ErrRowExists},
		"sum": {func(c *store.Commit) {
			c.KV = append(c.KV, store.KVOp{Namespace: "n", Key: []byte("first"), Sum: true})
		}, store.ErrNotNumber},
		"check": {func(c *store.Commit) {
			c.Checks = append(c.Checks, store.Check{Namespace: "n", Key: []byte("first"), Version: 0})
		}, nil},
	}
	for name, tt := range spoil {
		c := everything(1, name)
		tt.change(&c)
		_, err := s.Commit(t.Context(), c)
		if _, isCheck := errors.AsType[*store.CheckError](err); !isCheck || tt.want != nil {
			wantErr(t, err, tt.want)
		}
		if err == nil {
			t.Fatalf("%s: the commit was made", name)
		}
		wantEverything(t, s, name, false)
	}
	commit(t, s, everything(1, "second"))
	wantEverything(t, s, "second", true)
	wantEverything(t, s, "first", true)
}

func commitEmpty(t *testing.T, s store.Store) {
	wantSame(t, commit(t, s, store.Commit{}), store.Committed{})
	wantSame(t, commit(t, s, store.Commit{Relaxed: true}), store.Committed{})
}

func commitTooLarge(t *testing.T, s store.Store) {
	big := everything(0, "big")
	for i := range 100_000 {
		big.KV = append(big.KV, set(fmt.Sprintf("big%d", i), string(bytes.Repeat([]byte("x"), 1000))))
	}
	_, err := s.Commit(t.Context(), big)
	wantErr(t, err, store.ErrTooLarge)
	wantEverything(t, s, "big", false)
	_, err = s.Commit(t.Context(), store.Commit{KV: []store.KVOp{{Namespace: "n", Key: make([]byte, 70_000)}}})
	wantErr(t, err, store.ErrTooLarge)
	commit(t, s, everything(0, "small"))
	wantEverything(t, s, "small", true)
}

func commitRelaxed(t *testing.T, s store.Store) {
	for i := range 200 {
		name := fmt.Sprint("r", i)
		c := everything(uint64(i), name)
		c.Relaxed = true
		done := commit(t, s, c)
		if done.Seq != uint64(i+1) || done.Version == 0 {
			t.Fatalf("commit %d returned %v", i, done)
		}
		switch i % 5 { // each kind of read comes first now and then
		case 0:
			wantValue(t, s, name, name)
		case 1:
			wantJournal(t, s, "run", uint64(i), [][]byte{[]byte(name)})
		case 2:
			if _, ok, err := s.Row(t.Context(), "t", name); err != nil || !ok {
				t.Fatalf("row %s: %v, %v", name, ok, err)
			}
		case 3:
			if n := len(due(t, s, at(1), 1000)); n != i+1 {
				t.Fatalf("%d timers, want %d", n, i+1)
			}
		}
	}
	_, err := s.Commit(t.Context(), store.Commit{Run: "run", ExpectSeq: 7, Appends: records(0, 1), Relaxed: true})
	wantErr(t, err, store.ErrSequence)
}

func commitCancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, everything(0, "late"))
	wantErr(t, err, context.Canceled)
	if _, err := s.Get(ctx, "n", []byte("late")); !errors.Is(err, context.Canceled) {
		t.Fatalf("Get with a context that has ended: %v", err)
	}
	wantEverything(t, s, "late", false)
}

func closed(t *testing.T, s store.Store) {
	commit(t, s, everything(0, "a"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	errs := map[string]error{"DropJournal": s.DropJournal(ctx, "run")}
	_, errs["Commit"] = s.Commit(ctx, everything(1, "b"))
	_, errs["Journal"] = s.Journal(ctx, "run", 0)
	_, errs["Get"] = s.Get(ctx, "n", []byte("a"))
	_, errs["List"] = s.List(ctx, "n", store.Range{})
	_, _, errs["Row"] = s.Row(ctx, "t", "a")
	_, errs["Rows"] = s.Rows(ctx, "t", store.Range{})
	_, errs["Due"] = s.Due(ctx, at(1), 1)
	for method, err := range errs {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after Close: %v", method, err)
		}
	}
}
