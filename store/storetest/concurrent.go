package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"reprise/store"
)

const writers = 16

// race runs fn in many goroutines at once, for some rounds.
func race(rounds int, fn func(writer, round int)) {
	for round := range rounds {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() { fn(w, round) })
		}
		wg.Wait()
	}
}

func concurrentChecks(t *testing.T, s store.Store) {
	const rounds = 20
	wins := make([]atomic.Int32, rounds)
	before := make([]store.Version, rounds+1)
	race(rounds, func(w, round int) {
		done, err := s.Commit(t.Context(), store.Commit{
			Checks:  []store.Check{{Namespace: "n", Key: []byte("a"), Version: before[round]}},
			KV:      []store.KVOp{set("a", fmt.Sprint(w)), set(fmt.Sprint("by", w), fmt.Sprint(round))},
			Relaxed: w%2 == 0,
		})
		if err == nil {
			wins[round].Add(1)
			before[round+1] = done.Version
			return
		}
		failed, ok := errors.AsType[*store.CheckError](err)
		if !ok || failed.Found <= before[round] {
			t.Errorf("round %d: %v", round, err)
			return
		}
		// Who lost can read what it lost to.
		if e, err := s.Get(t.Context(), "n", []byte("a")); err != nil || e[0].Version != failed.Found {
			t.Errorf("round %d: the check found %s, Get %s (%v)", round, failed.Found, e[0].Version, err)
		}
	})
	for round := range wins {
		if n := wins[round].Load(); n != 1 {
			t.Errorf("round %d has %d winners, want one", round, n)
		}
	}
}

func concurrentFences(t *testing.T, s store.Store) {
	const rounds = 20
	wins := make([]atomic.Int32, rounds)
	race(rounds, func(w, round int) {
		_, err := s.Commit(t.Context(), store.Commit{
			Run: "r", ExpectSeq: uint64(round), Appends: records(round, round+1), Relaxed: w%2 == 0,
		})
		if err == nil {
			wins[round].Add(1)
		} else if !errors.Is(err, store.ErrSequence) {
			t.Error(err)
		}
	})
	for round := range wins {
		if n := wins[round].Load(); n != 1 {
			t.Errorf("round %d has %d winners, want one", round, n)
		}
	}
	wantJournal(t, s, "r", 0, records(0, rounds))
}

func concurrentSums(t *testing.T, s store.Store) {
	const rounds = 20
	race(rounds, func(w, _ int) {
		_, err := s.Commit(t.Context(), store.Commit{
			KV:      []store.KVOp{{Namespace: "n", Key: []byte("a"), Sum: true, Delta: float64(w)}},
			Relaxed: w%3 == 0,
		})
		if err != nil {
			t.Error(err)
		}
	})
	wantValue(t, s, "a", fmt.Sprint(rounds*writers*(writers-1)/2))
}

func concurrentReaders(t *testing.T, s store.Store) {
	commitKV(t, s, set("a", "0"), set("b", "0"))
	race(10, func(w, round int) {
		if w%2 == 0 {
			v := fmt.Sprint(w, "/", round)
			if _, err := s.Commit(t.Context(), store.Commit{KV: []store.KVOp{set("a", v), set("b", v)}}); err != nil {
				t.Error(err)
			}
			return
		}
		got, err := s.Get(t.Context(), "n", []byte("a"), []byte("b"))
		if err != nil || string(got[0].Value) != string(got[1].Value) || got[0].Version != got[1].Version {
			t.Errorf("read half a commit: %v, %v", got, err)
		}
		list, err := s.List(t.Context(), "n", store.Range{})
		if err != nil || len(list) != 2 || string(list[0].Value) != string(list[1].Value) {
			t.Errorf("listed half a commit: %v, %v", list, err)
		}
	})
}
