// What a worker process does about its memory by itself. The wall is the
// server, which kills a process that takes too much, with everything in it; so
// a little before that, the turn that seems to be to blame is stopped. Go does
// not say who allocated what. But few turns execute at a time, most often one,
// and what was allocated between two looks, 5 ms apart, is put down to those
// that were executing, in equal parts.

package worker

import (
	"runtime/metrics"
	"sync"
	"time"

	"reprise/runtime/call"
)

const (
	// heapShare is how many percent of the process's memory the collector tries
	// to stay within. The rest is for what it can not: stacks, fragments, a
	// string that doubles.
	heapShare = 60
	// stopShare is at how many percent a turn is stopped.
	stopShare = 75
	// lookEvery is how often to look while turns execute. A script can take
	// some 20 MB in that time.
	lookEvery = 5 * time.Millisecond
	// blameShare is how many percent of the limit a turn must have taken by itself
	// to be stopped. Others hold the rest, which wait: stopping whoever executes
	// would help nobody.
	blameShare = 10
	// spareFor is how long after a turn was stopped no other one is: it takes a
	// collection for the memory to come back.
	spareFor = 200 * time.Millisecond
)

// memoryGuard watches the heap while turns execute, and how long they take.
type memoryGuard struct {
	limit int64
	cores *cores // nil where it does not matter; guarded by mu

	mu      sync.Mutex
	turns   map[*watched]struct{} // executing; guarded by mu
	timer   *time.Timer           // runs look; guarded by mu
	armed   bool                  // guarded by mu
	samples []metrics.Sample      // guarded by mu
	before  uint64                // allocated in all at the last look; guarded by mu
	spare   time.Time             // guarded by mu
}

// watched is a turn that executes.
type watched struct {
	guard     *memoryGuard
	session   *session // nil while a VM is being made
	began     time.Time
	allocated float64
	next      func() // says that the next turn of several begins
}

func newMemoryGuard(memory int64) *memoryGuard {
	return &memoryGuard{
		limit: memory / 100 * stopShare, turns: map[*watched]struct{}{},
		samples: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/allocs:bytes"}},
	}
}

// begin tells the guard of a turn; its end must be told, too.
func (g *memoryGuard) begin(s *session) *watched {
	w := &watched{guard: g, session: s, began: time.Now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turns[w] = struct{}{}
	if !g.armed {
		g.armed = true
		g.arm()
	}
	return w
}

// of says which session the turn belongs to.
func (w *watched) of(s *session) {
	w.guard.mu.Lock()
	defer w.guard.mu.Unlock()
	w.session = s
}

func (w *watched) end() {
	w.guard.mu.Lock()
	defer w.guard.mu.Unlock()
	delete(w.guard.turns, w)
}

// arm has the guard look after a while. g.mu is held.
func (g *memoryGuard) arm() {
	if g.timer == nil {
		g.timer = time.AfterFunc(lookEvery, g.look)
		return
	}
	g.timer.Reset(lookEvery)
}

func (g *memoryGuard) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cores != nil {
		now := time.Now()
		g.cores.look(now, g.longest(now))
	}
	if len(g.turns) == 0 {
		g.armed, g.before = false, 0
		return
	}
	g.arm()
	metrics.Read(g.samples)
	g.account(int64(g.samples[0].Value.Uint64()), g.samples[1].Value.Uint64())
}

// longest is how long that turn has taken that executes longest. g.mu is held.
func (g *memoryGuard) longest(now time.Time) (took time.Duration) {
	for w := range g.turns {
		took = max(took, now.Sub(w.began))
	}
	return took
}

// account takes note of how large the heap is and how much was ever allocated.
// g.mu is held, as in what follows.
func (g *memoryGuard) account(live int64, allocated uint64) {
	if g.before != 0 {
		part := float64(allocated-g.before) / float64(len(g.turns))
		for w := range g.turns {
			w.allocated += part
		}
	}
	g.before = allocated
	if live > g.limit && time.Now().After(g.spare) {
		g.stop(live)
	}
}

// biggest is the turn that has allocated most, if it is to blame, or nil. A
// revision that is being loaded can not be stopped from here, and nobody else is
// in its place.
func (g *memoryGuard) biggest() (most *watched) {
	for w := range g.turns {
		if most == nil || w.allocated > most.allocated || w.allocated == most.allocated && most.session == nil {
			most = w
		}
	}
	if most == nil || most.session == nil || most.allocated < float64(g.limit)/100*blameShare {
		return nil
	}
	return most
}

// stop interrupts the turn that is to blame for the heap.
func (g *memoryGuard) stop(live int64) {
	most := g.biggest()
	if most == nil {
		return
	}
	g.spare = time.Now().Add(spareFor)
	most.session.interrupt(errMemory(live, g.limit))
}

// errMemory is why a turn ends that took too much memory.
func errMemory(used, allowed int64) *call.Error {
	return call.Errorf(call.CodeResource, "the script took too much memory: its worker process held %d MiB, and turns are stopped at %d, three quarters of what it may take; keep less at a time, in pages or in the KV store",
		mebibytes(used), mebibytes(allowed)).WithData(map[string]any{"limit": "memory", "used": used, "allowed": allowed})
}
