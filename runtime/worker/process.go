package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"reprise/runtime/proc"
)

// process is a worker process as the server sees it.
type process struct {
	pool  *Pool
	name  string // "1", or Quarantine
	child *proc.Process
	pipe  *proc.Conn
	turns int // that it executes at a time
	began time.Time
	ready json.RawMessage // what it said of itself
	died  chan struct{}   // closed when it has ended and death is set
	heard atomic.Int64    // when it last said something, in Unix nanoseconds
	live  atomic.Int64    // bytes of its heap that were in use then
	poke  chan struct{}   // wakes the watch: something executes

	dismissed atomic.Bool // it was told to go

	saying   sync.Mutex // no lock that the watch needs: see sendForget
	settings settings   // guarded by saying

	mu      sync.Mutex
	jobs    map[uint64]*job   // guarded by mu
	open    int               // jobs that are runs; guarded by mu
	asked   int               // turns that were asked for and not answered; guarded by mu
	loads   map[string]uint64 // versions of loaded revisions; guarded by mu
	loading map[string]*loading
	used    time.Duration // processor time, at the last look; guarded by mu
	verdict *verdict      // why it is being killed; guarded by mu
	death   *death        // guarded by mu until died is closed
}

// job is a revision that is being loaded, or a run.
type job struct {
	run, script, revision string // run is empty where a revision is loaded
	durable               bool   // the run

	print   func(Line)
	answers chan answered // has room for one
	asked   bool          // something, and it is not answered; guarded by process.mu, as what follows
	turns   int           // how many it was asked for
	since   time.Time     // when it was first seen to execute
	budget  time.Duration
	cpu     time.Duration // its part of what the process used since then
	seen    bool          // since is set
	begun   int           // how many of the turns were seen to execute
	count   uint64        // the slot's, at the last of them
}

// what names what is executed, for people.
func (j *job) what() string {
	if j.run == "" {
		return "the top level of " + j.script
	}
	return "a turn of " + j.script
}

// setBudget changes what the watch lets a turn of the job use.
func (j *job) setBudget(w *process, b Budget) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.budget = cmp.Or(b.TurnCPU, DefaultTurnBudget)
}

// loading is a load that others wait for, too.
type loading struct {
	version uint64
	done    chan struct{}
	err     error
}

// readyWithin is how long a new process may take until it is ready. On a machine
// that has no time for it that is much longer than it needs.
const readyWithin = 20 * time.Second

// greet tells a new process what it is to be, and waits until it is ready.
func (w *process) greet() error {
	late := time.AfterFunc(readyWithin, w.child.Kill)
	defer context.AfterFunc(w.pool.ctx, w.child.Kill)()
	kind, said, err := w.pipe.Receive()
	if !late.Stop() {
		return fmt.Errorf("it was not ready within %s", readyWithin)
	}
	if err == nil && kind != frameReady {
		err = errRubbish
	}
	if err != nil {
		return err
	}
	w.ready = said
	told, err := json.Marshal(setup{Turns: w.turns, Memory: w.pool.options.Memory})
	if err != nil {
		return err
	}
	w.heard.Store(time.Now().UnixNano())
	return w.pipe.Send(frameSetup, told)
}

// read takes what the process says, until it ends or says what makes no sense:
// it is not believed then, and killed.
func (w *process) read() {
	for {
		kind, b, err := w.pipe.Receive()
		switch {
		case errors.Is(err, proc.ErrClosed):
			return // by us
		case errors.Is(err, proc.ErrGone):
			w.child.Kill() // it has ended, most likely, and how it did tells why; it must not go on without us
			return
		case err == nil:
			w.heard.Store(time.Now().UnixNano())
			err = w.take(kind, b)
		}
		if errors.Is(err, proc.ErrGone) { // it is ending, and how it does says more
			w.await()
			return
		}
		if err != nil {
			w.kill(nonsense(err))
			return
		}
	}
}

// nonsense is the verdict on a process that said what no worker of ours says: a
// script may have broken out of its VM over there.
func nonsense(err error) verdict {
	return verdict{limit: "process", why: fmt.Sprintf("what it said made no sense (%v)", err)}
}

