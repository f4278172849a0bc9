package scheduler

import (
	"fmt"
	"log/slog"
	"time"

	"reprise/runtime/schedule"
)

// judge looks for ticks that have come, and decides which of them are to be
// started. It reports whether one had come.
func (s *Scheduler) judge(e *entry, now time.Time) bool {
	if back := e.cursor.Sub(now); back > longestSleep {
		s.note(e, slog.LevelWarn, time.Time{}, "the clock was set back by %s; the schedule goes on from where it is now", back.Round(time.Second))
		e.look(now)
	}
	if e.next.IsZero() || e.next.After(now) {
		return false
	}
	late := now.Add(-grace)
	onTime := e.plan.Between(later(e.cursor, late), now, maxCatchUp)
	for _, t := range s.missed(e, late, len(onTime) > 0) {
		e.pending = append(e.pending, pending{time: t, caught: e.plan.Spec.CatchUp == schedule.CatchUpAll})
	}
	for _, t := range onTime {
		e.pending = append(e.pending, pending{time: t})
	}
	e.horizon = now
	if len(e.pending) == 0 {
		e.look(now)
	}
	return true
}

// missed returns which of the ticks up to a moment are made up for. What came
// on time makes up for the latest.
func (s *Scheduler) missed(e *entry, until time.Time, onTime bool) []time.Time {
	from := later(e.cursor, e.decided)
	if !until.After(from) {
		return nil
	}
	var run []time.Time
	switch e.plan.Spec.CatchUp {
	case schedule.CatchUpAll:
		run = e.plan.Last(from, until, maxCatchUp)
	case schedule.CatchUpLatest:
		if !onTime {
			run = e.plan.Last(from, until, 1)
		}
	}
	newest := e.plan.Last(from, until, 1)
	if len(newest) == 0 {
		return nil
	}
	if newest[0].After(e.noted) { // and not said before it was put off
		e.noted = newest[0]
		s.noteMissed(e, e.plan.Between(from, until, maxCounted+1), newest[0], len(run))
	}
	if len(run) == 0 {
		e.decide(newest[0])
	}
	return run
}

// noteMissed says what becomes of the ticks that were missed. It gets no more
// than maxCounted and one of them.
func (s *Scheduler) noteMissed(e *entry, all []time.Time, newest time.Time, run int) {
	first, last := all[0].Format(time.RFC3339), newest.Format(time.RFC3339)
	many := len(all) > maxCounted
	missed := fmt.Sprintf("%d runs were missed, from %s to %s", len(all), first, last)
	switch {
	case many:
		missed = fmt.Sprintf("more than %d runs were missed, from %s to %s", maxCounted, first, last)
	case len(all) == 1:
		missed = fmt.Sprintf("the run for %s was missed", last)
	}
	left := fmt.Sprint(len(all) - run)
	if many {
		left = fmt.Sprintf("more than %d", maxCounted-run)
	}
	switch catchUp := e.plan.Spec.CatchUp; {
	case run == 0 && catchUp == schedule.CatchUpLatest:
		s.note(e, slog.LevelInfo, time.Time{}, `%s; the one that is due now makes up for that (catchUp: "latest")`, missed)
	case run == 0:
		s.note(e, slog.LevelWarn, time.Time{}, `%s, and skipped (catchUp: "none")`, missed)
	case run == len(all):
		s.note(e, slog.LevelInfo, time.Time{}, `%s, and made up for (catchUp: %q)`, missed, catchUp)
	case catchUp == schedule.CatchUpLatest:
		s.note(e, slog.LevelInfo, newest, `%s; the latest is made up for (catchUp: "latest")`, missed)
	default:
		s.note(e, slog.LevelWarn, time.Time{}, `%s; the newest %d are made up for, and %s are left out: %d is the most`, missed, run, left, maxCatchUp)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
