// The loop: do what is due, a step for each script in turn, so that one that
// has much to make up for holds up nobody; then sleep until the next tick.

package scheduler

import (
	"context"
	"maps"
	"slices"
	"time"

	"reprise/runtime/schedule"
)

func (s *Scheduler) loop(ctx context.Context) {
	for ctx.Err() == nil {
		s.adopt(s.plans())
		worked := false
		for _, script := range slices.Sorted(maps.Keys(s.entries)) {
			if ctx.Err() != nil {
				return
			}
			if s.step(ctx, s.entries[script]) {
				worked = true
			}
		}
		if !worked {
			s.sleep(ctx)
		}
	}
}

// sleep waits for the next moment at which there may be something to do.
func (s *Scheduler) sleep(ctx context.Context) {
	now, wait, waiting := s.options.Now(), longestSleep, false
	for _, e := range s.entries {
		if at := e.wake(); !at.IsZero() {
			wait, waiting = min(wait, at.Sub(now)), true
		}
	}
	var tick <-chan time.Time
	if waiting {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-tick:
	case <-s.changed:
	case <-ctx.Done():
	}
}

// adopt brings the entries in line with what is wanted.
func (s *Scheduler) adopt(wanted map[string]*schedule.Plan) {
	for script, e := range s.entries {
		plan, there := wanted[script]
		if !there {
			delete(s.entries, script)
			continue
		}
		if plan != e.plan {
			s.replan(e, plan)
		}
	}
	for script, plan := range wanted {
		if s.entries[script] == nil {
			s.entries[script] = &entry{script: script, plan: plan}
		}
	}
}

// replan gives an entry another plan. One with other ticks begins now.
func (s *Scheduler) replan(e *entry, plan *schedule.Plan) {
	old := e.plan
	e.plan, e.retryAt, e.retries = plan, time.Time{}, 0
	if plan == nil || old == nil || !e.loaded {
		*e = entry{script: e.script, plan: plan}
		return
	}
	e.dirty = true
	if !plan.Spec.SameTicks(old.Spec) {
		e.begin(s.options.Now())
	}
}
