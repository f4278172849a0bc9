// Playing runs again with nothing performed: against a candidate before it
// serves (check, upgrade), or to see what happened and what an edit would do
// (replay).

package runtime

import (
	"context"
	"encoding/json"

	"reprise/runtime/call"
	"reprise/runtime/journal"
	"reprise/runtime/worker"
)

// playback is a history being played for its own sake.
type playback struct {
	engine *Engine
	x      *execution
	last   worker.Turn
	report *ReplayReport
	diff   *Divergence
	err    error
}

// maxPlays is how often a history is played whose process ends meanwhile.
const maxPlays = 3

// play plays a history against a revision that the workers have.
func (e *Engine) play(ctx context.Context, h *journal.History, s *Script) *playback {
	for try := 1; ; try++ {
		if p := e.playOnce(ctx, h, s); !isLost(p.err) || try == maxPlays || ctx.Err() != nil {
			return p
		}
	}
}

func (e *Engine) playOnce(ctx context.Context, h *journal.History, s *Script) *playback {
	p := &playback{engine: e, report: &ReplayReport{Run: h.Started.Run, Revision: s.Revision, Logs: []ReplayLine{}, Calls: []ReplayCall{}}}
	p.x = e.newDurable(h, s)
	p.x.silent, p.x.lines = true, &p.report.Logs
	load := e.loader(ctx)
	mirror := &actor{engine: e, id: h.Started.Run, h: h, x: p.x} // makes records, and writes none
	defer func() {
		p.x.stopped = errAside
		p.x.close(false)
	}()
	start, err := e.startOf(h, s)
	if err != nil {
		p.err = err
		return p
	}
	release := e.beginReplay()
	defer release()
	if len(h.Turns) == 0 {
		p.first(start, mirror, load)
		return p
	}
	player := &player{x: p.x, h: h, load: load, record: mirror.turnRecord}
	player.issued = func(t *worker.Turn, r *journal.Turn) { p.note(t, mirror, load) }
	p.last, p.diff, p.err = player.play(start)
	if p.diff == nil && p.err == nil {
		p.undelivered(h, mirror, load)
	}
	return p
}

// first plays a run that has not begun.
func (p *playback) first(start worker.Start, mirror *actor, load func(journal.Hash) ([]byte, error)) {
	p.last, p.err = p.x.enter(start)
	p.played(mirror, load)
}

// undelivered delivers the facts that the journal has and no turn delivered.
func (p *playback) undelivered(h *journal.History, mirror *actor, load func(journal.Hash) ([]byte, error)) {
	for _, fact := range h.Pending() {
		if p.err != nil || p.last.Done {
			return
		}
		o, err := outcomeOf(fact, load)
		if err != nil {
			p.err = err
			return
		}
		p.last = p.x.session.Deliver(worker.Delivery{Outcome: o, At: fact.At})[0]
		p.played(mirror, load)
	}
}

// played takes the last turn, unless its process has ended.
func (p *playback) played(mirror *actor, load func(journal.Hash) ([]byte, error)) {
	if p.err == nil {
		p.err = endOf(&p.last)
	}
	if p.err == nil {
		p.note(&p.last, mirror, load)
	}
}

// note adds a turn to the report.
func (p *playback) note(t *worker.Turn, mirror *actor, load func(journal.Hash) ([]byte, error)) {
	p.report.Turns++
	for i := range t.Calls {
		r := mirror.callRecord(&t.Calls[i])
		p.report.Calls = append(p.report.Calls, ReplayCall{
			CallDetail: *detailOf(&r, load), Turn: t.N, Answered: mirror.h.Outcome(r.ID) != nil,
		})
	}
	if t.Settled {
		p.report.Output, p.report.Error = json.RawMessage(t.Value), t.Err
	}
}

// compare plays a history against a kept revision and returns where they differ.
func (e *Engine) compare(ctx context.Context, h *journal.History, revision string) (*Divergence, error) {
	s, release, err := e.pinned(ctx, h.Started.Script, revision)
	if err != nil {
		return nil, err
	}
	defer release()
	p := e.play(ctx, h, s)
	return p.diff, p.err
}

