// A Pool holds VMs in child processes. The server decides which worker a run
// goes to, how many turns may wait (crowd.go), and when a process has to go
// (watch.go); the worker, which of those turns it was sent executes next
// (gate.go). A process that ends takes its VMs with it and nothing else: what is
// told is that turn after turn is lost, and runs are played again elsewhere.
//
//	Begin ──▶ place ──▶ crowd ──▶ pipe ──▶ gate ──▶ the worker's VM
//	                                                  │
//	Turn  ◀───────────────────────────────────────────┘

package worker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
)

const (
	// DefaultMemory is what a worker process may take. Four VMs that execute, and
	// some hundred that wait, have a hundred MB each before it is too much.
	DefaultMemory = 512 << 20
	// turnsPerWorker is how many turns a worker is given at a time. One script
	// gets half of them at most: see gate.go.
	turnsPerWorker = 4
	// noWorkerFor is how long a run waits for a process to begin in. Then it is put
	// aside, and hears what it is told.
	noWorkerFor = 10 * time.Second
	// maxLost is how often a run that has not begun is placed anew because its
	// process ended.
	maxLost = 5
)

// PoolOptions are what a Pool is made with.
type PoolOptions struct {
	// Workers is how many processes there are.
	Workers int
	// Spawn starts a process whose role it is to Serve.
	Spawn func() (*proc.Process, error)
	// Memory is what one may take, in bytes; 0 means DefaultMemory.
	Memory int64
	// OnEvent is told what happens to the processes. It must not block.
	OnEvent func(Event)
	Logger  *slog.Logger
}

// Pool holds VMs in child processes. It is safe for concurrent use.
type Pool struct {
	options PoolOptions
	ctx     context.Context
	close   context.CancelFunc
	running sync.WaitGroup // supervisors and preloads
	jobs    atomic.Uint64  // numbers them
	crowd   crowd
	hopeful atomic.Int32 // how many look for a process with room

	mu         sync.Mutex
	workers    []*process    // by place; nil while there is none; guarded by mu
	changed    chan struct{} // closed and made anew when a worker comes; guarded by mu
	quarantine *process      // guarded by mu; see suspects.go
	isolating  bool          // a supervisor of the quarantine is at work; guarded by mu
	broken     error         // why no process could be started last; guarded by mu
	revisions  map[string]*held
	suspects   map[string]suspicion // by run; guarded by mu
	marked     map[string]time.Time // until when a revision is kept apart; guarded by mu
}

// held is a revision that somebody uses. Its fields are guarded by Pool.mu.
type held struct {
	Revision
	handlers []string
	loads    int
	version  uint64 // rises when another source map takes over
}

// NewPool makes a Pool. Its processes are started by Start.
func NewPool(o PoolOptions) *Pool {
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pool{
		options: o, workers: make([]*process, max(1, o.Workers)), changed: make(chan struct{}),
		revisions: map[string]*held{}, suspects: map[string]suspicion{}, marked: map[string]time.Time{},
	}
	p.ctx, p.close = context.WithCancel(context.Background()) //nolint:forbidigo // it lives until Close
	return p
}

// Start starts the processes and returns when the first one is ready. If none
// could be started, the Pool is of no use: whoever waits for it is told.
func (p *Pool) Start() error {
	first := make(chan error, len(p.workers))
	for i := range p.workers {
		p.running.Go(func() { p.supervise(i, first) })
	}
	var err error
	for range p.workers {
		if err = <-first; err == nil {
			return nil
		}
	}
	p.close()
	return fmt.Errorf("no worker process could be started: %w", err)
}

// Close dismisses the processes and waits until they are gone. What executes
// is cut off.
func (p *Pool) Close() {
	p.mu.Lock()
	p.close() // nobody begins anything meanwhile, and nobody will
	p.mu.Unlock()
	p.running.Wait()
}

// Load implements Workers.
func (p *Pool) Load(r Revision, print func(Line)) ([]string, error) {
	p.mu.Lock()
	if known := p.revisions[r.ID]; known != nil && bytes.Equal(known.Map, r.Map) {
		known.loads++
		handlers := known.handlers
		p.mu.Unlock()
		return handlers, nil
	}
	p.mu.Unlock()
	w, handlers, err := p.evaluate(r, print)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	rev := p.revisions[r.ID]
	if rev == nil {
		rev = &held{version: p.jobs.Add(1)}
		p.revisions[r.ID] = rev
	} else if !bytes.Equal(rev.Map, r.Map) {
		rev.version = p.jobs.Add(1)
	}
	rev.Revision, rev.handlers = r, handlers
	rev.loads++
	version := rev.version
	p.mu.Unlock()
	w.loaded(r.ID, version)
	p.preload(r.ID)
	return handlers, nil
}

// evaluate loads a revision in one worker. Should that end while it executes, the
// quarantine follows, because the revision is marked then: it may have been
// another script's doing.
func (p *Pool) evaluate(r Revision, print func(Line)) (*process, []string, error) {
	for try := 0; ; try++ {
		w, err := p.place("", r.ID, false)
		if err != nil {
			return nil, nil, err
		}
		handlers, err := w.load(r, print)
		if call.CodeOf(err) != call.CodeWorkerLost || try == maxLost {
			return w, handlers, err
		}
	}
}

// preload has the other workers load a revision, so that no request waits for it.
func (p *Pool) preload(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, marked := p.marked[id]; marked || p.ctx.Err() != nil {
		return
	}
	for _, w := range p.workers {
		if w != nil {
			p.running.Go(func() { p.ensureQuietly(w, id) })
		}
	}
}

