package crashtest

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/worker/workertest"
	"reprise/store/storetest"
)

// disturbed runs a scenario in one life, and lets turns have other fates than to
// be executed. It returns how many there were until all runs had ended.
func disturbed(t *testing.T, s *scenario, want *result, what string, fate func(t workertest.Turn) workertest.Fate) (turns int) {
	t.Helper()
	theLab(t)
	synctest.Test(t, func(t *testing.T) {
		kept := newMemory()
		f := storetest.NewFaults(kept)
		w := newWorld(t, s)
		l := &workertest.Losing{Workers: w.lab.workers, Fate: fate}
		w.workers = l
		ended := w.life(f, func(e *runtime.Engine) {
			turns = l.Turns()
			l.Decide(undisturbedTurn) // looking is not disturbed
			if d := cmp.Diff(*want, w.look(e, f, kept.spaces())); d != "" {
				t.Errorf("%s, %s (- undisturbed, + disturbed):\n%s\n%s", s.name, what, d, w.standing(t.Context(), e))
			}
		})
		if !ended {
			t.Errorf("%s, %s: it did not end", s.name, what)
		}
	})
	return turns
}

func undisturbedTurn(workertest.Turn) workertest.Fate { return workertest.Done }

// lostAt has the turns with these numbers lost.
func lostAt(how workertest.Fate, numbers ...int) func(workertest.Turn) workertest.Fate {
	return func(t workertest.Turn) workertest.Fate {
		if slices.Contains(numbers, t.N) {
			return how
		}
		return workertest.Done
	}
}

func TestLoseTheWorkerEverywhere(t *testing.T) {
	// Whatever turn the worker is lost in, be it the first, one of a replay, or one
	// while steps are undone, before or after it was executed, the runs end as if
	// nothing had happened.
	fates := []workertest.Fate{workertest.Lost, workertest.LostAfter}
	for _, s := range all() {
		t.Run(s.name, func(t *testing.T) {
			want, _ := undisturbed(t, &s)
			if t.Failed() {
				return
			}
			turns, losses := disturbed(t, &s, &want, "nothing is lost", undisturbedTurn), 0
			for n := 1; n <= turns && !t.Failed(); n++ {
				losses++
				disturbed(t, &s, &want, fmt.Sprintf("turn %d is lost", n), lostAt(fates[n%2], n))
				if !soak {
					continue
				}
				disturbed(t, &s, &want, fmt.Sprintf("turn %d is lost, in the other way", n), lostAt(fates[1-n%2], n))
				for again := 1; again < 6; again++ { // in the replay, or soon after it
					losses++
					disturbed(t, &s, &want, fmt.Sprintf("turns %d and %d are lost", n, n+again), lostAt(fates[again%2], n, n+again))
				}
			}
			next, gap := 1, 1 // ever more seldom, so that long runs come to their end
			disturbed(t, &s, &want, "many turns are lost", func(t workertest.Turn) workertest.Fate {
				if t.N < next {
					return workertest.Done
				}
				gap++
				next = t.N + gap
				return fates[gap%2]
			})
			t.Logf("%d turns, %d losses", turns, losses)
		})
	}
}
