package runtime

import (
	"fmt"
	"strings"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/logs"
	"reprise/runtime/worker"
)

// emitRun writes an entry about a run's life.
func (e *Engine) emitRun(r Run, level logs.Level, msg string, f fields, src *call.Position) {
	f.text("status", string(r.Status))
	e.options.Log.Emit(logs.Entry{
		Level: level, Kind: logs.KindRun, Script: r.Script, Revision: r.Revision, Run: r.ID, Msg: msg, Fields: f.bytes(), Src: src,
	})
}

func (e *Engine) logStart(r Run) {
	f := fields{}
	f.raw("input", preview(r.Input))
	f.text("parent", r.Parent)
	msg := "started"
	switch {
	case r.Status == Queued:
		msg = "queued"
	case r.ForkOf != "":
		msg = "forked from " + r.ForkOf
	}
	e.emitRun(r, logs.Info, msg, f, nil)
}

func (e *Engine) logEnd(r Run) {
	took := r.EndedAt.Sub(*r.StartedAt)
	f := fields{}
	f.duration(took)
	switch r.Status {
	case Failed:
		f.failure(r.Error)
		e.emitRun(r, logs.Error, "failed: "+r.Error.Error(), f, place(r.Error.Position()))
	case Cancelled:
		f.text("reason", r.Reason)
		e.emitRun(r, logs.Warn, "cancelled after "+millis(took), f, nil)
	default:
		f.raw("output", preview(r.Output))
		f.text("successor", r.Successor)
		e.emitRun(r, logs.Info, "succeeded after "+millis(took), f, nil)
	}
}

// logPaused writes that a run is paused and needs somebody.
func (e *Engine) logPaused(r Run, err *call.Error) {
	f := fields{}
	f.text("reason", r.Reason)
	f.failure(err)
	e.emitRun(r, logs.Error, "paused ("+r.Reason+"): "+err.Error(), f, place(err.Position()))
}

// logRepeat writes that a turn is executed once more that was cut off.
func (e *Engine) logRepeat(r Run, err *call.Error, try int) {
	f := fields{}
	f.failure(err)
	e.emitRun(r, logs.Warn, fmt.Sprintf("cut off: %s; the turn is executed again, try %d of %d", err, try, maxCutOff), f, place(err.Position()))
}

// logNoMoreAfter writes that nobody is told of a failure any more.
func (e *Engine) logNoMoreAfter(r run) {
	f := fields{}
	f.text("onFailed", r.OnFailed)
	e.emitRun(r.Run, logs.Error, fmt.Sprintf("onFailed: %s is not started for this failure: it would be the %dth in a row that is started for the failure of the one before",
		r.OnFailed, r.After+1), f, nil)
}

func (e *Engine) logDiverged(r Run) {
	f := fields{}
	f.number("turn", int64(r.Divergence.Turn))
	var src *call.Position
	if g := r.Divergence.Got; g != nil {
		src = g.Src
	}
	e.emitRun(r, logs.Error, "diverged: "+r.Divergence.Message, f, src)
}

func (e *Engine) logCrashLoop(r Run) {
	e.emitRun(r, logs.Error, fmt.Sprintf("paused (crash-loop): the server died %d times while it resumed this run; look at what the script does there, then resume, fork or kill it", maxDeaths), nil, nil)
}

// logRetried writes from where a run goes on, and what is called again.
func (a *actor) logRetried(c *journal.Control) {
	f := fields{}
	f.number("turn", int64(c.Turn))
	again := "no call is made again: the script goes on with the answers it had"
	for _, id := range c.Void {
		if k := a.h.Call(id); k != nil {
			again = k.Target + " is called again"
		}
	}
	a.engine.emitRun(a.run.Run, logs.Info, fmt.Sprintf("retried from turn %d; %s", c.Turn, again), f, nil)
}

func (e *Engine) logLong(r Run, calls int, most int64) {
	f := fields{}
	f.number("calls", int64(calls))
	e.emitRun(r, logs.Warn, fmt.Sprintf("the run has made %d calls; it is paused at %d: let it continueAs a new one, with what it needs as input", calls, most), f, nil)
}

func (e *Engine) logSignal(r Run, name, from string) {
	f := fields{}
	f.text("signal", name)
	f.text("from", from)
	msg := "got signal " + name
	if strings.HasPrefix(name, "ask:") {
		msg = "got an answer"
	}
	e.emitRun(r, logs.Info, msg, f, nil)
}

// warnUnread says which calls were answered, and the handler settled without
// having waited for them.
func (a *actor) warnUnread() {
	for _, o := range a.facts {
		c := a.h.Call(o.Call)
		if c == nil || c.Kind == worker.KindTimer {
			continue
		}
		f := fields{}
		f.target(c.Target)
		a.x.emit(logs.Entry{
			Kind: logs.KindRun, Level: logs.Warn, Src: place(c.Pos), Fields: f.bytes(),
			Msg: c.Target + " was still open when the handler settled, and has been answered since; is an await missing?",
		})
	}
}

// logState writes what a script published.
func (x *execution) logState(c *openCall, state []byte) {
	f := fields{}
	f.raw("state", preview(state))
	x.emit(logs.Entry{Level: logs.Info, Kind: logs.KindRun, Msg: "published its state", Fields: f.bytes(), Src: place(c.call.Pos)})
}

// keepLine keeps what a script prints while it is only played.
func (x *execution) keepLine(l worker.Line) {
	if x.lines == nil {
		return
	}
	*x.lines = append(*x.lines, ReplayLine{Turn: l.Turn, Level: l.Level, Msg: l.Msg, Fields: l.Fields, Src: place(l.Pos)})
}
