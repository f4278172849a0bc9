package worker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// doorway is a gate with those inside it, for tests without goroutines.
type doorway struct {
	*gate
	asked  map[string]int // how many turns of a script have asked
	let    map[string]int // how many were let in
	inside []string
	wrong  []string
}

func newDoorway(slots int) *doorway {
	return &doorway{gate: newGate(slots), asked: map[string]int{}, let: map[string]int{}}
}

// come has a turn ask for entry.
func (d *doorway) come(script string) {
	d.asked[script]++
	number := d.asked[script]
	d.ask(script, func() {
		if d.let[script]++; d.let[script] != number {
			d.wrong = append(d.wrong, fmt.Sprintf("%s: turn %d was let in as number %d", script, number, d.let[script]))
		}
		d.inside = append(d.inside, script)
	})
}

// leaves has the i-th of those inside leave.
func (d *doorway) leaves(i int, took time.Duration) {
	script := d.inside[i]
	d.inside = slices.Delete(d.inside, i, i+1)
	d.leave(script, took)
}

func (d *doorway) insideOf(script string) (n int) {
	for _, s := range d.inside {
		if s == script {
			n++
		}
	}
	return n
}

// check holds the gate to what is always true.
func (d *doorway) check(t *testing.T) {
	t.Helper()
	if len(d.wrong) > 0 {
		t.Fatal(d.wrong)
	}
	if len(d.inside) > d.slots {
		t.Fatalf("%d are inside, and there are %d slots", len(d.inside), d.slots)
	}
	for script, asked := range d.asked {
		n, waiting := d.insideOf(script), asked-d.let[script]
		if n > d.share {
			t.Fatalf("%d turns of %s are inside, and its share is %d", n, script, d.share)
		}
		if waiting > 0 && n < d.share && len(d.inside) < d.slots {
			t.Fatalf("a turn of %s waits, and there is room: %v", script, d.inside)
		}
	}
}

func TestTheGateAtRandom(t *testing.T) {
	// Whoever comes and goes: the slots and the share of a script hold, a script's
	// turns go in order, none waits beside an empty slot, and all get in.
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := newDoorway(1 + r.IntN(8))
		for range 300 {
			if len(d.inside) == 0 || r.IntN(100) < 55 {
				d.come(string(rune('a' + r.IntN(1+r.IntN(5)))))
			} else {
				d.leaves(r.IntN(len(d.inside)), time.Duration(r.ExpFloat64()*float64(time.Millisecond)))
			}
			d.check(t)
		}
		for len(d.inside) > 0 {
			d.leaves(r.IntN(len(d.inside)), time.Duration(r.IntN(1000)))
			d.check(t)
		}
		for script, asked := range d.asked {
			if d.let[script] != asked {
				t.Fatalf("%d of %d turns of %s got in", d.let[script], asked, script)
			}
		}
		if len(d.lines) > 0 || d.gate.inside != 0 {
			t.Fatalf("what is left: %v, %d inside", d.lines, d.gate.inside)
		}
	}
}

// busy lets each script have turns of some length one after another, always with
// one waiting, and returns how long each has executed when time is over.
func (d *doorway) busy(lengths map[string]time.Duration, until time.Duration) map[string]time.Duration {
	used := map[string]time.Duration{}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range lengths {
			if !yield(name) {
				return
			}
		}
	})
	for _, name := range names {
		for range 2 * d.slots {
			d.come(name)
		}
	}
	type end struct {
		at     time.Duration
		script string
	}
	var ends []end
	for now := time.Duration(0); now < until; {
		running := map[string]int{}
		for _, e := range ends {
			running[e.script]++
		}
		for _, name := range names {
			for running[name] < d.insideOf(name) {
				running[name]++
				ends = append(ends, end{now + lengths[name], name})
			}
		}
		slices.SortStableFunc(ends, func(a, b end) int { return int(a.at - b.at) })
		first := ends[0]
		ends = ends[1:]
		now = first.at
		used[first.script] += lengths[first.script]
		d.come(first.script)
		d.leaves(slices.Index(d.inside, first.script), lengths[first.script])
	}
	return used
}

func TestTimeIsShared(t *testing.T) {
	// Scripts that always have something to do get as much time each, however long
	// their turns are.
	for _, slots := range []int{1, 2, 4} {
		used := newDoorway(slots).busy(map[string]time.Duration{"long": 200 * time.Millisecond, "short": time.Millisecond, "middle": 17 * time.Millisecond}, time.Minute)
		fair := time.Duration(slots) * time.Minute / 3
		for script, got := range used {
			if got < fair*8/10 || got > fair*12/10 {
				t.Errorf("%d slots: %s had %v, and its part is %v", slots, script, got, fair)
			}
		}
	}
}

func TestATurnOfAnotherScriptGoesFirst(t *testing.T) {
	// A thousand turns of one script do not stand before one of another.
	d := newDoorway(4)
	for range 1000 {
		d.come("many")
	}
	d.leaves(0, time.Millisecond)
	d.come("one")
	if d.insideOf("one") != 1 {
		t.Errorf("inside: %v", d.inside)
	}
}

func TestNobodySavesUpTime(t *testing.T) {
	// Two scripts that always execute a little while another one executes a lot
	// must not go before a newcomer for as long as that.
	d := newDoorway(6)
	took := map[string]time.Duration{"little 1": time.Millisecond, "little 2": time.Millisecond, "lot": time.Second}
	for s := range took {
		d.come(s)
	}
	for range 100 {
		for s, took := range took {
			d.come(s)
			d.leaves(slices.Index(d.inside, s), took)
		}
	}
	for range 500 {
		d.come("little 1")
		d.come("little 2")
	}
	d.come("new")
	for n := 0; d.insideOf("new") == 0; n++ {
		if n == 10 {
			t.Fatalf("%d turns went before the newcomer's", n)
		}
		d.leaves(0, 10*time.Millisecond)
	}
}

func TestEnteringWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		g.enter("a")
		in := 0
		for range 3 {
			go func() { g.enter("b"); in++ }()
			synctest.Wait()
		}
		for want := range 4 {
			synctest.Wait()
			if in != want {
				t.Fatalf("%d are in, not %d", in, want)
			}
			if want < 3 {
				g.leave(map[bool]string{true: "a", false: "b"}[want == 0], time.Millisecond)
			}
		}
	})
}
