// What becomes of the runs in a process that ended. Those that only waited in
// it are innocent; they are played again anywhere. Those that executed are
// suspects: they begin again in the quarantine, a process that executes one
// turn at a time, so that if it ends, too, there is no doubt whose doing it
// was. That run ends, and for a while its revision stays apart, since what one
// request did another one will do.

package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/proc"
)

const (
	// markFor is how long a revision that ended a process executes in the
	// quarantine only.
	markFor = 30 * time.Second
	// suspectFor is how long a suspect is expected back.
	suspectFor = 10 * time.Minute
	// maxSuspects is how many are remembered before the old ones are looked for.
	maxSuspects = 1000
	// quarantineIdle is how long the quarantine is kept when nobody needs it.
	quarantineIdle = time.Minute
)

// suspicion is what is known of a run that was executing when its process ended.
type suspicion struct {
	turn uint64 // the one that was executing
	at   time.Time
}

// death is how a process ended.
type death struct {
	verdict
	executing map[*job]bool
	until     time.Time // when the revision of a guilty run is no longer kept apart
}

// bury notes how the process ended, and who was executing. It is called once,
// and who waits for it is told by closing died.
func (w *process) bury() *death {
	exit := w.child.Exit()
	w.mu.Lock()
	defer w.mu.Unlock()
	d := &death{executing: map[*job]bool{}, until: time.Now().Add(markFor)}
	if w.verdict != nil {
		d.verdict = *w.verdict
	} else {
		d.verdict = autopsy(exit, w.pool.options.Memory)
	}
	for _, j := range w.executing() {
		d.executing[j] = true
	}
	switch {
	case d.about != nil:
		d.executing[d.about] = true
		if w.turns == 1 {
			d.guilty = d.about
		}
	case len(d.executing) == 1 && (w.turns == 1 || d.limit == "callStack"): // a stack is one turn's own
		for j := range d.executing {
			d.guilty = j
		}
	}
	w.death = d
	return d
}

// autopsy says why a process ended that was not killed by us.
func autopsy(e proc.Exit, memory int64) verdict {
	switch {
	case e.OutOfMemory():
		return verdict{limit: "memory", allowed: memory, why: "it ran out of memory"}
	case e.StackOverflow():
		return verdict{limit: "callStack", why: "a turn needed more stack than a process has"}
	}
	return verdict{limit: "process", why: e.String()}
}

// judge decides what is told of a run whose process has ended: that it is
// lost, and may be played again, or that it has done it.
func (p *Pool) judge(s *remote) *call.Error {
	w := s.process
	d := w.death
	if !d.executing[s.job] || w.pool.ctx.Err() != nil {
		return w.errLost()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.guilty != s.job {
		p.suspect(s.run, s.order.turn+uint64(s.job.turns)) // which of them it was is not known
		return w.errLost()
	}
	delete(p.suspects, s.run)
	p.mark(s.revision, d.until)
	return errResource(s.job, d.verdict)
}

// mark keeps a revision apart for a while, be it one that has not been loaded
// yet. p.mu is held.
func (p *Pool) mark(revision string, until time.Time) {
	now := time.Now()
	maps.DeleteFunc(p.marked, func(_ string, until time.Time) bool { return now.After(until) })
	p.marked[revision] = until
}

// lostLoad is the error of a revision whose process ended while it was loaded.
// If it was executing, it is loaded in the quarantine from now on: all workers
// would load it, and end, one after the other and again and again.
func (w *process) lostLoad(j *job) error {
	d := w.death
	if !d.executing[j] || w.pool.ctx.Err() != nil {
		return w.errLost()
	}
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.mark(j.revision, d.until)
	if d.guilty == j {
		return errResource(j, d.verdict)
	}
	return w.errLost()
}

// errLost says that a run lost its process and did not do it.
func (w *process) errLost() *call.Error {
	return call.Errorf(call.CodeWorkerLost, "the worker process that executed the script has ended: %s", w.death.why)
}

// errResource says that a job has ended its process.
func errResource(j *job, v verdict) *call.Error {
	data := map[string]any{"limit": v.limit, "killed": true}
	if v.allowed > 0 {
		data["allowed"] = v.allowed
	}
	if v.used > 0 {
		data["used"] = v.used
	}
	return call.Errorf(call.CodeResource, "%s", v.sentence(j)).WithData(data)
}

// sentence tells those who wrote the script what it did, and what to do.
func (v *verdict) sentence(j *job) string {
	switch v.limit {
	case "turnCpu":
		return fmt.Sprintf("%s, so its worker process was ended; look for a built-in function that never comes to its end, or has too much to do", v.why)
	case "memory":
		return fmt.Sprintf("%s ended its worker process: %s; keep less at a time, in pages or in the KV store", j.what(), v.why)
	case "callStack":
		return fmt.Sprintf("%s needed more stack than its worker process had, and ended it; nest calls and data less deeply", j.what())
	}
	return fmt.Sprintf("%s ended its worker process: %s", j.what(), v.why)
}

// IsVerdict reports whether an error says that a run ended the process that
// executed it, and did so beyond doubt.
func IsVerdict(err error) bool {
	e, ok := errors.AsType[*call.Error](err)
	var data struct {
		Killed bool `json:"killed"`
	}
	return ok && e.Code == string(call.CodeResource) && json.Unmarshal(e.Data, &data) == nil && data.Killed
}

// suspect has a run begin in the quarantine next time. p.mu is held.
func (p *Pool) suspect(run string, turn uint64) {
	now := time.Now()
	if len(p.suspects) >= maxSuspects {
		for id, s := range p.suspects {
			if now.Sub(s.at) > suspectFor {
				delete(p.suspects, id)
			}
		}
	}
	p.suspects[run] = suspicion{turn: turn, at: now}
}

// isSuspect reports whether a run belongs into the quarantine. p.mu is held.
func (p *Pool) isSuspect(run, revision string) bool {
	if _, ok := p.suspects[run]; ok {
		return true
	}
	until, ok := p.marked[revision]
	if ok && time.Now().After(until) {
		delete(p.marked, revision)
		ok = false
	}
	return ok
}

// passed clears a run that got beyond the turn in which its process had ended.
func (p *Pool) passed(run string, turn uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.suspects[run]; ok && turn >= s.turn {
		delete(p.suspects, run)
	}
}

// Marked says until when a revision is kept apart; zero when it is not.
func (p *Pool) Marked(revision string) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isSuspect("", revision) {
		until = p.marked[revision]
	}
	return until
}

// event is what is told of the end of the process.
func (d *death) event(w *process) Event {
	e := Event{Kind: EventEnded, Worker: w.name, Pid: w.child.Pid(), Limit: d.limit, Why: d.why}
	for j := range d.executing {
		s := Suspect{Run: j.run, Script: j.script, Revision: j.revision, Durable: j.durable, Guilty: d.guilty == j}
		if s.Guilty && j.run != "" {
			s.Until = d.until
		}
		e.Suspects = append(e.Suspects, s)
	}
	return e
}

// Name names the process in a sentence.
func (e Event) Name() string {
	if e.Worker == Quarantine {
		return "the quarantine"
	}
	return "worker " + e.Worker
}

// String is the event as a sentence.
func (e Event) String() string {
	who := e.Name()
	switch e.Kind {
	case EventStarted:
		return who + " has started"
	case EventFailed:
		return who + " could not be started: " + e.Why
	}
	return who + " has ended: " + e.Why
}