// candidate is the revision that a request is about: built from source, or the
// one that fallback names.
func (e *Engine) candidate(ctx context.Context, script, source, fallback string) (*Script, func(), error) {
	if source == "" {
		return e.pinned(ctx, script, fallback)
	}
	if e.options.Revisions == nil {
		return nil, nil, call.Errorf(call.CodeUnavailable, "this server can not build scripts")
	}
	s, _, err := e.options.Revisions.Build(ctx, script, source)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { e.options.Workers.Forget(s.Revision) }, nil
}

// Replay plays a run again with nothing performed, against its own revision or
// against source.
func (e *Engine) Replay(ctx context.Context, id string, req ReplayRequest) (ReplayReport, error) {
	r, err := e.row(ctx, id)
	if err != nil {
		return ReplayReport{}, err
	}
	h, err := e.history(ctx, id)
	if err != nil {
		return ReplayReport{}, err
	}
	s, release, err := e.candidate(ctx, r.Script, req.Source, h.Revision)
	if err != nil {
		return ReplayReport{}, err
	}
	defer release()
	p := e.play(ctx, h, s)
	if p.err != nil {
		return ReplayReport{}, p.err
	}
	p.report.Divergence = p.diff
	switch {
	case p.diff != nil:
		p.report.Result = "diverges"
	case p.last.Done || p.last.Settled:
		p.report.Result = "same"
	default:
		p.report.Result = "open"
	}
	return *p.report, nil
}

// finishedChecked is how many finished runs a check replays unless it is told.
const finishedChecked = 20

// Check replays the runs of a script that are under way, and the last ones that
// have finished, against a candidate. Nothing is performed or written.
func (e *Engine) Check(ctx context.Context, req CheckRequest) (CheckReport, error) {
	current := e.options.Scripts.Current(req.Script)
	if current == nil && req.Source == "" {
		return CheckReport{}, call.Errorf(call.CodeNotFound, "there is no script %s", req.Script)
	}
	fallback := ""
	if current != nil {
		fallback = current.Revision
	}
	s, release, err := e.candidate(ctx, req.Script, req.Source, fallback)
	if err != nil {
		return CheckReport{}, err
	}
	defer release()
	if req.Finished <= 0 {
		req.Finished = finishedChecked
	}
	report := CheckReport{Script: req.Script, Revision: s.Revision, Runs: []CheckRun{}}
	finished := 0
	err = e.eachOf(ctx, req.Script, func(r *run) error {
		if r.Status.Ended() {
			if finished++; finished > req.Finished {
				return nil
			}
		}
		c := e.checkRun(ctx, r, s)
		switch c.Result {
		case "same":
			report.Same++
		case "diverges":
			report.Diverge++
		}
		report.Runs = append(report.Runs, c)
		return context.Cause(ctx)
	})
	return report, err
}

func (e *Engine) checkRun(ctx context.Context, r *run, s *Script) CheckRun {
	c := CheckRun{Run: r.ID, Status: r.Status, Revision: r.Revision, Result: "same"}
	h, err := e.history(ctx, r.ID)
	if err != nil {
		c.Result, c.Error = "failed", call.From(err)
		return c
	}
	p := e.play(ctx, h, s)
	c.Turns = p.report.Turns
	switch {
	case p.err != nil:
		c.Result, c.Error = "failed", call.From(p.err)
	case p.diff != nil:
		c.Result, c.Divergence = "diverges", p.diff
	}
	return c
}

// Journal returns a run's records, for people.
func (e *Engine) Journal(ctx context.Context, id string) ([]JournalRecord, error) {
	if _, err := e.row(ctx, id); err != nil {
		return nil, err
	}
	h, err := e.history(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]JournalRecord, 0, h.Len)
	for i, r := range h.All() {
		kind, text, at, data := journal.Describe(r)
		b, err := call.Encode(data)
		if err != nil {
			return nil, call.Errorf(call.CodeInternal, "record %d of run %s does not encode: %v", i, id, err)
		}
		rec := JournalRecord{Seq: uint64(i), Kind: kind, Text: text, Data: b, Void: h.Void(uint64(i))}
		if !at.IsZero() {
			at = at.UTC()
			rec.At = &at
		}
		out = append(out, rec)
	}
	return out, nil
}
