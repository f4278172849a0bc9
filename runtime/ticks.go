// Runs that a schedule starts. The scheduler knows when; here is what: one run
// for each tick, named by the tick.

package runtime

import (
	"context"
	"time"

	"reprise/runtime/logs"
	"reprise/runtime/schedule"
	"reprise/runtime/scheduler"
	"reprise/runtime/worker"
	"reprise/store"
)

const (
	tableSchedules = "schedules"    // script -> how far its schedule is
	tableTicking   = "runs.ticking" // script NUL id: begun by a schedule and not ended
)

func (e *Engine) newScheduler() *scheduler.Scheduler {
	return scheduler.New(scheduler.Options{
		Start: e.startTick, Busy: e.isTicking,
		Load: func(ctx context.Context, script string) ([]byte, error) {
			value, _, err := e.options.Store.Row(ctx, tableSchedules, script)
			return value, err
		},
		Save: func(ctx context.Context, script string, value []byte) error {
			_, err := e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: tableSchedules, Key: script, Value: value}}})
			return err
		},
		Note: e.noteTick,
	})
}

// Schedules tells the engine what is scheduled now: a spec for every script
// there is, nil for those without a schedule.
func (e *Engine) Schedules(specs map[string]*schedule.Spec) {
	e.scheduler.Update(specs)
	e.flow.lookAtAll() // limits may have been raised
}

// NextRuns returns the next n ticks of a script's schedule.
func (e *Engine) NextRuns(script string, n int) []time.Time { return e.scheduler.Next(script, n) }

func (e *Engine) startTick(ctx context.Context, t scheduler.Tick) error {
	at := t.Time.UTC()
	_, _, err := e.begin(ctx, beginning{
		script: t.Script, handler: string(worker.HandlerScheduled), input: t.Input(), key: t.Key(), tick: &at, alone: t.Queue,
	})
	return err
}

// isTicking reports whether a run of an earlier tick has not ended.
func (e *Engine) isTicking(ctx context.Context, t scheduler.Tick) (bool, error) {
	prefix := indexKey(t.Script, "")
	rows, err := e.options.Store.Rows(ctx, tableTicking, rangeOf(prefix, 100))
	if err != nil {
		return false, storeError("look for the runs of a schedule", err)
	}
	for _, row := range rows {
		r, err := e.row(ctx, row.Key[len(prefix):])
		if isGone(err) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !r.Status.Ended() && r.Tick != nil && r.Tick.Before(t.Time) {
			return true, nil
		}
	}
	return false, nil
}

func tickingRow(r *run, value []byte) store.RowOp {
	return store.RowOp{Table: tableTicking, Key: indexKey(r.Script, r.ID), Value: value}
}

func (e *Engine) noteTick(n scheduler.Note) {
	level := logs.Info
	switch {
	case n.Level >= 8:
		level = logs.Error
	case n.Level >= 4:
		level = logs.Warn
	case n.Level < 0:
		level = logs.Debug
	}
	f := fields{}
	if !n.Tick.IsZero() {
		f.text("tick", n.Tick.UTC().Format(time.RFC3339))
	}
	e.options.Log.Emit(logs.Entry{Level: level, Kind: logs.KindRun, Script: n.Script, Msg: n.Message, Fields: f.bytes()})
}
