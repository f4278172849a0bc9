// The worker's end of the pipe: frames in, turns out. Everything that executes
// JavaScript does so on one of a few goroutines that live as long as the
// process, because their stacks have grown to what a script needs. The reader
// never executes anything, so that an order is heard however busy the scripts
// keep the process.

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
	"reprise/runtime/proc"
	"reprise/runtime/vm"
)

// longestTurn is more than any turn may use. A match of a regular expression that
// backtracks without end is not given up in a worker process: the server ends it
// when the turn has had its time, and a match can be slow without being endless on
// a machine that is busy.
const longestTurn = time.Minute

// beatEvery is how often a worker gives a sign of life.
const beatEvery = time.Second

// child is a worker process.
type child struct {
	pipe   *proc.Conn
	host   *Host
	guard  *memoryGuard
	full   int64 // bytes of the heap
	slots  slots
	gate   *gate
	tasks  chan task // has room for as many as the gate lets in
	ctx    context.Context
	failed context.CancelCauseFunc // ends the process

	settings settings // the reader's

	mu       sync.Mutex
	sessions map[uint64]*session // guarded by mu
}

// Serve makes the process a worker, until the server is gone or hangs up. The
// first frame tells the server about ready.
func Serve(pipe *proc.Conn, o Options, ready any) error {
	said, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	if err := pipe.Send(frameReady, said); err != nil {
		return err
	}
	kind, payload, err := pipe.Receive()
	if err != nil {
		return hungUp(err)
	}
	var told setup
	if kind != frameSetup || json.Unmarshal(payload, &told) != nil || told.Turns < 1 {
		return fmt.Errorf("%w: the first one is no setup", errRubbish)
	}
	c := &child{
		pipe: pipe, slots: slots(pipe.Shared()), gate: newGate(told.Turns), tasks: make(chan task, told.Turns), sessions: map[uint64]*session{},
	}
	c.ctx, c.failed = context.WithCancelCause(context.Background()) //nolint:forbidigo // a process of its own begins here
	c.guard, c.full = newMemoryGuard(told.Memory), fullHeap(told.Memory)
	c.guard.cores = newCores(told.Turns)
	debug.SetMemoryLimit(told.Memory / 100 * heapShare)
	vm.LimitTurns(longestTurn)
	c.host = newHost(o)
	for slot := range told.Turns {
		go c.work(slot)
	}
	go c.beat()
	go func() { c.failed(c.read()) }()
	<-c.ctx.Done()
	return hungUp(context.Cause(c.ctx))
}

// hungUp turns the end of the pipe, which is how a worker is dismissed, into no error.
func hungUp(err error) error {
	if errors.Is(err, proc.ErrGone) {
		return nil
	}
	return err
}

// task is a turn that is to be executed, or a revision that is to be loaded.
type task struct {
	job    uint64
	script string
	do     func(w *watched)
	of     *session // nil where there is none yet
}

// order has a task executed when it is its script's turn.
func (c *child) order(t task) {
	c.gate.ask(t.script, func() { c.tasks <- t })
}

// work executes tasks one after another. What it executes stands in its slot of
// the memory that it shares with the server, until the answer has been sent:
// should the process end, the server knows whose doing it may be.
func (c *child) work(slot int) {
	for t := range c.tasks {
		c.slots.next(slot)
		c.slots.set(slot, t.job)
		began := time.Now()
		w := c.guard.begin(t.of)
		w.next = func() { c.slots.next(slot) }
		t.do(w)
		w.end()
		c.slots.set(slot, 0)
		c.gate.leave(t.script, time.Since(began))
	}
}

// beat gives signs of life, which say how much of the heap is in use.
func (c *child) beat() {
	for {
		select {
		case <-time.After(beatEvery):
			c.send(frameBeat, wire.AppendNumber(nil, inUse(c.full)))
		case <-c.ctx.Done():
			return
		}
	}
}

// inUse is how much of the heap was in use at the last collection. For more than
// full there is another one: a process that is full is given nothing to do that
// would bring that about.
func inUse(full int64) uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	if metrics.Read(live); int64(live[0].Value.Uint64()) > full {
		goruntime.GC()
		metrics.Read(live)
	}
	return live[0].Value.Uint64()
}

func (c *child) send(kind byte, parts ...[]byte) {
	if err := c.pipe.Send(kind, parts...); err != nil {
		c.failed(err)
	}
}

func (c *child) read() error {
	for {
		kind, payload, err := c.pipe.Receive()
		if err != nil {
			return err
		}
		switch kind {
		case frameForget:
			c.host.Forget(string(payload))
		case frameSetting:
			err = c.learn(payload)
		default:
			r := newReader(payload)
			err = c.heed(kind, r.Number(), &r)
		}
		if err != nil {
			return fmt.Errorf("frame %d: %w", kind, err)
		}
	}
}

