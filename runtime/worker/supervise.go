package worker

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"reprise/runtime/proc"
)

// EventKind says what happened to a worker process.
type EventKind string

// The kinds of events.
const (
	EventStarted EventKind = "started" // it is ready
	EventEnded   EventKind = "ended"   // it has ended, and was not dismissed
	EventFailed  EventKind = "failed"  // it could not be started
)

// Quarantine is the name of the process that executes suspects.
const Quarantine = "quarantine"

// Event is something that happened to a worker process.
type Event struct {
	Kind   EventKind
	Worker string // "1", or Quarantine
	Pid    int
	// Ready is what a process that started said of itself.
	Ready json.RawMessage
	// Why it ended or could not be started, and the limit that was exceeded:
	// "memory", "turnCpu", "callStack", or "process" for any other reason.
	Why, Limit string
	// Suspects were executing when it ended.
	Suspects []Suspect
}

// Suspect is a run, or a revision that was being loaded (Run is empty), that was
// executing when its process ended.
type Suspect struct {
	Run, Script, Revision string
	// Durable says that the run is one, and no request.
	Durable bool
	// Guilty says that there is no doubt. Until then its revision is kept apart,
	// if it is.
	Guilty bool
	Until  time.Time
}

const (
	// soonDead is how long a process must have been there for its end to be
	// nothing that a new one would meet at once, too.
	soonDead    = time.Second
	firstPause  = 50 * time.Millisecond
	longestWait = 5 * time.Second
)

// supervise keeps a process at a place until the pool is closed.
func (p *Pool) supervise(place int, first chan<- error) {
	pause := time.Duration(0)
	for p.ctx.Err() == nil {
		w, err := p.launch(strconv.Itoa(place+1), turnsPerWorker)
		if first != nil {
			first <- err
			first = nil
		}
		if err == nil {
			p.seat(func() { p.workers[place], p.broken = w, nil })
			p.loadAll(w)
			p.attend(w)
			p.seat(func() { p.workers[place] = nil })
			if time.Since(w.began) > soonDead || w.death.guilty != nil {
				pause = 0
				continue
			}
		}
		pause = min(max(2*pause, firstPause), longestWait)
		select {
		case <-time.After(pause):
		case <-p.ctx.Done():
		}
	}
}

// seat changes who is there, and tells those who wait.
func (p *Pool) seat(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// launch starts a process and waits until it is ready.
func (p *Pool) launch(name string, turns int) (*process, error) {
	child, err := p.options.Spawn()
	if err == nil {
		w := &process{
			pool: p, name: name, child: child, pipe: child.Conn(), turns: turns, began: time.Now(), died: make(chan struct{}), poke: make(chan struct{}, 1),
			jobs: map[uint64]*job{}, loads: map[string]uint64{}, loading: map[string]*loading{},
		}
		if err = w.greet(); err == nil {
			p.options.OnEvent(Event{Kind: EventStarted, Worker: name, Pid: child.Pid(), Ready: w.ready})
			return w, nil
		}
		err = w.stillborn(err)
	}
	if p.ctx.Err() != nil {
		return nil, err
	}
	p.mu.Lock()
	p.broken = err
	p.mu.Unlock()
	p.options.OnEvent(Event{Kind: EventFailed, Worker: name, Why: err.Error()})
	return nil, err
}

// stillborn ends a process that could not be greeted, and says why: it knows
// best itself, if it has ended by then.
func (w *process) stillborn(err error) error {
	if errors.Is(err, proc.ErrGone) {
		w.await()
	}
	w.child.Kill()
	<-w.child.Done()
	_ = w.pipe.Close()
	if exit := w.child.Exit(); errors.Is(err, proc.ErrGone) && exit.Code > 0 {
		return errors.New(exit.String())
	}
	return err
}

// attend serves a process until it has ended.
func (p *Pool) attend(w *process) {
	go w.watch()
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		w.read()
	}()
	select {
	case <-w.child.Done():
	case <-p.ctx.Done():
		w.dismiss()
	}
	<-reading // answers that came before the end count
	_ = w.pipe.Close()
	d := w.bury()
	if p.ctx.Err() == nil && !w.dismissed.Load() {
		p.options.OnEvent(d.event(w)) // before those are told whose runs it had
	}
	close(w.died)
}

// dismissFor is how long a worker has to leave that was told to.
const dismissFor = 2 * time.Second

// dismiss ends a process that is not needed any more.
func (w *process) dismiss() {
	w.dismissed.Store(true)
	_ = w.pipe.Close() // it ends when the pipe does
	select {
	case <-w.child.Done():
	case <-time.After(dismissFor):
		w.child.Kill()
		<-w.child.Done()
	}
}

// loadAll has a new process load what others have, ahead of its use.
func (p *Pool) loadAll(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.revisions {
		if _, marked := p.marked[id]; !marked {
			p.running.Go(func() { p.ensureQuietly(w, id) })
		}
	}
}

// isolate starts the quarantine, unless it is there or on its way. p.mu is held.
func (p *Pool) isolate() {
	if p.quarantine != nil || p.isolating || p.ctx.Err() != nil {
		return
	}
	p.isolating = true
	p.running.Go(func() {
		w, err := p.launch(Quarantine, 1)
		if err != nil { // not at once again
			select {
			case <-time.After(firstPause):
			case <-p.ctx.Done():
			}
			p.seat(func() { p.isolating = false })
			return
		}
		p.seat(func() { p.quarantine = w })
		go p.disband(w)
		p.attend(w)
		p.seat(func() { p.quarantine, p.isolating = nil, false })
	})
}

// disband dismisses the quarantine once nobody has needed it for a while.
func (p *Pool) disband(w *process) {
	for {
		select {
		case <-time.After(quarantineIdle):
		case <-w.died:
			return
		}
		if w.busy() == 0 {
			w.dismiss()
			return
		}
	}
}