// await waits until a process has ended that hung up.
func (w *process) await() {
	select {
	case <-w.child.Done():
	case <-time.After(dismissFor):
		w.kill(verdict{limit: "process", why: "it hung up and did not end"})
	}
}

func (w *process) take(kind byte, b []byte) error {
	r := newReader(b)
	n := r.Number()
	if err := r.Err(); err != nil {
		return err
	}
	if kind == frameBeat {
		w.live.Store(int64(min(n, math.MaxInt64)))
		return r.End()
	}
	w.mu.Lock()
	j := w.jobs[n]
	expected := j != nil && j.asked
	if kind != frameLine && expected {
		j.asked = false
		w.asked--
	}
	w.mu.Unlock()
	switch {
	case j == nil: // it was ended meanwhile, and may have printed
		if kind == frameLine && n <= w.pool.jobs.Load() {
			return nil
		}
		return fmt.Errorf("%w: there is no job %d", errRubbish, n)
	case kind == frameLine:
		l, err := parseLine(r.Rest())
		if err == nil && j.print != nil {
			j.print(l)
		}
		return err
	case kind != frameLoaded && kind != frameTurn, !expected:
		return fmt.Errorf("%w: nobody asked for frame %d", errRubbish, kind)
	}
	j.answers <- answered{kind, r.Rest()}
	return nil
}

// say returns the number of what a start has in common with others of its
// revision, which the worker is told first if it does not know it.
func (w *process) say(start *Start) (setting uint64) {
	w.saying.Lock()
	defer w.saying.Unlock()
	known, fresh := w.settings.say(start)
	if fresh {
		_ = w.pipe.Send(frameSetting, appendSetting(nil, known)) // a pipe that fails ends the process
	}
	return known.Number
}

// enlist numbers a new job.
func (w *process) enlist(j *job) (number uint64) {
	j.answers = make(chan answered, 1)
	number = w.pool.jobs.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs[number] = j
	if j.run != "" {
		w.open++
	}
	return number
}

func (w *process) discharge(number uint64) {
	w.mu.Lock()
	if j := w.jobs[number]; j != nil && j.run != "" {
		w.open--
	}
	delete(w.jobs, number)
	w.mu.Unlock()
	w.pool.madeRoom()
}

// isFull reports whether the process has no room for another run: each has a VM
// of 60 KB and more.
func (w *process) isFull() bool {
	memory := w.pool.options.Memory
	if w.live.Load() > fullHeap(memory) {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return int64(w.open) >= memory/leastRun
}

const (
	// leastRun is what is reckoned for a run at least.
	leastRun = 256 << 10
	// fullShare is at how many percent of the memory a process is full. The
	// collector and what executes need the rest.
	fullShare = 50
)

// fullHeap is how large the heap of a process is that is full.
func fullHeap(memory int64) int64 { return memory / 100 * fullShare }

// busy says how much the process has to do: turns first, then runs.
func (w *process) busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked*maxIdle + w.open
}

// ask has so many turns executed for a job and waits for the answer. ok is false
// when the process ended before it came; then it may have been executing. What
// is too large to be sent is refused in the worker's place.
func (w *process) ask(j *job, turns int, kind byte, parts ...[]byte) (a answered, ok bool) {
	if n, most := size(parts), w.pipe.MaxFrame(); n > most {
		return refusal(kind, j.script, n, most), true
	}
	w.mu.Lock()
	if w.death != nil {
		w.mu.Unlock()
		<-w.died
		return a, false
	}
	j.asked, j.turns, j.seen, j.begun, j.count = true, turns, false, 0, 0
	w.asked++
	w.mu.Unlock()
	select {
	case w.poke <- struct{}{}:
	default:
	}
	if err := w.pipe.Send(kind, parts...); err != nil {
		<-w.died
		return a, false
	}
	select {
	case a = <-j.answers:
		return a, true
	case <-w.died:
	}
	select {
	case a = <-j.answers: // it came before the end
		return a, true
	default:
		return a, false
	}
}

