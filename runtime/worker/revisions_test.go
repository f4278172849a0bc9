package worker

import (
	"testing"
	"time"

	"reprise/runtime/proc"
)

func TestALateForgetSparesWhatWasLoadedSince(t *testing.T) {
	// The last user of a revision forgets it while the next one loads it. What the
	// first says to the worker may come last, just before a run begins there.
	p := NewPool(PoolOptions{Workers: 1, Spawn: func() (*proc.Process, error) {
		return proc.Start("worker", proc.Options{Shared: SharedMemory})
	}})
	defer p.Close()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	r := Revision{ID: "a", Script: "s", Code: []byte(`(async (__reprise) => { __reprise.exports({ default: { run: () => 1 } }); })`)}
	load := func() uint64 {
		t.Helper()
		if _, err := p.Load(r, nil); err != nil {
			t.Fatal(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.revisions["a"].version
	}
	first := load()
	p.mu.Lock()
	w := p.workers[0]
	delete(p.revisions, "a") // the first half of Forget
	p.mu.Unlock()
	second := load()
	w.forget("a", first) // the second half
	w.mu.Lock()
	has := w.loads["a"]
	w.mu.Unlock()
	if has != second {
		t.Errorf("the worker has version %d, not %d", has, second)
	}
	s := &remote{pool: p, process: w, revision: "a", run: "r", script: "s", order: order{handler: HandlerRun}}
	turn, begun, err := s.begin(&Start{Run: "r", Script: "s", Revision: "a", Handler: HandlerRun, Durable: true, Now: time.Unix(1, 0).UTC()}, nil)
	if !begun || err != nil || string(turn.Value) != "1" {
		t.Errorf("a run: %+v, %v", turn, err)
	}
	p.Forget("a")
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.loads) > 0 {
		t.Errorf("what is left: %v", w.loads)
	}
}
