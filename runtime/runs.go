package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/store"
)

// Start begins a run of a script's run handler and returns once it is
// recorded. With an idempotency key that was used before it returns that run
// and created false, or CONFLICT_ERROR when the input differs.
func (e *Engine) Start(ctx context.Context, req StartRequest) (run Run, created bool, err error) {
	s, missing := e.pick(req.Script)
	if missing != nil {
		return Run{}, false, missing
	}
	defer func() {
		if !created {
			e.options.Workers.Forget(s.Revision) // otherwise launch does
		}
	}()
	if !s.Has(worker.HandlerRun) {
		return Run{}, false, call.Errorf(call.CodeInvalidArgument,
			"the script %s has no run handler; it exports %s", req.Script, strings.Join(s.Handlers, ", "))
	}
	input, ierr := compactInput(req.Input)
	if ierr != nil {
		return Run{}, false, ierr
	}
	if err := e.enter(); err != nil {
		return Run{}, false, err
	}
	now := time.Now().UTC()
	run = Run{
		ID: newRunID(), Script: s.Name, Revision: s.Revision, Handler: string(worker.HandlerRun),
		Status: Running, Input: input, CreatedAt: now, StartedAt: &now,
	}
	x := e.newExecution(s, worker.HandlerRun, run.ID, true)
	e.enlist(x) // before anybody can see the row
	if err := e.insert(ctx, run, req.IdempotencyKey); err != nil {
		e.delist(x)
		e.work.Done()
		if errors.Is(err, store.ErrRowExists) {
			run, err = e.sameStart(ctx, req.Script, req.IdempotencyKey, input)
			return run, false, err
		}
		return Run{}, false, storeError("record the run", err)
	}
	e.launch(x, run) //nolint:contextcheck // a run outlives the request that started it
	return run, true, nil
}

func compactInput(input json.RawMessage) (json.RawMessage, error) {
	if len(input) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, input); err != nil {
		return nil, call.Errorf(call.CodeInvalidJSON, "the input is not valid JSON: %v", err)
	}
	return b.Bytes(), nil
}

// enlist makes a run one that can be awaited and cancelled.
func (e *Engine) enlist(x *execution) {
	e.mu.Lock()
	e.live[x.by.Run] = x
	stopping := e.stopping
	e.mu.Unlock()
	if stopping {
		x.cancelRun(errStopped)
	}
}

func (e *Engine) delist(x *execution) {
	e.mu.Lock()
	delete(e.live, x.by.Run)
	e.mu.Unlock()
	close(x.ended)
}

// launch executes a recorded run on a goroutine of its own.
func (e *Engine) launch(x *execution, run Run) {
	x.logStart(run)
	go func() {
		defer e.work.Done()
		turn, err := x.begin(worker.Start{Input: run.Input})
		e.options.Workers.Forget(x.by.Revision) // the session has its VM
		if err != nil {
			turn = failedTurn(call.From(err))
		}
		settled := x.drive(turn, func(t worker.Turn) bool { return t.Settled })
		last := settled
		if !settled.Done {
			last = x.drive(worker.Turn{N: settled.N, Err: settled.Err}, func(t worker.Turn) bool { return t.Done })
			settled.Err = firstError(settled.Err, last.Err)
		}
		x.finish(last)
		e.end(x, run, settled)
	}()
}

func firstError(a, b *call.Error) *call.Error {
	if a != nil {
		return a
	}
	return b
}

// end records how a run ended, tells those who wait, and forgets it.
func (e *Engine) end(x *execution, run Run, t worker.Turn) {
	now := time.Now().UTC()
	run.EndedAt = &now
	switch {
	case x.reason != nil:
		run.Status, run.Reason, run.Error = Cancelled, x.reason.Message, t.Err
		if x.reason.Code == string(call.CodeServerStopped) {
			run.Status, run.Error = Failed, x.reason
		}
	case t.Err != nil:
		run.Status, run.Error = Failed, t.Err
	default:
		run.Status, run.Output = Succeeded, t.Value
	}
	run = e.recordEnd(run)
	x.logEnd(run)
	if e.options.Meter != nil {
		e.options.Meter.RunEnded(run.Script, string(run.Status), now.Sub(x.began))
	}
	e.delist(x)
}

// recordEnd writes the final row. A result the store can not take fails the run.
func (e *Engine) recordEnd(run Run) Run {
	ctx := context.WithoutCancel(e.ctx)
	err := e.update(ctx, run, Running)
	if errors.Is(err, store.ErrTooLarge) {
		run.Status, run.Output = Failed, nil
		run.Error = call.Errorf(call.CodeResource, "the run's result is larger than the store takes in one piece; store it and return a reference")
		err = e.update(ctx, run, Running)
	}
	for pause := time.Second; err != nil; pause = min(2*pause, time.Minute) {
		// Until it is recorded the run has not ended: nobody may start it again
		// because of a disk that was full for a while.
		e.options.Logger.Error("the end of a run could not be recorded; trying again", "run", run.ID, "script", run.Script,
			"status", string(run.Status), "in", pause, "error", err)
		if wait(e.ctx, pause) != nil {
			return run // the server stops; the next one marks the run as failed
		}
		err = e.update(ctx, run, Running)
	}
	return run
}

// Wait returns the run as soon as it has ended, or as it is after d.
func (e *Engine) Wait(ctx context.Context, id string, d time.Duration) (Run, error) {
	if x := e.executing(id); x != nil && d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-x.ended:
		case <-timer.C:
		case <-ctx.Done():
			return Run{}, context.Cause(ctx)
		}
	}
	return e.Get(ctx, id)
}

func (e *Engine) executing(id string) *execution {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live[id]
}

// Cancel asks a run to end: its open calls fail with CancelledError, finally
// blocks and undos run, and after 30 s it is stopped. A run that has ended is
// CONFLICT_ERROR.
func (e *Engine) Cancel(ctx context.Context, id string) (Run, error) {
	x := e.executing(id)
	run, err := e.Get(ctx, id)
	if err != nil {
		return Run{}, err
	}
	if x == nil || run.Status.Ended() {
		return Run{}, call.Errorf(call.CodeConflict, "the run %s has already ended: %s", id, run.Status)
	}
	x.cancelRun(call.Errorf(call.CodeCancelled, "cancelled by a user"))
	return run, nil
}

// Delete removes an ended run. One in progress is CONFLICT_ERROR.
func (e *Engine) Delete(ctx context.Context, id string) error {
	run, err := e.Get(ctx, id)
	if err != nil {
		return err
	}
	if !run.Status.Ended() {
		return call.Errorf(call.CodeConflict, "the run %s is still %s; cancel it first", id, run.Status)
	}
	return e.remove(ctx, run)
}
