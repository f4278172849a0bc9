// An actor is the one goroutine that may change a durable run. It is there
// while the run has something to do: when the run waits for long, or is paused,
// or has ended, there is only its row, its journal and perhaps a timer in the
// store. Whatever is wanted of the run is a letter to its actor, which is
// spawned when there is none, reads row and journal, and leaves when its mail
// is empty and nothing can be executed.
//
//	tell ──▶ mail ──▶ live: load, read mail, execute, … , leave
//
// execute gives the run a VM: it plays the journal again (replay.go), goes on
// from there (proceed.go), and takes the VM away when the run waits, is paused
// or ends.

package runtime

import (
	"context"
	"runtime/debug"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

type actor struct {
	engine *Engine
	id     string
	rang   chan struct{} // has room for one: there is mail
	mail   []letter      // guarded by engine.mu
	ready  func()        // called once, when the run is past its replay or the actor leaves

	// The goroutine's own.
	run     run
	before  Status // of the row in the store
	dirty   bool   // run differs from its row
	h       *journal.History
	file    string
	buffer  [][]byte // records that are not with the store yet
	size    int      // of the buffer, in bytes
	loose   bool     // the last commit may not be on disk yet
	after   extra    // what is committed with them
	broken  error    // why nothing can be recorded any more
	damaged error    // why the journal can not be read: see damage.go

	woken    bool   // a waiting run has to look again
	resuming bool   // its deaths are counted: see boot.go
	counted  bool   // the count is in the store now
	deaths   uint64 // that are counted
	acquit   func() // called when it is no suspect any more
	survived <-chan time.Time
	leaving  bool // the engine stops

	x       *execution // nil while there is no VM
	settled *worker.Turn
	facts   []call.Outcome // recorded and not delivered
	pausing bool           // a user asked for it; what is being performed is awaited
	killed  bool
	idle    time.Time        // since when the run only waits
	heard   time.Time        // when it last looked up
	cleanup <-chan time.Time // when a cancelled run has had its time
	signals map[string][]journal.Payload

	cutTurn   uint64 // the turn that was cut off last
	cut       int    // how often
	lost      int    // processes in a row, without a turn
	later     bool   // it is tried again, though broken
	successor string // set by continueAs: the run ends
	moved     bool   // it goes on with another revision
	said      int    // how many calls it had made when that was last looked at
}

// letter asks something of a run. refuse is called instead of do when the run
// can not be loaded or the server stops.
type letter struct {
	do     func(a *actor)
	refuse func(err error)
	// anyway: it is for a run whose journal can not be read, too.
	anyway bool
}

// tell sends a letter to the run's actor, which is spawned if there is none.
func (e *Engine) tell(id string, l letter) {
	e.mu.Lock()
	if e.stopping {
		e.mu.Unlock()
		l.refuse(call.Errorf(call.CodeUnavailable, "the server is stopping"))
		return
	}
	a := e.actors[id]
	if a == nil {
		a = e.newActor(id)
		e.spawn(a)
	}
	a.mail = append(a.mail, l)
	e.mu.Unlock()
	a.ring()
}

func (e *Engine) newActor(id string) *actor {
	return &actor{engine: e, id: id, rang: make(chan struct{}, 1), ready: func() {}, acquit: func() {}}
}

// spawn makes an actor the one of its run. e.mu is held.
func (e *Engine) spawn(a *actor) {
	e.actors[a.id] = a
	e.work.Add(1)
	go a.live()
}

// on has f done by a run's actor and returns what it returns.
func on[T any](ctx context.Context, e *Engine, id string, f func(a *actor) (T, error)) (T, error) {
	return ask(ctx, e, id, false, f)
}

// onAny is on, also for a run whose journal can not be read.
func onAny[T any](ctx context.Context, e *Engine, id string, f func(a *actor) (T, error)) (T, error) {
	return ask(ctx, e, id, true, f)
}

func ask[T any](ctx context.Context, e *Engine, id string, anyway bool, f func(a *actor) (T, error)) (T, error) {
	type reply struct {
		value T
		err   error
	}
	replies := make(chan reply, 1)
	e.tell(id, letter{
		do:     func(a *actor) { v, err := f(a); replies <- reply{v, err} },
		refuse: func(err error) { replies <- reply{err: err} },
		anyway: anyway,
	})
	select {
	case r := <-replies:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// live is the actor's life. A bug of ours stops one run, not the server.
func (a *actor) live() {
	defer a.engine.work.Done()
	defer func() { a.ready() }()
	defer func() {
		if p := recover(); p != nil {
			a.engine.options.Logger.Error("a run's actor panicked; the run stays as it is until the server is started again",
				"run", a.id, "panic", p, "stack", string(debug.Stack()))
			a.fail(call.Errorf(call.CodeInternal, "the run failed inside Reprise: %v", p))
			a.dropExecution()
			for !a.leave() {
				a.refuse(a.broken)
			}
		}
	}()
	if a.h == nil {
		if err := a.load(); err != nil {
			a.fail(err)
		}
	}
	for {
		if a.broken != nil {
			a.refuse(a.broken)
		} else {
			a.readMail()
		}
		if a.mayExecute() {
			a.execute()
			continue
		}
		if a.leave() {
			return
		}
	}
}

func (a *actor) ring() {
	select {
	case a.rang <- struct{}{}:
	default:
	}
}

func (a *actor) takeMail() []letter {
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	mail := a.mail
	a.mail = nil
	return mail
}

func (a *actor) readMail() {
	for mail := a.takeMail(); len(mail) > 0; mail = a.takeMail() {
		for i, l := range mail {
			if a.damaged != nil && !l.anyway {
				l.refuse(a.damaged)
				continue
			}
			a.open(l)
			if a.broken != nil {
				for _, l := range mail[i+1:] {
					l.refuse(a.broken)
				}
				return
			}
		}
	}
}

// open does what a letter asks for. Whoever sent it gets an answer, whatever
// happens.
func (a *actor) open(l letter) {
	defer func() {
		if p := recover(); p != nil {
			a.engine.options.Logger.Error("an operation on a run panicked", "run", a.id, "panic", p, "stack", string(debug.Stack()))
			a.fail(call.Errorf(call.CodeInternal, "the operation failed inside Reprise: %v", p))
			l.refuse(a.broken)
		}
	}()
	l.do(a)
}

func (a *actor) refuse(err error) {
	for _, l := range a.takeMail() {
		l.refuse(err)
	}
}

// leave takes the actor away, unless there is mail.
func (a *actor) leave() bool {
	a.engine.mu.Lock()
	defer a.engine.mu.Unlock()
	if len(a.mail) > 0 {
		return false
	}
	if a.engine.actors[a.id] == a {
		delete(a.engine.actors, a.id)
	}
	return true
}

// mayExecute reports whether the script can go on now.
func (a *actor) mayExecute() bool {
	if a.broken != nil || a.leaving {
		return false
	}
	return a.run.Status == Running || a.run.Status == Waiting && a.woken
}

// fail stops the actor from doing anything more: what it knows may not be what
// is in the store.
func (a *actor) fail(err error) {
	if a.broken == nil {
		a.broken = err
	}
}

// load reads the row and the journal.
func (a *actor) load() error {
	ctx := a.engine.ctx
	row, err := a.engine.row(ctx, a.id)
	if err != nil {
		return err
	}
	h, err := a.engine.history(ctx, a.id)
	if isDamage(err) {
		return a.adoptDamaged(row, err)
	}
	if err != nil {
		return err
	}
	a.adopt(row, h)
	if h.Turns == nil && h.Started.At.IsZero() {
		a.damaged = call.Errorf(call.CodeStore, "the run %s has no journal: it is of a version that kept none, or its journal is lost", a.id)
		if !row.Status.Ended() {
			a.closeOld()
		}
	}
	return nil
}

// closeOld ends a run of a version that kept no journals.
func (a *actor) closeOld() {
	now := a.now()
	a.status(Failed, "")
	a.run.EndedAt, a.run.Error = &now, call.Errorf(call.CodeServerStopped, "the server stopped while the run was in progress, and it was of a version that could not resume it")
	a.flush(true)
	a.engine.announce(a.run)
}

// history reads a run's journal.
func (e *Engine) history(ctx context.Context, id string) (*journal.History, error) {
	records, err := e.options.Store.Journal(ctx, id, 0)
	if err != nil {
		return nil, storeError("read the run's journal", err)
	}
	if len(records) == 0 {
		h := &journal.History{}
		return h, h.Add(&journal.Started{Run: id})
	}
	h, err := journal.Read(records, e.loader(ctx))
	if err != nil {
		return nil, unreadable(err, "the journal of run %s", id)
	}
	return h, nil
}

// adopt makes the actor know its run.
func (a *actor) adopt(row run, h *journal.History) {
	a.run, a.before, a.h, a.file, a.said = row, row.Status, h, h.Started.File, h.Calls()
	a.findSignals()
}

// findSignals finds in the journal what no waitFor has taken.
func (a *actor) findSignals() {
	a.signals = map[string][]journal.Payload{}
	for _, s := range a.h.Signals {
		a.signals[s.Name] = append(a.signals[s.Name], s.Value)
	}
	for name, taken := range a.h.TakenSignals() {
		a.signals[name] = a.signals[name][min(taken, len(a.signals[name])):]
	}
}

// conflict is the error of a request that a run in its status can not serve.
func (a *actor) conflict(what string) error {
	return call.Errorf(call.CodeConflict, "the run %s can not be %s: it is %s", a.id, what, a.state())
}

func (a *actor) state() string {
	if a.run.Status == Paused {
		return "paused (" + a.run.Reason + ")"
	}
	return string(a.run.Status)
}

// shown is the row as the API shows it.
func (a *actor) shown() Run {
	r, err := a.engine.show(a.engine.ctx, a.run)
	if err != nil {
		return a.run.Run
	}
	return r
}

// secretKey derives the key of a run's secret tokens. A fork has the seed of
// its origin, so that the tokens in what they share are the same.
func secretKey(seed [32]byte) []byte { return mac(seed[:], "secrets") }
