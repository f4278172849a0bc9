package crashtest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/store/storetest"
)

// undisturbed runs a scenario in one life.
func undisturbed(t *testing.T, s *scenario) (want result, commits int) {
	t.Helper()
	theLab(t) // before there is a bubble
	synctest.Test(t, func(t *testing.T) {
		kept := newMemory()
		f := storetest.NewFaults(kept)
		w := newWorld(t, s)
		if !w.life(f, func(e *runtime.Engine) { want = w.look(e, f, kept.spaces()); w.checkEnd(e) }) {
			t.Fatalf("%s did not end", s.name)
		}
		commits = f.Commits()
	})
	return want, commits
}

// checkEnd holds the scenario to what it is for.
func (w *world) checkEnd(e *runtime.Engine) {
	w.t.Helper()
	r, err := e.Get(w.t.Context(), w.run)
	want := w.what.status
	if want == "" {
		want = runtime.Succeeded
	}
	if err != nil || r.Status != want {
		w.t.Errorf("%s is %s, not %s: %s %v, %v\n%s", w.what.name, r.Status, want, r.Reason, r.Error, err, w.standing(w.t.Context(), e))
	}
}

// crash says when a process dies and what of the last commits is left.
type crash struct {
	after int  // commits
	acked bool // the last one's caller knew of it
	kept  int  // relaxed commits that survive; -1: all
}

func (c crash) String() string {
	return fmt.Sprintf("crash after commit %d (acknowledged %v, %d kept)", c.after, c.acked, c.kept)
}

// crashed runs a scenario in as many lives as there are crashes, and one more.
func crashed(t *testing.T, s *scenario, want result, crashes ...crash) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		kept := newMemory()
		f := storetest.NewFaults(kept)
		w := newWorld(t, s)
		inspect := func(e *runtime.Engine) {
			got := w.look(e, f, kept.spaces())
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, %v (- undisturbed, + with crashes):\n%s\n%s", s.name, crashes, d, w.standing(t.Context(), e))
			}
		}
		for _, c := range crashes {
			f.Unacknowledged = !c.acked
			f.StopAfter(f.Commits() + c.after)
			if w.life(f, inspect) {
				return
			}
			kept, f = w.survivors(f, c)
		}
		if !w.life(f, inspect) {
			t.Errorf("%s, %v: it did not end", s.name, crashes)
		}
	})
}

// survivors is the store that the next life finds.
func (w *world) survivors(f *storetest.Faults, c crash) (*memory, *storetest.Faults) {
	n := f.Relaxed()
	if c.kept >= 0 {
		n = min(n, c.kept)
	}
	fresh := newMemory()
	g, err := f.Survivors(fresh, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return fresh, g
}

func TestCrashEverywhere(t *testing.T) {
	// Whatever commit is the last one of a process, the runs end as if nothing
	// had happened.
	for _, s := range all() {
		t.Run(s.name, func(t *testing.T) {
			want, commits := undisturbed(t, &s)
			if t.Failed() {
				return
			}
			if len(want.Left) > 0 {
				t.Errorf("what is left: %q", want.Left)
			}
			lives := 0
			for n := 1; n <= commits+2 && !t.Failed(); n++ {
				list := []crash{{after: n, kept: -1}, {after: n, acked: true, kept: 0}}
				for kept := 1; soak && kept < 6; kept++ {
					list = append(list, crash{after: n, kept: kept})
				}
				for _, c := range list {
					lives++
					crashed(t, &s, want, c)
				}
				for again := 1; again <= commits-n+3 && soak; again++ {
					lives++
					crashed(t, &s, want, crash{after: n, acked: again%2 == 0, kept: -(again % 2)}, crash{after: again, kept: -1})
				}
			}
			t.Logf("%d commits, %d crashes", commits, lives)
		})
	}
}

func TestUndisturbed(t *testing.T) {
	// Each script does what it is for, and leaves nothing behind.
	for _, s := range all() {
		t.Run(s.name, func(t *testing.T) {
			want, commits := undisturbed(t, &s)
			t.Logf("%d commits\n%s\n%s\n%s", commits, strings.Join(want.Runs, "\n"), strings.Join(want.Effects, "\n"), strings.Join(want.KV, "\n"))
			if len(want.Left) > 0 {
				t.Errorf("what is left: %q", want.Left)
			}
		})
	}
}
