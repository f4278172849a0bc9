package worker

import (
	goruntime "runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsToBlameForTheHeap(t *testing.T) {
	// What is allocated is put down to those that execute meanwhile, in equal
	// parts; the one with the largest part is stopped, then nobody for a while.
	g := newMemoryGuard(1000 << 20)
	g.armed = true // no timer of its own: the test says what it sees
	begin := func() *watched { return g.begin(&session{over: true}) }
	allocated := uint64(1 << 30)
	takes := func(mb int64, live int64) { allocated += uint64(mb) << 20; g.account(live<<20, allocated) }
	takes(0, 10)
	old := begin()
	takes(300, 310) // old alone
	young := begin()
	making := g.begin(nil)
	takes(600, 700) // three of them
	if old.allocated != 500<<20 || young.allocated != 200<<20 || making.allocated != 200<<20 {
		t.Fatalf("parts: %v, %v, %v", old.allocated, young.allocated, making.allocated)
	}
	if !g.spare.IsZero() {
		t.Fatal("somebody was stopped below the limit")
	}
	if got := g.biggest(); got != old {
		t.Errorf("biggest = %+v", got)
	}
	takes(1, 760)
	if g.spare.IsZero() {
		t.Error("nobody was stopped above the limit")
	}
	until := g.spare
	takes(1, 760)
	if !g.spare.Equal(until) {
		t.Error("another one was stopped at once")
	}
	old.end()
	if got := g.biggest(); got != young {
		t.Errorf("biggest = %+v", got)
	}
	young.end()
	if got := g.biggest(); got != nil {
		t.Errorf("a VM that is being made was blamed: %+v", got)
	}
	making.of(&session{over: true})
	if got := g.biggest(); got != making {
		t.Errorf("biggest = %+v", got)
	}
}

func TestWhoOnlyMeetsAFullHeapIsNotToBlame(t *testing.T) {
	// Runs that wait hold it: whoever executes now has taken next to nothing.
	g := newMemoryGuard(1000 << 20)
	g.armed = true
	w := g.begin(&session{over: true})
	g.account(800<<20, 1<<40)
	g.account(800<<20, 1<<40+20<<20)
	if got := g.biggest(); got != nil || !g.spare.IsZero() {
		t.Errorf("it was stopped after %v bytes", w.allocated)
	}
	g.account(800<<20, 1<<40+100<<20)
	if got := g.biggest(); got != w || g.spare.IsZero() {
		t.Errorf("it was not stopped after %v bytes", w.allocated)
	}
}

func TestNobodyIsBlamedForALoad(t *testing.T) {
	// A revision that is being loaded fills the heap, and can not be stopped from
	// here: whoever executes beside it has done nothing.
	g := newMemoryGuard(1000 << 20)
	g.armed = true
	g.begin(nil)
	g.account(100<<20, 1<<40)
	g.account(500<<20, 1<<40+400<<20)
	w := g.begin(&session{over: true})
	g.account(800<<20, 1<<40+700<<20)
	if got := g.biggest(); got != nil || !g.spare.IsZero() {
		t.Errorf("a turn was stopped that has allocated %v bytes", w.allocated)
	}
}

func TestTheGuardLooksByItself(t *testing.T) {
	// It wakes up while a turn executes, and rests when none does.
	synctest.Test(t, func(t *testing.T) {
		g := newMemoryGuard(1 << 40)
		w := g.begin(&session{over: true})
		time.Sleep(lookEvery)
		synctest.Wait()
		looks := func() (armed, looked bool) {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.armed, g.before != 0
		}
		if armed, looked := looks(); !armed || !looked {
			t.Error("it did not look")
		}
		w.end()
		time.Sleep(lookEvery)
		synctest.Wait()
		if armed, looked := looks(); armed || looked {
			t.Error("it goes on")
		}
		g.begin(&session{over: true}).end()
		if armed, _ := looks(); !armed {
			t.Error("it does not wake up again")
		}
		time.Sleep(lookEvery)
	})
}

func TestAFullProcessThatIsEmptyAgain(t *testing.T) {
	// What was in use at the last collection may be garbage by now.
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // none but those that are asked for
	func() {
		held := make([]byte, 64<<20)
		goruntime.GC()
		if n := inUse(1 << 40); n < 64<<20 {
			t.Fatalf("%d bytes are in use", n)
		}
		goruntime.KeepAlive(held)
	}()
	if n := inUse(32 << 20); n > 32<<20 {
		t.Errorf("%d bytes are in use, though nobody holds them", n)
	}
}
