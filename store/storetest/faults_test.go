package storetest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"reprise/store"
	"reprise/store/badger"
	"reprise/store/storetest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Cleanup(func())
	Error(args ...any)
	Fatal(args ...any)
	Helper()
}

func memory(t tester) store.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// As long as it does not stop, it is a store like any other.
func TestFaultsConform(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return storetest.NewFaults(memory(t)) })
}

// step is write i of a history in which all parts of a commit are used.
func step(i int, relaxed bool) store.Commit {
	return store.Commit{
		Run: "r", ExpectSeq: uint64(i), Appends: [][]byte{fmt.Appendf(nil, "%d at %020d", i, 0)},
		Stamp:   &store.Stamp{Append: 0, Offset: len(fmt.Sprint(i, " at "))},
		KV:      []store.KVOp{{Namespace: "n", Key: fmt.Append(nil, i%3), Value: fmt.Append(nil, i)}, {Namespace: "n", Key: []byte("sum"), Sum: true, Delta: 1}},
		Timers:  []store.TimerOp{{Run: "r", ID: uint64(i), At: at(int64(i))}},
		Rows:    []store.RowOp{{Table: "t", Key: fmt.Sprint(i), Value: fmt.Append(nil, i)}},
		Relaxed: relaxed,
	}
}

// After the n-th write nothing happens any more, and every call says so.
func TestFaultsStop(t *testing.T) {
	s := memory(t)
	f := storetest.NewFaults(s)
	f.StopAfter(3)
	var told []string
	f.OnCommit = func(n int, c *store.Commit) { told = append(told, fmt.Sprint(n, c.Run, len(c.Appends))) }
	mustCommit(t, f, step(0, true))
	mustCommit(t, f, store.Commit{}) // writes nothing and does not count
	if _, err := f.Commit(t.Context(), step(7, false)); !errors.Is(err, store.ErrSequence) {
		t.Fatal(err)
	}
	if err := f.DropJournal(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.Stopped():
		t.Fatal("it stopped too early")
	default:
	}
	mustCommit(t, f, step(1, false))
	<-f.Stopped()
	if d := cmp.Diff([]string{"1r1", "2other0", "3r1"}, told); d != "" || f.Commits() != 3 {
		t.Errorf("OnCommit was told (-want +got)\n%s", d)
	}
	ctx := t.Context()
	errs := map[string]error{"DropJournal": f.DropJournal(ctx, "r")}
	_, errs["Commit"] = f.Commit(ctx, step(2, true))
	_, errs["Journal"] = f.Journal(ctx, "r", 0)
	_, errs["Get"] = f.Get(ctx, "n", []byte("1"))
	_, errs["List"] = f.List(ctx, "n", store.Range{})
	_, _, errs["Row"] = f.Row(ctx, "t", "1")
	_, errs["Rows"] = f.Rows(ctx, "t", store.Range{})
	_, errs["Due"] = f.Due(ctx, at(9), 1)
	for method, err := range errs {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after the stop: %v", method, err)
		}
	}
	if got, err := s.Journal(ctx, "r", 0); err != nil || len(got) != 2 {
		t.Errorf("the wrapped store has %d records, %v", len(got), err)
	}
}

// With Unacknowledged the last write happens and its caller is not told.
func TestFaultsUnacknowledged(t *testing.T) {
	s := memory(t)
	f := storetest.NewFaults(s)
	f.Unacknowledged = true
	f.StopAfter(2)
	mustCommit(t, f, step(0, false))
	if done, err := f.Commit(t.Context(), step(1, false)); !errors.Is(err, store.ErrClosed) || done != (store.Committed{}) {
		t.Fatalf("Commit = %v, %v", done, err)
	}
	if got, err := s.Journal(t.Context(), "r", 0); err != nil || len(got) != 2 {
		t.Fatalf("%d records, %v", len(got), err)
	}
}

