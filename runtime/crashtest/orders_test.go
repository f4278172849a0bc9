package crashtest

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
	"reprise/store/storetest"
)

// chance is a source of random numbers for goroutines that share it.
type chance struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *chance) below(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.IntN(n)
}

func TestAnyOrderReplays(t *testing.T) {
	// Whatever order outcomes come in, and wherever the process dies meanwhile,
	// the journal replays to the end that the run came to.
	for i, s := range nasty {
		s.doubt = true
		t.Run(s.name, func(t *testing.T) {
			theLab(t)
			times := orders
			if s.name == "big" && !soak {
				times /= 5 // it is bytes that cost, and not orders
			}
			for seed := range times {
				if t.Failed() {
					t.Logf("seed %d", seed)
					return
				}
				synctest.Test(t, func(t *testing.T) { anyOrder(t, &s, &chance{rng: rand.New(rand.NewPCG(uint64(i), uint64(seed)))}) })
			}
		})
	}
}

func anyOrder(t *testing.T, s *scenario, c *chance) {
	kept := newMemory()
	f := storetest.NewFaults(kept)
	w := newWorld(t, s)
	w.up.latency = func() time.Duration {
		if c.below(4) == 0 {
			return 0
		}
		return time.Duration(c.below(3000)) * time.Millisecond
	}
	inspect := func(e *runtime.Engine) {
		w.look(e, f, kept.spaces()) // which replays every run
		report, err := e.Check(t.Context(), runtime.CheckRequest{Script: s.script, Finished: 100})
		if err != nil || report.Diverge > 0 || report.Same != len(report.Runs) {
			t.Errorf("%s: the check of its runs: %+v, %v", s.name, report, err)
		}
	}
	for range c.below(3) {
		f.Unacknowledged = c.below(2) == 0
		f.StopAfter(f.Commits() + 1 + c.below(40))
		if w.life(f, inspect) {
			return
		}
		kept, f = w.survivors(f, crash{kept: c.below(20) - 1})
	}
	if !w.life(f, inspect) {
		t.Errorf("%s did not end", s.name)
	}
}
