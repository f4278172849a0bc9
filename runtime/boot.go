// What a new process does with the runs of the one before: those that were
// executing go on, one by one where they may be what ended the process. Waiting
// runs are left to their timers, queued ones to their queue.

package runtime

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"

	"reprise/runtime/journal"
	"reprise/store"
)

// maxDeaths is how often a process may die while it resumes a run.
const maxDeaths = 3

// tableDeaths counts the processes that began to resume a run: id -> count. The
// row goes when the run has got further.
const tableDeaths = "runs.resuming"

func deathsRow(id string) store.RowOp { return store.RowOp{Table: tableDeaths, Key: id} }

// survival is how long a process must live after it resumed a run for that not
// to have been what ends it.
const survival = 10 * time.Second

// survive says that the process has lived through resuming the run: a turn was
// made, or it ends in order, or time has passed.
func (a *actor) survive() {
	if a.resuming {
		a.resuming = false
		a.setRow(deathsRow(a.id))
		a.acquit()
	}
}

// A process can only die of a run that executes. So the count is in the store
// while the run is replayed and during its next turn, and not while it waits:
// who kills a server again and again would otherwise have all runs paused that
// wait for something slow.

// uncount takes the count away while the run waits.
func (a *actor) uncount() {
	if a.resuming && a.counted {
		a.counted = false
		a.setRow(deathsRow(a.id))
		a.acquit()
	}
}

// recount puts it back before the turn that may be the fatal one.
func (a *actor) recount() {
	if a.resuming && !a.counted {
		a.count()
		a.flush(true)
	}
}

func (a *actor) count() {
	a.counted = true
	a.setRow(store.RowOp{Table: tableDeaths, Key: a.id, Value: binary.BigEndian.AppendUint64(nil, a.deaths)})
}

// acquitAfter is how long a suspect is watched alone.
const acquitAfter = time.Second

// resumeAll takes up the runs that were executing. Those that a process died
// with while they executed come last, and alone, in any order: one that ends the
// process is then the only one that is counted, and the others go free.
func (e *Engine) resumeAll() {
	defer e.work.Done()
	var suspects []string
	slots := make(chan struct{}, maxWaking)
	e.eachWith(Running, func(id string) {
		deaths, err := e.deaths(e.ctx, id)
		if err != nil {
			e.bootFailed(id, err)
			return
		}
		if deaths > 0 {
			suspects = append(suspects, id)
			return
		}
		select {
		case slots <- struct{}{}:
			e.takeUp(id, deaths+1, func() { <-slots }, func() {})
		case <-e.quit:
		}
	})
	rand.Shuffle(len(suspects), func(i, j int) { suspects[i], suspects[j] = suspects[j], suspects[i] })
	for _, id := range suspects {
		if e.ctx.Err() != nil {
			return
		}
		deaths, err := e.deaths(e.ctx, id)
		if err != nil {
			e.bootFailed(id, err)
			continue
		}
		if !e.watch(id, deaths+1) {
			return
		}
	}
	e.clearDeaths()
}

// watch takes up a run alone: nothing else is taken up until it has made a turn,
// or waits, or a while has passed and the process is still there.
func (e *Engine) watch(id string, deaths uint64) bool {
	acquitted := make(chan struct{})
	var once sync.Once
	done := func() { once.Do(func() { close(acquitted) }) }
	e.takeUp(id, deaths, func() {}, done)
	t := time.NewTimer(acquitAfter)
	defer t.Stop()
	select {
	case <-acquitted:
	case <-t.C:
	case <-e.quit:
		return false
	}
	return true
}

// clearDeaths takes away the counts of runs that do not execute any more: they
// were woken before they could be taken up, and have got further since.
func (e *Engine) clearDeaths() {
	r := store.Range{Limit: 500}
	for {
		rows, err := e.options.Store.Rows(e.ctx, tableDeaths, r)
		if err != nil {
			e.bootFailed("", err)
			return
		}
		for _, row := range rows {
			e.tell(row.Key, letter{
				do: func(a *actor) {
					if a.run.Status != Running {
						a.setRow(deathsRow(a.id))
						a.flush(false)
					}
				},
				anyway: true,
				refuse: func(error) {}, // the row goes with the run
			})
		}
		if len(rows) < r.Limit {
			return
		}
		r.Start = []byte(rows[len(rows)-1].Key + "\x00")
	}
}

func (e *Engine) bootFailed(id string, err error) {
	if e.ctx.Err() == nil && !e.isStopping() {
		e.options.Logger.Error("a run could not be resumed", "run", id, "error", err)
	}
}

func (e *Engine) deaths(ctx context.Context, id string) (uint64, error) {
	value, ok, err := e.options.Store.Row(ctx, tableDeaths, id)
	if err != nil || !ok || len(value) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(value), nil
}

// takeUp resumes a run. past is called when it is past its replay, acquit when
// the process has lived through it.
func (e *Engine) takeUp(id string, deaths uint64, past, acquit func()) {
	e.tell(id, letter{
		do: func(a *actor) {
			if a.run.Status != Running || a.x != nil {
				// Somebody woke it before us, and it is past its replay, as it reads this.
				if deaths > 1 {
					a.setRow(deathsRow(a.id))
					a.flush(false)
				}
				past()
				acquit()
				return
			}
			if deaths > maxDeaths {
				a.record(&journal.Control{Op: journal.OpPause, At: a.now(), Reason: ReasonCrashLoop})
				a.setRow(deathsRow(a.id))
				a.pausedBecause(ReasonCrashLoop)
				e.logCrashLoop(a.run.Run)
				past()
				acquit()
				return
			}
			a.deaths = deaths
			a.count()
			a.resuming, a.acquit, a.ready = true, acquit, both(a.ready, past)
			a.flush(true)
		},
		refuse: func(err error) { e.bootFailed(id, err); past(); acquit() },
	})
}

// eachWith calls f for the runs of a status, oldest first.
func (e *Engine) eachWith(s Status, f func(id string)) {
	prefix := indexKey(string(s), "")
	r := rangeOf(prefix, 500)
	for e.ctx.Err() == nil {
		rows, err := e.options.Store.Rows(e.ctx, tableByStatus, r)
		if err != nil {
			if e.ctx.Err() == nil {
				e.options.Logger.Error("the runs can not be listed; trying again", "status", string(s), "error", err)
				_ = wait(e.ctx, time.Second) // stopping is seen by the loop
			}
			continue
		}
		for _, row := range rows {
			select {
			case <-e.quit:
				return
			default:
				f(row.Key[len(prefix):])
			}
		}
		if len(rows) < r.Limit {
			return
		}
		r.Start = append([]byte(rows[len(rows)-1].Key), 0)
	}
}
