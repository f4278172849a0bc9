package runtime

import (
	"context"
	"sync"
	"time"

	"reprise/store"
)

// clock wakes runs at their times. Those are in the store; here is only when to
// look next, and which runs are being woken now.
type clock struct {
	engine *Engine
	sooner chan time.Time // somebody set a timer

	mu     sync.Mutex
	waking map[timerKey]bool // guarded by mu
	slots  chan struct{}     // one for each run that is being taken up
}

type timerKey struct {
	run string
	id  uint64
}

const (
	// maxWaking is how many runs are taken up at once. Each has a VM and plays
	// its journal again.
	maxWaking = 64
	// dueBatch is how many timers are read at a time.
	dueBatch = 512
	// lookAgain is how often the store is looked into when nothing is expected.
	lookAgain = time.Minute
	// soon is when to look again for timers that are being dealt with.
	soon        = 20 * time.Millisecond
	retryTimers = 5 * time.Second
)

func newClock(e *Engine) *clock {
	return &clock{engine: e, sooner: make(chan time.Time, 1), waking: map[timerKey]bool{}, slots: make(chan struct{}, maxWaking)}
}

// expect tells the clock of a timer that was set.
func (c *clock) expect(at time.Time) {
	for {
		select {
		case c.sooner <- at:
			return
		case old := <-c.sooner:
			if old.Before(at) {
				at = old
			}
		}
	}
}

// run looks for timers that are due until the engine stops.
func (c *clock) run() {
	defer c.engine.work.Done()
	next := time.Now()
	for {
		select {
		case <-c.engine.quit:
			return
		default:
		}
		if now := time.Now(); !next.After(now) {
			next = c.look(now)
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-t.C:
		case at := <-c.sooner:
			if at.Before(next) {
				next = at
			}
		case <-c.engine.quit:
		}
		t.Stop()
	}
}

// look wakes what is due and returns when to look next.
func (c *clock) look(now time.Time) time.Time {
	store, ctx := c.engine.options.Store, c.engine.ctx
	limit := dueBatch + c.busy()
	due, err := store.Due(ctx, now, limit)
	if err != nil {
		if ctx.Err() == nil {
			c.engine.options.Logger.Error("the timers can not be read; trying again", "error", err)
		}
		return now.Add(retryTimers)
	}
	begun := 0
	for _, t := range due {
		if c.begin(timerKey{t.Run, t.ID}) {
			begun++
			c.wake(ctx, t)
		}
	}
	switch {
	case begun > 0 && len(due) == limit:
		return now
	case len(due) > 0:
		return now.Add(soon) // those being woken have not removed their timers yet
	}
	coming, err := store.Due(ctx, now.Add(lookAgain), 1)
	if err != nil || len(coming) == 0 {
		return now.Add(lookAgain)
	}
	return coming[0].At
}

func (c *clock) busy() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waking)
}

// wake has the work of a timer done. It waits for a slot.
func (c *clock) wake(ctx context.Context, t store.Timer) {
	key := timerKey{t.Run, t.ID}
	select {
	case c.slots <- struct{}{}:
	case <-c.engine.quit:
		return
	case <-ctx.Done():
		return
	}
	var once sync.Once
	done := func() {
		once.Do(func() {
			c.end(key)
			<-c.slots
		})
	}
	c.engine.tell(t.Run, letter{
		do:     func(a *actor) { a.timerFired(t.ID, done) },
		anyway: true,
		refuse: func(err error) {
			if c.engine.strayTimer(t, err) {
				done()
				return
			}
			<-c.slots // it is tried again, and not at once
			time.AfterFunc(retryTimers, func() { c.end(key) })
		},
	})
}

func (c *clock) begin(k timerKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waking[k] {
		return false
	}
	c.waking[k] = true
	return true
}

func (c *clock) end(k timerKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waking, k)
}

// timerFired does what a timer of the run is for. done is called when the run
// is past its replay, so that the next one can be taken up.
func (a *actor) timerFired(id uint64, done func()) {
	switch {
	case id == timerAfter:
		if a.run.Status.Ended() {
			if err := a.engine.afterEnd(a.engine.ctx, a.run); err != nil && a.engine.ctx.Err() == nil {
				a.engine.options.Logger.Warn("what follows the end of a run is tried again later", "run", a.id, "error", err)
			}
		}
		done()
	case id == timerOrphan:
		a.orphaned(reasonOrphan)
		done()
	case a.run.Status == Waiting && a.x == nil:
		if id != timerWake {
			a.setTimer(id, time.Time{})
		}
		a.woken, a.ready = true, both(a.ready, done)
	default:
		// It is awake, or paused, or has ended: the timer has nothing to do.
		a.setTimer(id, time.Time{})
		a.flush(false)
		done()
	}
}

func both(f, g func()) func() {
	return func() { f(); g() }
}

// strayTimer takes away the timer of a run that is not there any more. It is
// false for a run that is there.
func (e *Engine) strayTimer(t store.Timer, err error) bool {
	if isGone(err) {
		if err := e.removeTimer(e.ctx, t.Run, t.ID); err != nil && e.ctx.Err() == nil {
			e.options.Logger.Warn("the timer of a run that is gone could not be removed", "run", t.Run, "error", err)
		}
		return true
	}
	if e.ctx.Err() == nil && !e.isStopping() {
		e.options.Logger.Error("a run could not be woken", "run", t.Run, "error", err)
	}
	return false
}

func (e *Engine) removeTimer(ctx context.Context, run string, id uint64) error {
	_, err := e.options.Store.Commit(ctx, store.Commit{Timers: []store.TimerOp{{Run: run, ID: id}}, Relaxed: true})
	return err
}