// ensureQuietly loads a revision ahead of its use, which would say what is wrong.
func (p *Pool) ensureQuietly(w *process, id string) {
	if err := p.ensure(w, id); err != nil && call.CodeOf(err) != call.CodeWorkerLost && call.CodeOf(err) != call.CodeNotFound {
		p.options.Logger.Debug("a revision could not be loaded ahead of its use", "revision", id, "error", err)
	}
}

// ensure has a worker load a revision that it has not loaded yet, or not with
// its present map.
func (p *Pool) ensure(w *process, id string) error {
	p.mu.Lock()
	rev := p.revisions[id]
	if rev == nil {
		p.mu.Unlock()
		return call.Errorf(call.CodeNotFound, "the revision %s is not loaded", id)
	}
	r, version := rev.Revision, rev.version
	p.mu.Unlock()
	if err := w.ensure(r, version); err != nil {
		return err
	}
	p.mu.Lock()
	unwanted := p.revisions[id] == nil
	p.mu.Unlock()
	if unwanted {
		w.forget(id, version)
	}
	return nil
}

// Hold implements Workers.
func (p *Pool) Hold(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	rev := p.revisions[id]
	if rev == nil {
		return false
	}
	rev.loads++
	return true
}

// Forget implements Workers.
func (p *Pool) Forget(id string) {
	p.mu.Lock()
	var tell []*process
	var version uint64
	if rev := p.revisions[id]; rev != nil {
		version = rev.version
		if rev.loads--; rev.loads == 0 {
			delete(p.revisions, id)
			delete(p.marked, id)
			tell = append(slices.Clone(p.workers), p.quarantine)
		}
	}
	p.mu.Unlock()
	for _, w := range tell {
		if w != nil {
			w.forget(id, version)
		}
	}
}

// Begin implements Workers.
func (p *Pool) Begin(id string, start Start, print func(Line)) (Session, Turn, error) {
	if err := p.crowd.enter(start.Script, !start.Durable); err != nil { // a run has been accepted
		return nil, Turn{}, err
	}
	defer p.crowd.leave(start.Script)
	for try := 0; ; try++ {
		w, err := p.place(start.Run, id, !start.Durable)
		if err != nil {
			return nil, Turn{}, err
		}
		s := &remote{pool: p, process: w, revision: id, run: start.Run, script: start.Script, order: order{handler: start.Handler}}
		turn, begun, err := s.begin(&start, print)
		if begun {
			return s, turn, nil
		}
		if call.CodeOf(err) != call.CodeWorkerLost || try == maxLost {
			return nil, Turn{}, err
		}
	}
}

// place chooses the worker for a run: the least busy one, or for a suspect the
// quarantine. It waits while there is none, and while they are full, unless the
// run may be refused.
func (p *Pool) place(run, revision string, refusable bool) (*process, error) {
	var patience <-chan time.Time
	p.hopeful.Add(1) // before looking, so that no room is made unseen
	defer p.hopeful.Add(-1)
	for {
		p.mu.Lock()
		var best *process
		var full bool
		if p.isSuspect(run, revision) {
			best, full = p.isolated()
		} else {
			best, full = p.leastBusy()
		}
		changed, broken := p.changed, p.broken
		p.mu.Unlock()
		if best != nil {
			return best, nil
		}
		if full && refusable {
			return nil, errFull()
		}
		if patience == nil {
			timer := time.NewTimer(noWorkerFor)
			defer timer.Stop()
			patience = timer.C
		}
		if err := p.await(changed, patience, full, broken); err != nil {
			return nil, err
		}
	}
}

// await waits until the processes are others than before, or have room.
func (p *Pool) await(changed <-chan struct{}, patience <-chan time.Time, full bool, broken error) error {
	again := time.NewTimer(beatEvery) // how full they are is said from time to time
	defer again.Stop()
	select {
	case <-changed:
	case <-again.C:
	case <-patience:
		if full {
			return call.Errorf(call.CodeUnavailable, "no worker process has had room for a run for %s", noWorkerFor)
		}
		err := call.Errorf(call.CodeUnavailable, "no worker process is ready; try again in a moment")
		if broken != nil {
			err = err.WithCause(broken)
		}
		return err
	case <-p.ctx.Done():
		return call.Errorf(call.CodeUnavailable, "the server is stopping")
	}
	return nil
}

// madeRoom tells those who wait for room that a run has ended.
func (p *Pool) madeRoom() {
	if p.hopeful.Load() > 0 {
		p.seat(func() {})
	}
}

// leastBusy returns the worker with the least to do that has room; full says
// that none has. p.mu is held, as in isolated.
func (p *Pool) leastBusy() (best *process, full bool) {
	least := 0
	for _, w := range p.workers {
		if w == nil || w.isDead() {
			continue
		}
		if w.isFull() {
			full = true
			continue
		}
		if n := w.busy(); best == nil || n < least {
			best, least = w, n
		}
	}
	return best, full
}

// isolated returns the quarantine, which is started if it is not there.
func (p *Pool) isolated() (w *process, full bool) {
	w = p.quarantine
	if w == nil || w.isDead() {
		p.isolate()
		return nil, false
	}
	if w.isFull() {
		return nil, true
	}
	return w, false
}

// Alive says how many of the processes are there.
func (p *Pool) Alive() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		if w != nil {
			n++
		}
	}
	return n
}

// RSS is the resident memory of all processes, in bytes; zero where the system
// does not say.
func (p *Pool) RSS() (bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range append(slices.Clone(p.workers), p.quarantine) {
		if w == nil {
			continue
		}
		if u, err := w.child.Usage(); err == nil {
			bytes += u.RSS
		}
	}
	return bytes
}
