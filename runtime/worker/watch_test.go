package worker

import (
	"testing"
	"time"
)

// looks has the watch look at turns for a while, every 20 ms, while the process
// uses so many cores, and returns when it found one to be overdue.
func looks(w *process, now *time.Time, cpu *time.Duration, turns []*job, cores int, most time.Duration) (took time.Duration, v verdict, found bool) {
	for ; took < most; took += watchBusy {
		if v, found = w.overdue(turns, *now, *cpu, true); found {
			return took, v, true
		}
		*now = now.Add(watchBusy)
		*cpu += time.Duration(cores) * watchBusy
	}
	return took, v, false
}

func TestATurnIsChargedItsPart(t *testing.T) {
	// Four turns on two cores make each other slow. The one that is left in the end
	// has used no more than its part of that.
	w, now, cpu := &process{}, time.Unix(1, 0), time.Hour
	turns := make([]*job, 4)
	for i := range turns {
		turns[i] = &job{budget: time.Second}
	}
	if took, v, found := looks(w, &now, &cpu, turns, 2, 2*time.Second); found {
		t.Fatalf("after %v beside others: %+v", took, v)
	}
	took, v, found := looks(w, &now, &cpu, turns[:1], 1, time.Minute)
	if want := 500 * time.Millisecond; !found || took < want-2*watchBusy || took > want+2*watchBusy {
		t.Errorf("it was found after %v, not %v", took, want)
	}
	if v.limit != "turnCpu" || v.guilty != turns[0] {
		t.Errorf("verdict = %+v", v)
	}
}

func TestATurnThatOnlyWaits(t *testing.T) {
	// A machine that has no time for a turn is no reason to end it, for a while.
	w, now, cpu := &process{}, time.Unix(1, 0), time.Duration(0)
	took, v, found := looks(w, &now, &cpu, []*job{{budget: time.Second}}, 0, time.Hour)
	if !found || took < stuckAfter || took > stuckAfter+2*watchBusy || v.limit != "process" || v.guilty != nil {
		t.Errorf("after %v: %+v", took, v)
	}
}

func TestTurnsThatAreOverdueTogether(t *testing.T) {
	// Nobody knows which one it is.
	w, now, cpu := &process{}, time.Unix(1, 0), time.Duration(0)
	turns := []*job{{budget: time.Second}, {budget: time.Minute}}
	if _, v, found := looks(w, &now, &cpu, turns, 2, time.Minute); !found || v.guilty != nil || v.limit != "turnCpu" {
		t.Errorf("found %v: %+v", found, v)
	}
}

func TestTurnsThatComeAndGo(t *testing.T) {
	// What was used before a turn began is not its.
	w, now, cpu := &process{}, time.Unix(1, 0), time.Duration(0)
	for i := range 100 {
		cpu += time.Minute
		if took, v, found := looks(w, &now, &cpu, []*job{{budget: time.Second}}, 2, time.Second); found {
			t.Fatalf("turn %d after %v: %+v", i, took, v)
		}
	}
}

func TestTurnsOfABatch(t *testing.T) {
	// Sixteen turns that were asked for at once have a budget each, and one of them
	// does not have that of all. A worker that says it has begun more is not believed.
	w, now, cpu := &process{}, time.Unix(1, 0), time.Hour
	j := &job{budget: time.Second, turns: 16}
	for turn := range uint64(16) {
		j.reached(turn + 7)
		if took, v, found := looks(w, &now, &cpu, []*job{j}, 1, time.Second); found {
			t.Fatalf("turn %d after %v: %+v", turn, took, v)
		}
	}
	j.reached(50)
	if took, v, found := looks(w, &now, &cpu, []*job{j}, 1, time.Minute); !found || took > time.Second || v.guilty != j {
		t.Errorf("the last one after %v: %+v", took, v)
	}
}
