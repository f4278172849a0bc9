package worker

import (
	"fmt"
	goruntime "runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
)

func TestSlots(t *testing.T) {
	s := slots(make([]byte, 4*slotSize))
	s.set(0, 7)
	s.set(3, 1<<63)
	s.set(4, 9) // there is none
	s.next(3)
	s.next(4)
	if got := s.all(); !slices.Equal(got, []inSlot{{7, 0}, {1 << 63, 1}}) {
		t.Errorf("jobs = %v", got)
	}
	s.set(0, 0)
	if got := s.all(); !slices.Equal(got, []inSlot{{1 << 63, 1}}) {
		t.Errorf("jobs = %v", got)
	}
	slots(nil).next(0)
	slots(nil).set(0, 1) // a system without shared memory
	if got := slots(nil).all(); got != nil {
		t.Errorf("jobs = %v", got)
	}
	if SharedMemory/slotSize < turnsPerWorker {
		t.Error("a worker is given more turns than there are slots")
	}
}

func TestSuspicion(t *testing.T) {
	// A suspect is one until it gets beyond the turn that its process ended in, a
	// revision is marked for a while, and what nobody asks for is forgotten.
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(PoolOptions{Workers: 1})
		defer p.Close()
		suspect := func(run, revision string) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.isSuspect(run, revision)
		}
		p.mu.Lock()
		p.suspect("r", 3)
		p.mark("a", time.Now().Add(markFor))
		p.mu.Unlock()
		p.passed("r", 2)
		if !suspect("r", "b") || suspect("q", "b") || !suspect("q", "a") || p.Marked("a").IsZero() || !p.Marked("b").IsZero() {
			t.Error("after the end of the process")
		}
		p.passed("r", 3)
		if suspect("r", "b") {
			t.Error("it was not cleared")
		}
		time.Sleep(markFor - 1)
		if p.Marked("a").IsZero() {
			t.Error("the mark is gone too early")
		}
		time.Sleep(2 * time.Nanosecond)
		if !p.Marked("a").IsZero() || len(p.marked) > 0 {
			t.Error("the mark stays")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.mark("a", time.Now().Add(markFor))
		time.Sleep(markFor + 1)
		p.mark("b", time.Now().Add(markFor))
		if len(p.marked) != 1 {
			t.Errorf("marked: %v", p.marked)
		}
		for i := range 3 * maxSuspects {
			p.suspect(fmt.Sprint(i), 1)
			time.Sleep(2 * suspectFor / maxSuspects)
		}
		if n := len(p.suspects); n > maxSuspects {
			t.Errorf("%d suspects are remembered", n)
		}
	})
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		exit proc.Exit
		want string
	}{
		{proc.Exit{Code: 2, Fatal: "fatal error: runtime: out of memory"}, "memory"},
		{proc.Exit{Code: 2, Fatal: "runtime: goroutine stack exceeds 1000000000-byte limit"}, "callStack"},
		{proc.Exit{Code: 2, Fatal: "panic: oops"}, "process"},
		{proc.Exit{Code: -1, Signal: 9}, "process"},
	} {
		v := autopsy(c.exit, 99)
		err := errResource(&job{script: "s", run: "r"}, v)
		if v.limit != c.want || call.LimitOf(err) != c.want || !IsVerdict(err) || v.why == "" {
			t.Errorf("%+v: %+v, %v", c.exit, v, err)
		}
	}
	for _, err := range []error{nil, errTooLarge("it", 2, 1), call.OverTurnCPU(2, 1), call.Errorf(call.CodeWorkerLost, "gone"), fmt.Errorf("no")} {
		if IsVerdict(err) {
			t.Errorf("%v is no verdict", err)
		}
	}
}

func TestProcs(t *testing.T) {
	// All workers together have the cores there are.
	cores := goruntime.NumCPU()
	for _, workers := range []int{0, 1, 2, cores, 10 * cores} {
		n := Procs(workers)
		if n < 1 || n > cores || n*max(1, workers) < cores {
			t.Errorf("%d workers on %d cores: %d each", workers, cores, n)
		}
	}
}
