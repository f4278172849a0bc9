// The watch sees to it that no script keeps a worker. A turn that takes too
// much is first stopped from inside, by the VM, which costs nobody else
// anything; but what runs natively in the engine does not hear that. What is
// still there after a grace is the process's end.

package worker

import (
	"fmt"
	"time"
)

const (
	// watchBusy and watchIdle are how often to look at a process that executes
	// something, and at one that does not. A script can take a few hundred
	// megabytes within a look.
	watchBusy = 20 * time.Millisecond
	watchIdle = time.Second
	// graceCPU is what a turn may use beyond its budget before its process goes:
	// the VM stops it at the budget, if it can.
	graceCPU = 500 * time.Millisecond
	// stuckAfter is how long a turn may take by the clock, on a machine that has
	// no time for it, or has lost it.
	stuckAfter = 2 * time.Minute
	// silentAfter is how long a process may say nothing. It gives a sign of life
	// every second.
	silentAfter = 5 * time.Second
)

// verdict is why a process is killed.
type verdict struct {
	limit         string // of ResourceError
	used, allowed int64  // in the limit's unit: milliseconds, or bytes
	why           string
	guilty        *job // whose turn is to blame, if that is certain
	about         *job // what the process lied about, if it lied
}

// watch looks at the process until it has ended.
func (w *process) watch() {
	timer := time.NewTimer(watchBusy)
	defer timer.Stop()
	poke := w.poke
	var silent time.Duration
	last := time.Now()
	for {
		select {
		case <-w.died:
			return
		case <-poke:
			poke = nil
			timer.Reset(watchBusy)
			continue
		case <-timer.C:
		}
		now := time.Now()
		// A look that comes late says something of this process, not of that one.
		silent += min(now.Sub(last), watchIdle)
		if heard := time.Unix(0, w.heard.Load()); heard.After(last) {
			silent = 0
		}
		last = now
		if v, ok := w.look(now, silent); ok {
			w.kill(v)
			<-w.died
			return
		}
		if w.busy() >= maxIdle { // turns were asked for
			poke = nil // it is seen anyway
			timer.Reset(watchBusy)
		} else {
			poke = w.poke
			timer.Reset(watchIdle)
		}
	}
}

// look decides whether the process has to go.
func (w *process) look(now time.Time, silent time.Duration) (v verdict, ok bool) {
	if silent > silentAfter {
		return verdict{limit: "process", why: fmt.Sprintf("it gave no sign of life for %s", silentAfter)}, true
	}
	u, err := w.child.Usage()
	known := err == nil
	if memory := w.pool.options.Memory; known && u.RSS > memory {
		return verdict{limit: "memory", used: u.RSS, allowed: memory, why: fmt.Sprintf("it took %d MiB of memory and may take %d (--worker-memory)", mebibytes(u.RSS), mebibytes(memory))}, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.overdue(w.executing(), now, u.CPU, known)
}

// overdue looks for a turn that should have ended. cpu is what the process has
// used so far, if that is known. w.mu is held.
func (w *process) overdue(executing []*job, now time.Time, cpu time.Duration, known bool) (v verdict, ok bool) {
	used := cpu - w.used
	w.used = cpu
	for _, j := range executing {
		if !j.seen {
			j.since, j.cpu, j.seen = now, 0, true
		} else {
			// What the process used since the last look is put down to those that
			// execute, in equal parts. To divide only in the end would blame the last
			// of many that made each other slow.
			j.cpu += used / time.Duration(len(executing))
		}
		allowed, took := j.budget*time.Duration(j.unseen())+graceCPU, now.Sub(j.since)
		spent := took
		if known {
			spent = j.cpu
		}
		if spent >= allowed && took >= allowed {
			v = verdict{
				limit: "turnCpu", used: spent.Milliseconds(), allowed: j.budget.Milliseconds(),
				why: fmt.Sprintf("%s used more than %s of CPU time and could not be stopped", j.what(), j.budget),
			}
			if len(executing) == 1 {
				v.guilty = j
			}
			return v, true
		}
		if took > stuckAfter {
			return verdict{limit: "process", why: fmt.Sprintf("%s did not end within %s", j.what(), stuckAfter)}, true
		}
	}
	return v, false
}

// unseen is how many turns may have passed since the job was seen to execute: one,
// where the worker says when it goes on to the next.
func (j *job) unseen() int {
	if j.begun > 0 {
		return 1
	}
	return max(1, j.turns)
}

// mebibytes rounds up, so that what is too much looks it.
func mebibytes(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }

// kill ends the process. The first verdict counts.
func (w *process) kill(v verdict) {
	w.mu.Lock()
	if w.verdict == nil && w.death == nil {
		w.verdict = &v
	}
	w.mu.Unlock()
	w.child.Kill()
}
