package worker

import (
	"bytes"
	"cmp"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

const (
	// maxIdle is how many evaluated VMs a revision keeps for coming requests.
	// At about 60 KB each that is 4 MB for a script under load.
	maxIdle = 64
	// idleFor is how long an idle VM is kept once the load that needed it is
	// over. The one used last stays, so that the next request finds one ready.
	idleFor = 30 * time.Second
	// maxReuse is how many requests a VM serves before it is thrown away, so
	// that what a script leaks in its globals stays bounded.
	maxReuse = 1000
	// turnsPerCore is how many turns execute at once for every core: enough
	// that one long turn does not hold up the others.
	turnsPerCore = 4
)

// Options are what a Host is made with.
type Options struct {
	Platform vm.Platform
	Modules  []vm.Module
	// Connect makes env.NAME of a connection.
	Connect    func(v *vm.VM, name string) goja.Value
	TurnBudget time.Duration // 0 means vm.DefaultTurnBudget
}

// Host holds VMs in this process. It is safe for concurrent use.
type Host struct {
	options Options
	gate    *gate // nil in a child process, which has it before its goroutines
	crowd   crowd
	parts   *parts // of the processor

	mu        sync.Mutex
	revisions map[string]*revision // guarded by mu
}

// revision is a loaded revision and its idle VMs.
type revision struct {
	Revision
	program  *vm.Program
	handlers []string

	mu        sync.Mutex
	loads     int     // how often it was loaded and not forgotten; guarded by Host.mu
	forgotten bool    // guarded by mu
	idle      []*slot // evaluated VMs, used last at the end; guarded by mu
	trimming  bool    // a trim is due; guarded by mu
}

// slot is a VM with what belongs to its current user.
type slot struct {
	vm    *vm.VM
	print func(Line) // where console lines go now
	uses  int
	since time.Time // when it became idle
}

// New makes a Host.
func New(o Options) *Host {
	h := newHost(o)
	h.gate = newGate(turnsPerCore * goruntime.GOMAXPROCS(0))
	return h
}

func newHost(o Options) *Host {
	return &Host{options: o, revisions: map[string]*revision{}, parts: &parts{cpu: processCPU, every: readEvery}}
}

// Load implements Workers.
func (h *Host) Load(r Revision, print func(Line)) (handlers []string, err error) {
	h.mu.Lock()
	known := h.revisions[r.ID]
	if known != nil && bytes.Equal(known.Map, r.Map) {
		known.loads++
		h.mu.Unlock()
		return known.handlers, nil
	}
	h.mu.Unlock()
	rev, err := h.evaluate(r, print)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if other := h.revisions[r.ID]; other != nil {
		rev.loads += other.loads
		other.forget()
	}
	h.revisions[r.ID] = rev
	return rev.handlers, nil
}

// evaluate makes a revision with one VM that is ready for a run.
func (h *Host) evaluate(r Revision, print func(Line)) (*revision, error) {
	program, err := vm.Compile(r.Code, r.Map)
	if err != nil {
		return nil, err
	}
	rev := &revision{Revision: r, program: program, loads: 1}
	var s *slot
	if e := h.execute(r.Script, false, func() { s, err = h.newSlot(rev, r.Budget, print) }); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	for _, name := range s.vm.Handlers() {
		rev.handlers = append(rev.handlers, string(name))
	}
	s.print = nil
	rev.idle = append(rev.idle, s)
	return rev, nil
}

// Hold implements Workers.
func (h *Host) Hold(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	rev := h.revisions[id]
	if rev == nil {
		return false
	}
	rev.loads++
	return true
}

// Forget implements Workers. The last one drops the revision's program and idle
// VMs; runs that are using them finish.
func (h *Host) Forget(id string) {
	h.mu.Lock()
	rev := h.revisions[id]
	if rev == nil {
		h.mu.Unlock()
		return
	}
	rev.loads--
	last := rev.loads == 0
	if last {
		delete(h.revisions, id)
	}
	h.mu.Unlock()
	if last {
		rev.forget()
	}
}

// forget drops the idle VMs and takes no more back.
func (rev *revision) forget() {
	rev.mu.Lock()
	defer rev.mu.Unlock()
	rev.forgotten, rev.idle = true, nil
}

// newSlot makes a VM. It must be called where a turn may execute.
func (h *Host) newSlot(rev *revision, b Budget, print func(Line)) (*slot, error) {
	s := &slot{print: print}
	v, err := vm.New(rev.program, vm.Config{
		Platform: h.options.Platform, Modules: h.options.Modules, Connect: h.options.Connect,
		TurnBudget: cmp.Or(b.TurnCPU, h.options.TurnBudget), CallDepth: b.CallDepth, CPU: h.parts.now,
		Console: func(l Line) {
			if s.print != nil {
				s.print(l)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s.vm = v
	return s, nil
}

// execute has f executed as a turn of a script, once it may. With first it may
// be refused.
func (h *Host) execute(script string, first bool, f func()) error {
	if h.gate != nil {
		if err := h.crowd.enter(script, first); err != nil {
			return err
		}
		defer h.crowd.leave(script)
		h.gate.enter(script)
		began := time.Now()
		defer func() { h.gate.leave(script, time.Since(began)) }()
	}
	h.parts.change(+1)
	defer h.parts.change(-1)
	f()
	return nil
}

// Idle returns how many VMs of a revision wait for work.
func (h *Host) Idle(id string) int {
	h.mu.Lock()
	rev := h.revisions[id]
	h.mu.Unlock()
	if rev == nil {
		return 0
	}
	rev.mu.Lock()
	defer rev.mu.Unlock()
	return len(rev.idle)
}

// take returns an idle VM of the revision, or nil.
func (rev *revision) take() *slot {
	rev.mu.Lock()
	defer rev.mu.Unlock()
	n := len(rev.idle)
	if n == 0 {
		return nil
	}
	s := rev.idle[n-1]
	rev.idle[n-1] = nil
	rev.idle = rev.idle[:n-1]
	return s
}

func (rev *revision) put(s *slot) {
	rev.mu.Lock()
	defer rev.mu.Unlock()
	if rev.forgotten || len(rev.idle) == maxIdle {
		return
	}
	s.since = time.Now()
	rev.idle = append(rev.idle, s)
	rev.trimLater()
}

// trimLater sees to it that idle VMs are dropped in time. rev.mu is held.
func (rev *revision) trimLater() {
	if !rev.trimming && len(rev.idle) > 1 {
		rev.trimming = true
		time.AfterFunc(idleFor, rev.trim)
	}
}

// trim drops the VMs that nobody has needed for a while.
func (rev *revision) trim() {
	rev.mu.Lock()
	defer rev.mu.Unlock()
	rev.trimming = false
	old := time.Now().Add(-idleFor)
	kept := slices.IndexFunc(rev.idle, func(s *slot) bool { return s.since.After(old) })
	if kept < 0 {
		kept = max(len(rev.idle)-1, 0)
	}
	rev.idle = slices.Delete(rev.idle, 0, kept)
	rev.trimLater()
}