// What survives is exactly the store as it was after that many writes: versions,
// stamps and all; and it can crash again.
func TestSurvivors(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := storetest.NewFaults(memory(rt))
		for range rapid.IntRange(1, 3).Draw(rt, "crashes") {
			var states []string // after each write that a crash may lose, and before
			next := len(dump(t, f).Journal)
			states = append(states, fmt.Sprint(dump(t, f)))
			for range rapid.IntRange(0, 6).Draw(rt, "writes") {
				relaxed := rapid.Bool().Draw(rt, "relaxed")
				switch rapid.IntRange(0, 5).Draw(rt, "what") {
				case 0:
					relaxed = false
					if err := f.DropJournal(t.Context(), "r"); err != nil {
						rt.Fatal(err)
					}
					next = 0
				case 1: // a refused one leaves no trace, not even in the versions
					c := step(next, relaxed)
					c.Rows = append(c.Rows, c.Rows[0])
					c.Rows[1].IfAbsent = true
					if _, err := f.Commit(t.Context(), c); !errors.Is(err, store.ErrRowExists) {
						rt.Fatal(err)
					}
					continue
				case 2: // what waits makes all before it last, even if it writes nothing
					mustCommit(t, f, store.Commit{Relaxed: relaxed})
					if !relaxed {
						states = states[len(states)-1:]
					}
					continue
				default:
					mustCommit(t, f, step(next, relaxed))
					next++
				}
				if !relaxed {
					states = nil
				}
				states = append(states, fmt.Sprint(dump(t, f)))
			}
			if n := f.Relaxed(); n != len(states)-1 {
				rt.Fatalf("%d writes may be lost, want %d", n, len(states)-1)
			}
			f.Stop()
			kept := rapid.IntRange(0, len(states)-1).Draw(rt, "kept")
			g, err := f.Survivors(memory(rt), kept)
			if err != nil {
				rt.Fatal(err)
			}
			if d := cmp.Diff(states[kept], fmt.Sprint(dump(t, g))); d != "" {
				rt.Fatalf("what survived (-want +got)\n%s", d)
			}
			if g.Relaxed() != 0 || g.Commits() != 0 {
				rt.Fatal("what survived once can be lost after all")
			}
			f = g
		}
		if _, err := f.Survivors(memory(rt), f.Relaxed()+1); err == nil {
			rt.Fatal("more survived than there was")
		}
	})
}

// Writers at once are put in one order, which is the one that survives.
func TestFaultsConcurrently(t *testing.T) {
	f := storetest.NewFaults(memory(t))
	f.StopAfter(100)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				_, err := f.Commit(t.Context(), store.Commit{
					Run: fmt.Sprint(w), ExpectSeq: uint64(i), Appends: [][]byte{{byte(i)}}, Relaxed: true,
					KV: []store.KVOp{{Namespace: "n", Key: []byte("last"), Value: fmt.Append(nil, w, i)}},
				})
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	wg.Wait()
	if f.Commits() != 100 || f.Relaxed() != 100 {
		t.Fatalf("%d commits, %d relaxed", f.Commits(), f.Relaxed())
	}
	for _, kept := range []int{0, 50, 100} {
		g, err := f.Survivors(memory(t), kept)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for w := range 8 {
			records, err := g.Journal(t.Context(), fmt.Sprint(w), 0)
			if err != nil {
				t.Fatal(err)
			}
			n += len(records)
		}
		if n != kept {
			t.Errorf("%d records survived, want %d", n, kept)
		}
	}
}

func mustCommit(t *testing.T, s store.Store, c store.Commit) {
	t.Helper()
	if _, err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// contents is everything that step writes.
type contents struct {
	Journal []string
	KV      []store.Entry
	Rows    []store.Row
	Timers  []store.Timer
}

func dump(t *testing.T, s store.Store) (c contents) {
	t.Helper()
	ctx := t.Context()
	records, err := s.Journal(ctx, "r", 0)
	for _, r := range records {
		c.Journal = append(c.Journal, string(r))
	}
	errs := []error{err}
	c.KV, err = s.List(ctx, "n", store.Range{})
	errs = append(errs, err)
	c.Rows, err = s.Rows(ctx, "t", store.Range{})
	errs = append(errs, err)
	c.Timers, err = s.Due(ctx, at(1000), 1000)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	return c
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
