package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"reprise/runtime"
	"reprise/runtime/call"
)

// bomb is a script whose every hundredth run takes more memory at once than its
// process may have: the parser needs some for each bracket, and no guard sees it.
const bomb = `export default {
  run(n) {
    if (n % 100 === 99) eval("[".repeat(4e6));
    return n;
  },
};
`

// held is what a server holds while nothing is going on. heap is how large its
// heap may become before it is collected, which is what is in use and a constant.
type held struct{ descriptors, processes, goroutines, memory, heap, workers int }

func (r *rig) held() held {
	return held{
		descriptors: r.descriptors(), processes: len(r.pids()), goroutines: int(r.metric("go_goroutines")),
		memory: r.memory(r.t), heap: int(r.metric("go_memstats_next_gc_bytes")) >> 10, workers: int(r.metric("reprise_worker_memory_bytes")) >> 10,
	}
}

func TestKilledRunsLeaveNothing(t *testing.T) {
	// Runs of which every hundredth ends its process, and then the quarantine's:
	// when it is over, the server holds what it held after the first few.
	memory := "96MiB"
	if raced {
		memory = "256MiB"
	}
	r := startRig(t, "serve", map[string]string{"bomb.ts": bomb}, "--worker-memory", memory, "--run-max-per-script", "500")
	r.bombs(0, bombsFirst)
	before := r.held()
	r.bombs(bombsFirst, bombsInAll)
	t.Logf("%v workers ended; the server held %+v after %d runs, and holds %+v after %d (memory in KiB)",
		r.metric("reprise_worker_ends_total"), before, bombsFirst, r.held(), bombsInAll)
	var now held
	settled := func() bool { // connections and timers go after a while
		now = r.held()
		return now.descriptors <= before.descriptors+8 && now.processes <= before.processes+1 && now.goroutines <= before.goroutines+10
	}
	r.await(fmt.Sprintf("that a server which held %+v holds no more", before), settled)
	if grown := now.memory - before.memory; grown > mayGrow && !raced {
		t.Errorf("the server grew by %d KiB", grown)
	}
	r.logEnds()
	r.stop()
}

// bombs has runs from a number on to another one, and checks how they end.
func (r *rig) bombs(from, to int) {
	r.t.Helper()
	var next atomic.Int64
	next.Store(int64(from) - 1)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				n := int(next.Add(1))
				if n >= to {
					return
				}
				run, err := r.run("bomb", fmt.Sprint(n))
				switch {
				case err != nil:
				case n%100 == 99 && (run.Status != runtime.Failed || call.LimitOf(run.Error) == ""):
					err = fmt.Errorf("the bomb is %s: %+v", run.Status, run)
				case n%100 != 99 && (run.Status != runtime.Succeeded || string(run.Output) != fmt.Sprint(n)):
					err = fmt.Errorf("it is %s: %+v", run.Status, run)
				}
				if err != nil {
					r.t.Errorf("run %d: %v", n, err)
					return
				}
			}
		})
	}
	group.Wait()
}
