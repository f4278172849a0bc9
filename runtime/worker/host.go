package worker

import (
	"bytes"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
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
	// that one long turn does not hold up the others, few enough that the
	// turn budget, which is measured by the clock, means CPU time.
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
	turns   chan struct{} // a token for every turn that may execute now
	active  atomic.Int64  // turns executing

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
	h := &Host{options: o, revisions: map[string]*revision{}}
	h.turns = make(chan struct{}, turnsPerCore*goruntime.GOMAXPROCS(0))
	return h
}

// Load compiles a revision and evaluates it once, in a VM that then waits for
// the first request. It returns the handlers the script exports. What the
// script prints meanwhile goes to print. Every Load needs a Forget. Loading a
// known id with another source map (a comment moved the lines) makes later
// runs show the new lines.
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
	s, err := h.newSlot(rev, print)
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

// Hold keeps a loaded revision for a run that is about to begin, however soon
// a newer one replaces it. It reports whether the revision is loaded, and then
// needs a Forget like a Load does.
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

// Forget undoes one Load or Hold. The last one drops the revision's program and idle
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

func (h *Host) newSlot(rev *revision, print func(Line)) (*slot, error) {
	s := &slot{print: print}
	h.turns <- struct{}{}
	h.active.Add(1)
	defer h.turnDone()
	v, err := vm.New(rev.program, vm.Config{
		Platform: h.options.Platform, Modules: h.options.Modules, Connect: h.options.Connect,
		TurnBudget: h.options.TurnBudget, Pressure: h.pressure,
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

// pressure says how many turns share a core now, at least one: the turn
// budget is stretched by it, so that a busy server does not fail slow turns.
func (h *Host) pressure() float64 {
	return max(1, float64(h.active.Load())/float64(goruntime.GOMAXPROCS(0)))
}

func (h *Host) turnDone() {
	h.active.Add(-1)
	<-h.turns
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

// Session is one run in one VM.
type Session struct {
	host *Host
	rev  *revision
	slot *slot
	mu   sync.Mutex
	over bool // guarded by mu: End was called
	open int
}

// Begin executes a run's first turn, in a VM that no run has used unless the
// handler is fetch and the script allows reuse. Console lines go to print at
// once. The error is about the revision; a script's error is in the Turn.
func (h *Host) Begin(id string, start Start, print func(Line)) (*Session, Turn, error) {
	h.mu.Lock()
	rev := h.revisions[id]
	h.mu.Unlock()
	if rev == nil {
		return nil, Turn{}, call.Errorf(call.CodeNotFound, "the revision %s of %s is not loaded", id, start.Script)
	}
	s := rev.takeFor(start.Handler)
	if s == nil {
		var err error
		if s, err = h.newSlot(rev, print); err != nil {
			return nil, Turn{}, err
		}
	}
	s.print = print
	s.uses++
	session := &Session{host: h, rev: rev, slot: s}
	return session, session.turn(func() Turn { return s.vm.Begin(start) }), nil
}

// takeFor takes an idle VM for a handler. One that has served requests before
// is for requests only.
func (rev *revision) takeFor(handler Handler) *slot {
	s := rev.take()
	if s == nil || s.uses == 0 || handler == HandlerFetch && !rev.Fresh {
		return s
	}
	rev.put(s)
	return nil
}

func (s *Session) turn(f func() Turn) Turn {
	s.host.turns <- struct{}{}
	s.host.active.Add(1)
	defer s.host.turnDone()
	t := f()
	s.open = t.Open
	return t
}

// Deliver gives the script one outcome and executes the turn that follows.
func (s *Session) Deliver(o call.Outcome, at time.Time) Turn {
	return s.turn(func() Turn { return s.slot.vm.Deliver(o, at) })
}

// Interrupt stops the session's executing turn, which then fails with reason.
// It is safe to call from any goroutine, also after End.
func (s *Session) Interrupt(reason *call.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.slot.vm.Interrupt(reason)
	}
}

// End gives the VM back. It is used again only for another request of the same
// revision, and only after a request that succeeded and left nothing open.
func (s *Session) End(succeeded bool) {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.slot.print = nil
	handler := Handler("")
	if info, ok := s.slot.vm.Info(); ok {
		handler = info.Handler
	}
	s.slot.vm.End()
	if handler == HandlerFetch && succeeded && s.open == 0 && !s.rev.Fresh && s.slot.uses < maxReuse && s.slot.vm.Dead() == nil {
		s.rev.put(s.slot)
	}
}
