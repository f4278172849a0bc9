package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"reprise/runtime/schedule"
)

// entry is what the scheduler knows of a script.
type entry struct {
	script string
	plan   *schedule.Plan // nil: what is stored is to be removed
	gone   bool           // and it is
	loaded bool

	// decided is the newest tick that was started or skipped. It is stored, and
	// never goes back.
	decided time.Time
	dirty   bool // decided, or the spec, is not stored yet

	// cursor is up to when this process has looked for ticks. It follows the
	// clock, back too, so that a clock that was wrong stops nothing.
	cursor  time.Time
	next    time.Time // the first tick after cursor
	pending []pending // ticks to start, oldest first
	horizon time.Time // where cursor will be when none is pending
	noted   time.Time // ticks up to here were said to be missed

	retryAt time.Time
	retries int
}

// pending is a tick that was judged and has not been started.
type pending struct {
	time   time.Time
	caught bool // it was missed, and is made up for because all are
}

// row is what is stored for a script.
type row struct {
	Spec schedule.Spec `json:"spec"`
	Tick time.Time     `json:"tick"` // the last one decided, or when the schedule began
}

// begin has the schedule begin at a moment.
func (e *entry) begin(now time.Time) {
	e.decided, e.dirty, e.pending = now.UTC().Truncate(time.Second), true, nil
	e.look(now)
}

// wake is when there will be something to do; zero: not by itself.
func (e *entry) wake() time.Time {
	switch {
	case e.gone:
		return time.Time{}
	case !e.retryAt.IsZero():
		return e.retryAt
	}
	return e.next
}

// step does the next thing for a script, and reports whether there was one.
func (s *Scheduler) step(ctx context.Context, e *entry) bool {
	now := s.options.Now()
	if e.gone || now.Before(e.retryAt) && e.retryAt.Sub(now) <= longestRetry {
		return false
	}
	e.retryAt = time.Time{}
	did, err := s.advance(ctx, e, now)
	switch {
	case ctx.Err() != nil: // what failed, failed because of that
		return false
	case err != nil:
		s.failed(e, now, err)
	case did && len(e.pending) == 0: // to have found ticks is no success yet
		e.retries = 0
	}
	return did
}

func (s *Scheduler) advance(ctx context.Context, e *entry, now time.Time) (did bool, err error) {
	switch {
	case e.plan == nil:
		return true, s.forget(ctx, e)
	case !e.loaded:
		return true, s.load(ctx, e, now)
	case e.dirty:
		return true, s.save(ctx, e)
	case len(e.pending) == 0:
		return s.judge(e, now), nil
	}
	return true, s.start(ctx, e)
}

// failed puts off what failed. Ticks that were to be started are judged again
// then: an hour without a disk is an hour in which nothing was running.
func (s *Scheduler) failed(e *entry, now time.Time, err error) {
	if len(e.pending) > 0 {
		e.pending = nil
		e.look(e.cursor)
	}
	wait := retryAfter(e.retries)
	e.retries++
	e.retryAt = now.Add(wait)
	s.note(e, slog.LevelError, time.Time{}, "%s; it is tried again in %s", err, wait)
}

// retryAfter is how long to wait after the n-th failure in a row, from zero:
// close together for as long as a tick is on time, and then ever longer.
func retryAfter(n int) time.Duration {
	waits := [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second, // 27 s: within grace
		10 * time.Second, 20 * time.Second, 40 * time.Second, longestRetry}
	return waits[min(n, len(waits)-1)]
}

func (s *Scheduler) note(e *entry, level slog.Level, tick time.Time, format string, args ...any) {
	s.options.Note(Note{Script: e.script, Level: level, Message: fmt.Sprintf(format, args...), Tick: tick})
}

// forget removes what is stored for a script that has no schedule any more.
func (s *Scheduler) forget(ctx context.Context, e *entry) error {
	value, err := s.options.Load(ctx, e.script)
	if err == nil && value != nil {
		err = s.options.Save(ctx, e.script, nil)
	}
	if err != nil {
		return fmt.Errorf("the end of the schedule could not be stored: %w", err)
	}
	e.gone = true
	return nil
}

// load reads where an earlier process, or an earlier revision, left off.
func (s *Scheduler) load(ctx context.Context, e *entry, now time.Time) error {
	value, err := s.options.Load(ctx, e.script)
	if err != nil {
		return fmt.Errorf("the last tick of the schedule could not be read: %w", err)
	}
	e.loaded = true
	var r row
	switch {
	case value == nil:
		e.begin(now)
		return nil
	case json.Unmarshal(value, &r) != nil || r.Tick.IsZero():
		s.note(e, slog.LevelError, time.Time{}, "what was stored about the schedule is damaged: it begins anew, and what was missed is not known")
		e.begin(now)
		return nil
	}
	r.Spec.Name = e.script
	if !r.Spec.SameTicks(e.plan.Spec) {
		e.begin(now)
		return nil
	}
	e.decided, e.dirty = r.Tick.UTC(), r.Spec != e.plan.Spec
	e.look(earlier(e.decided, now)) // now, if the clock is behind what it was
	return nil
}

func (s *Scheduler) save(ctx context.Context, e *entry) error {
	value, err := json.Marshal(row{Spec: e.plan.Spec, Tick: e.decided})
	if err == nil {
		err = s.options.Save(ctx, e.script, value)
	}
	if err != nil {
		return fmt.Errorf("the last tick of the schedule could not be stored: %w", err)
	}
	e.dirty = false
	return nil
}

// start starts the run of the first pending tick, or skips it.
func (s *Scheduler) start(ctx context.Context, e *entry) error {
	p := e.pending[0]
	overlap := e.plan.Spec.Overlap
	skip := overlap == "" || overlap == schedule.Skip
	// Skip is about ticks that come while another run is under way. Those that
	// are made up for have come already, and each was promised a run: one
	// after the other keeps both words.
	t := Tick{Script: e.script, Time: p.time, Queue: overlap == schedule.Queue || skip && p.caught}
	if skip && !p.caught {
		busy, err := s.options.Busy(ctx, t)
		if err != nil {
			return fmt.Errorf("whether a run of the schedule is under way could not be found out: %w", err)
		}
		if busy {
			s.note(e, slog.LevelWarn, p.time, "the run for %s is skipped: the one before has not ended (overlap: \"skip\")", p.time.Format(time.RFC3339))
			e.settle()
			return nil
		}
	}
	if err := s.options.Start(ctx, t); err != nil {
		return fmt.Errorf("the run for %s could not be started: %w", p.time.Format(time.RFC3339), err)
	}
	e.settle()
	return nil
}

// settle ends the first pending tick: what it comes to is decided.
func (e *entry) settle() {
	t := e.pending[0].time
	e.decide(t)
	e.cursor, e.pending = t, e.pending[1:]
	if len(e.pending) == 0 {
		e.look(e.horizon)
	}
}

func (e *entry) decide(t time.Time) {
	if t.After(e.decided) {
		e.decided, e.dirty = t, true
	}
}

// look has the search for ticks go on from a moment.
func (e *entry) look(from time.Time) { e.cursor, e.next = from, e.plan.Next(from) }