func (c *child) learn(b []byte) error {
	s, err := parseSetting(b)
	if err == nil {
		err = c.settings.learn(s)
	}
	return err
}

// heed does what a frame about a job asks for. The server is believed, so that a
// frame which makes no sense is a bug, and the end of the process.
func (c *child) heed(kind byte, job uint64, r *reader) error {
	switch kind {
	case frameLoad:
		rev, err := parseRevision(r.Rest())
		if err != nil {
			return err
		}
		c.order(task{job: job, script: rev.Script, do: func(*watched) { c.load(job, rev) }})
	case frameBegin:
		id := r.Text()
		start, err := parseStart(r.Rest(), &c.settings)
		if err == nil && start.Revision != id {
			err = fmt.Errorf("%w: a run of %s has the setting of %s", errRubbish, id, start.Revision)
		}
		if err != nil {
			return err
		}
		c.order(task{job: job, script: start.Script, do: func(w *watched) { c.begin(job, start, w) }})
	case frameDeliver:
		list, err := parseDeliveries(r)
		if err != nil {
			return err
		}
		return c.turn(job, func(s *session, w *watched) []Turn { return deliver(s, list, w.next) })
	case frameUnwind:
		at := r.Time()
		return c.turn(job, func(s *session, _ *watched) []Turn { return []Turn{s.Unwind(at)} })
	default:
		return c.tell(kind, job, r)
	}
	return nil
}

// deliver executes turns until their answer has its size; the server asks for the
// others once more. What would fit one by one must not fail together.
func deliver(s *session, list []Delivery, next func()) (turns []Turn) {
	for size := 0; len(list) > 0 && size < answerSize; list = list[1:] {
		if len(turns) > 0 {
			next()
		}
		t := s.Deliver(list[0])[0]
		turns = append(turns, t)
		if isLast(&t) {
			break
		}
		size += turnSize(&t)
	}
	return turns
}

// tell passes on what a run is told between two turns.
func (c *child) tell(kind byte, job uint64, r *reader) error {
	s, err := c.session(job)
	if err != nil {
		return err
	}
	switch kind {
	case frameReseed:
		key, run := r.Key(), r.Text()
		s.Reseed(run, key)
	case frameLimit:
		s.Limit(r.budget())
	case frameEnd:
		succeeded := r.Flag()
		c.forget(job)
		s.End(succeeded)
	default:
		return errRubbish
	}
	return r.End()
}

func (c *child) load(job uint64, r Revision) {
	handlers, err := c.host.Load(r, c.printer(job))
	c.send(frameLoaded, appendLoaded(about(job), &loaded{handlers, call.From(err)}))
}

func (c *child) begin(job uint64, start Start, w *watched) {
	s, turn, err := c.host.begin(start.Revision, start, c.printer(job), w.of)
	if err != nil {
		c.send(frameTurn, appendTurns(about(job), nil, err))
		return
	}
	c.answer(job, s, true, turn)
}

// turn has a turn of a job executed and answered.
func (c *child) turn(job uint64, f func(s *session, w *watched) []Turn) error {
	s, err := c.session(job)
	if err != nil {
		return err
	}
	c.order(task{job: job, script: s.rev.Script, of: s, do: func(w *watched) {
		c.answer(job, s, false, f(s, w)...)
	}})
	return nil
}

// answer sends turns. A run that needs no other is over with them: nobody has to
// say so.
func (c *child) answer(job uint64, s *session, first bool, turns ...Turn) {
	b := appendTurns(about(job), turns, nil)
	if most := c.pipe.MaxFrame(); len(b) > most {
		err := errTooLarge("what "+s.rev.Script+" did in one turn", len(b), most)
		turns = []Turn{{N: turns[0].N, At: turns[0].At, CPU: turns[0].CPU, Settled: true, Done: true, Dead: true, Err: err}}
		b = appendTurns(about(job), turns, nil)
	}
	last := &turns[len(turns)-1]
	over := isOver(last)
	switch {
	case first && !over:
		c.mu.Lock()
		c.sessions[job] = s
		c.mu.Unlock()
	case !first && over:
		c.forget(job)
	}
	c.send(frameTurn, b)
	if over {
		s.End(last.Err == nil && last.TooLarge == 0)
	}
}

func (c *child) session(job uint64) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[job]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: there is no job %d", errRubbish, job)
}

func (c *child) forget(job uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, job)
}

// printer sends on what a script prints, at once.
func (c *child) printer(job uint64) func(Line) {
	return func(l Line) { c.send(frameLine, appendLine(about(job), &l)) }
}

// Procs is how many cores a worker process should use when there are so many
// workers: all of them together all there are. It takes more of them while turns
// take long: see cores.go.
func Procs(workers int) int { return (goruntime.NumCPU() + max(1, workers) - 1) / max(1, workers) }

var _ Workers = (*Host)(nil)