// refusal is the answer to a frame that is too large to be sent.
func refusal(kind byte, script string, size, most int) answered {
	switch kind {
	case frameLoad:
		return answered{frameLoaded, appendLoaded(nil, &loaded{Err: errTooLarge("the code of "+script+" with its source map", size, most)})}
	case frameBegin:
		return answered{frameTurn, appendTurns(nil, nil, errTooLarge("what a run of "+script+" begins with", size, most))}
	}
	return answered{frameTurn, appendTurns(nil, nil, errTooLarge("what a call of "+script+" came back with", size, most))}
}

// load has a revision evaluated, as a turn of its script.
func (w *process) load(r Revision, print func(Line)) (handlers []string, err error) {
	j := &job{script: r.Script, revision: r.ID, print: print, budget: cmp.Or(r.Budget.TurnCPU, DefaultTurnBudget)}
	number := w.enlist(j)
	defer w.discharge(number)
	a, ok := w.ask(j, 1, frameLoad, appendRevision(about(number), &r))
	if !ok {
		return nil, w.lostLoad(j)
	}
	if a.kind != frameLoaded {
		w.disbelieve(j, errRubbish)
		return nil, w.lostLoad(j)
	}
	l, err := parseLoaded(a.b)
	if err != nil {
		w.disbelieve(j, err)
		return nil, w.lostLoad(j)
	}
	if l.Err != nil {
		return nil, l.Err
	}
	return l.Handlers, nil
}

// disbelieve kills a process whose answer about a job made no sense. It counts
// as the end of the turn that was asked for, or it would be asked for again and
// again.
func (w *process) disbelieve(j *job, err error) {
	v := nonsense(err)
	v.about = j
	w.kill(v)
	<-w.died
}

// ensure loads a revision once for all who need it.
func (w *process) ensure(r Revision, version uint64) error {
	w.mu.Lock()
	if w.loads[r.ID] >= version {
		w.mu.Unlock()
		return nil
	}
	l := w.loading[r.ID]
	if l != nil && l.version >= version {
		w.mu.Unlock()
		<-l.done
		return l.err
	}
	l = &loading{version: version, done: make(chan struct{})}
	w.loading[r.ID] = l
	w.mu.Unlock()
	_, l.err = w.load(r, nil)
	if l.err == nil {
		w.loaded(r.ID, version)
	}
	w.mu.Lock()
	if w.loading[r.ID] == l {
		delete(w.loading, r.ID)
	}
	w.mu.Unlock()
	close(l.done)
	return l.err
}

// loaded notes a load. A second one, with another map, has taken the place of
// the first in the worker, whose count of loads is kept at one.
func (w *process) loaded(id string, version uint64) {
	w.mu.Lock()
	again := w.loads[id] != 0
	w.loads[id] = max(w.loads[id], version)
	w.mu.Unlock()
	if again {
		w.sendForget(id)
	}
}

// forget has the worker drop a revision, unless it has loaded it anew since that
// version was given up. No lock may be held: see sendForget.
func (w *process) forget(id string, version uint64) {
	w.mu.Lock()
	has := w.loads[id]
	known := has != 0 && has <= version
	if known {
		delete(w.loads, id)
	}
	w.mu.Unlock()
	if known {
		w.sendForget(id)
	}
}

// sendForget must not be called with a lock that the watch needs: a process
// that stands still does not read, and then sending waits for its end.
func (w *process) sendForget(id string) {
	_ = w.pipe.Send(frameForget, []byte(id)) // a pipe that fails ends the process
}

// executing returns the jobs that execute now, as the worker says in the memory
// that it shares with us, or that it may be executing. w.mu is held.
func (w *process) executing() []*job {
	var list []*job
	if s := slots(w.child.Shared()); len(s) > 0 {
		for _, in := range s.all() {
			if j := w.jobs[in.job]; j != nil && j.asked {
				j.reached(in.turns)
				list = append(list, j)
			}
		}
		return list
	}
	for _, j := range w.jobs {
		if j.asked {
			list = append(list, j)
		}
	}
	return list
}

// reached notes which turn of a batch is executing: each has the whole budget.
// More of them than were asked for are not believed.
func (j *job) reached(count uint64) {
	if count != j.count && j.begun < j.turns {
		j.count, j.seen = count, false
		j.begun++
	}
}

// isDead reports whether the process has ended.
func (w *process) isDead() bool {
	select {
	case <-w.died:
		return true
	default:
		return false
	}
}
