package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/store"
	"reprise/store/storetest"
)

// scenario is a run of a script, and what a client does to it meanwhile.
type scenario struct {
	name   string
	script string
	input  string
	acts   []act
	// status is how the run ends when nothing goes wrong.
	status runtime.Status
	// doubt says that a crash may leave a write in doubt; the client then has it
	// made again.
	doubt bool
}

// act is something that a client does, again and again until it is done.
type act func(ctx context.Context, e *runtime.Engine, run string) (done bool, err error)

// world is what outlives a process: the store, the upstream, the client.
type world struct {
	t    testing.TB
	lab  *lab
	up   *upstream
	what *scenario
	// workers execute the scripts; nil for those of the lab.
	workers worker.Workers

	run   string // the client's, once it knows it
	acted int    // how many acts are done
}

func newWorld(t testing.TB, s *scenario) *world {
	return &world{t: t, lab: theLab(t), up: newUpstream(), what: s}
}

// patience is how long a client waits for something to happen.
const patience = 20 * 24 * time.Hour

// life lets a process live until all runs have ended or the store stops.
// inspect is called before it is closed, if it came to its end.
func (w *world) life(f *storetest.Faults, inspect func(e *runtime.Engine)) (finished bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	dying := make(chan struct{})
	go func() {
		defer close(dying)
		select {
		case <-f.Stopped():
			cancel()
		case <-ctx.Done():
		}
	}()
	e, http, err := w.lab.engine(ctx, f, w.up, w.workers)
	if err == nil {
		e.Run()
		if err = w.client(ctx, e); err == nil && inspect != nil {
			inspect(e)
		}
		closing, closed := context.WithCancel(context.WithoutCancel(ctx))
		if hasStopped(f) {
			closed() // a process that dies waits for nothing
		}
		if err := e.Close(closing); err != nil {
			w.t.Errorf("%s: close: %v", w.what.name, err)
		}
		closed()
		http.Close()
		if err == nil {
			cancel()
			<-dying
			return true
		}
	}
	if !hasStopped(f) {
		w.t.Errorf("%s: %v", w.what.name, err)
	}
	cancel()
	<-dying
	return false
}

func hasStopped(f *storetest.Faults) bool {
	select {
	case <-f.Stopped():
		return true
	default:
		return false
	}
}

var errPatience = errors.New("the client has waited for too long")

// client starts the run, does its acts and waits until everything has ended.
func (w *world) client(ctx context.Context, e *runtime.Engine) error {
	run, _, err := e.Start(ctx, runtime.StartRequest{Script: w.what.script, Input: json.RawMessage(w.what.input), IdempotencyKey: "main"})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if w.run != "" && w.run != run.ID {
		return fmt.Errorf("the start that was acknowledged as %s is now %s", w.run, run.ID)
	}
	w.run = run.ID
	until := time.Now().Add(patience)
	for ctx.Err() == nil && w.acted < len(w.what.acts) {
		done, err := w.what.acts[w.acted](ctx, e, w.run)
		switch {
		case err != nil:
			return fmt.Errorf("act %d: %w", w.acted, err)
		case done:
			w.acted++
		case time.Now().After(until):
			return errPatience
		default:
			pause(ctx, 100*time.Millisecond)
		}
	}
	poll := time.Second
	for ctx.Err() == nil {
		ended, err := w.allEnded(ctx, e)
		if err != nil {
			return err
		}
		if ended {
			pause(ctx, 3*time.Minute) // what comes after the end
			synctest.Wait()
			return ctx.Err()
		}
		if time.Now().After(until) {
			return errors.Join(errPatience, errors.New(w.standing(ctx, e)))
		}
		pause(ctx, poll)
		poll = min(2*poll, 2*time.Hour)
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// allEnded reports whether every run has ended. One that goes on as another has
// not, until that one is there, which is a moment later. Runs in doubt are resumed
// if the client does that.
func (w *world) allEnded(ctx context.Context, e *runtime.Engine) (bool, error) {
	runs, _, err := e.List(ctx, runtime.ListQuery{Limit: 500})
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		if r.Status == runtime.Paused && r.Reason == runtime.ReasonInDoubt && w.what.doubt {
			_, err := e.Resume(ctx, r.ID, runtime.ResumeRequest{InDoubt: "retry"})
			return false, err
		}
		if r.Status == runtime.Diverged || r.Status == runtime.Paused && (r.Reason == runtime.ReasonInDoubt || r.Reason == runtime.ReasonCrashLoop) {
			return false, fmt.Errorf("run %s of %s is %s (%s): %+v", r.ID, r.Script, r.Status, r.Reason, r.Divergence)
		}
		if !r.Status.Ended() || r.Successor != "" && !slices.ContainsFunc(runs, func(s runtime.Run) bool { return s.ID == r.Successor }) {
			return false, nil
		}
	}
	return true, nil
}

// standing says where all runs are, for a test that failed.
func (w *world) standing(ctx context.Context, e *runtime.Engine) string {
	var b strings.Builder
	runs, _, err := e.List(ctx, runtime.ListQuery{Limit: 500})
	if err != nil {
		return err.Error()
	}
	for _, r := range runs {
		fmt.Fprintf(&b, "%s %s %s %s %+v\n", r.ID, r.Script, r.Status, r.Reason, r.Waits)
		records, err := e.Journal(ctx, r.ID)
		if err != nil {
			fmt.Fprintln(&b, err)
		}
		for _, rec := range records {
			fmt.Fprintf(&b, "  %d %s %s\n", rec.Seq, rec.Kind, rec.Text)
		}
	}
	return b.String()
}

// result is all that others can see of the runs in the end.
type result struct {
	Runs    []string
	Effects []string
	KV      []string
	Left    []string
}

// look makes the result.
func (w *world) look(e *runtime.Engine, s store.Store, spaces []string) result {
	w.t.Helper()
	ctx := w.t.Context()
	runs, _, err := e.List(ctx, runtime.ListQuery{Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range runs { // a list leaves out what is large
		if runs[i], err = e.Get(ctx, runs[i].ID); err != nil {
			w.t.Fatal(err)
		}
	}
	var names []string
	slices.SortFunc(runs, func(a, b runtime.Run) int { return strings.Compare(a.Script+string(a.Input), b.Script+string(b.Input)) })
	for i, r := range runs {
		names = append(names, r.ID, fmt.Sprintf("<%s %d>", r.Script, i))
	}
	named := strings.NewReplacer(names...)
	out := result{Effects: w.up.received(), Left: []string{}}
	for i, effect := range out.Effects {
		out.Effects[i] = named.Replace(effect)
	}
	slices.Sort(out.Effects)
	for _, r := range runs {
		out.Runs = append(out.Runs, named.Replace(shown(&r)))
		report, err := e.Replay(ctx, r.ID, runtime.ReplayRequest{})
		if err != nil || report.Result == "diverges" {
			w.t.Errorf("%s: the replay of %s: %s, %+v, %v", w.what.name, r.Script, report.Result, report.Divergence, err)
		}
		if r.Status == runtime.Succeeded && r.Successor == "" && (report.Result != "same" || !bytes.Equal(report.Output, r.Output)) {
			w.t.Errorf("%s: the replay of %s is %s: %s, and its end %s", w.what.name, r.Script, report.Result, report.Output, r.Output)
		}
	}
	for _, space := range spaces {
		if strings.HasPrefix(space, "blobs") {
			continue // payloads, which a process may have kept and not come to use
		}
		entries, err := s.List(ctx, space, store.Range{Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, entry := range entries {
			out.KV = append(out.KV, named.Replace(fmt.Sprintf("%s %q = %s", space, entry.Key, clipped(string(entry.Value)))))
		}
	}
	for _, table := range []string{"runs.queue", "runs.slots", "runs.resuming", "runs.ticking"} {
		rows, err := s.Rows(ctx, table, store.Range{Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			out.Left = append(out.Left, fmt.Sprintf("%s %q", table, row.Key))
		}
	}
	timers, err := s.Due(ctx, time.Now().AddDate(100, 0, 0), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, t := range timers {
		out.Left = append(out.Left, fmt.Sprintf("timer %d of %s", t.ID, t.Run))
	}
	return out
}

// shown is what counts of a run in the end.
func shown(r *runtime.Run) string {
	input := string(r.Input)
	if strings.Contains(input, `"createdAt"`) {
		input = "a run" // with its times
	}
	s := fmt.Sprintf("%s %s → %s %s %s", r.Script, clipped(input), r.Status, clipped(string(r.Output)), r.Reason)
	for e := r.Error; e != nil; e = e.Cause {
		s += fmt.Sprintf(" | %s %s: %s", e.Name, e.Code, e.Message)
	}
	if r.Successor != "" {
		s += " ⇒ " + r.Successor
	}
	return s + " state " + string(r.State)
}

// Acts.

// signals sends a signal until that is acknowledged.
func signals(name, value string) act {
	return func(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
		err := e.Signal(ctx, runtime.SignalRequest{Run: run, Name: name, Value: json.RawMessage(value), IdempotencyKey: name + value})
		return tolerate(err)
	}
}

// tolerate lets a client go on when what it does is too late: whether it was
// done before is not known.
func tolerate(err error) (bool, error) {
	if call.CodeOf(err) == call.CodeConflict {
		return true, nil
	}
	return err == nil, err
}

// waits lets the client wait until the run is put aside and waits for something
// of a kind, or has ended.
func waits(kind string) act {
	return func(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
		r, err := e.Get(ctx, run)
		if err != nil {
			return false, err
		}
		return r.Status.Ended() || slices.ContainsFunc(r.Waits, func(w runtime.Wait) bool { return w.Kind == kind }), nil
	}
}

func sleeps(d time.Duration) act {
	return func(ctx context.Context, _ *runtime.Engine, _ string) (bool, error) {
		pause(ctx, d)
		return ctx.Err() == nil, nil
	}
}

func cancels(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
	_, err := e.Cancel(ctx, run)
	return tolerate(err)
}

func kills(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
	_, err := e.Kill(ctx, run)
	return tolerate(err)
}

// resumes waits for a pause and ends it.
func resumes(reason string) act {
	return func(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
		r, err := e.Get(ctx, run)
		if err != nil || r.Status.Ended() {
			return true, err
		}
		if r.Status != runtime.Paused || r.Reason != reason {
			return false, nil
		}
		_, err = e.Resume(ctx, run, runtime.ResumeRequest{})
		return tolerate(err)
	}
}

func pauses(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
	_, err := e.Pause(ctx, run)
	return tolerate(err)
}

// answers answers the question with a title, unless the run waits for another one.
func answers(title, value string) act {
	return func(ctx context.Context, e *runtime.Engine, run string) (bool, error) {
		r, err := e.Get(ctx, run)
		if err != nil || r.Status.Ended() {
			return true, err
		}
		i := slices.IndexFunc(r.Waits, func(w runtime.Wait) bool { return w.Kind == "ask" })
		if i < 0 || r.Waits[i].Name != title {
			return i >= 0, nil
		}
		var ask uint64
		_, rest, _ := strings.Cut(r.Waits[i].URL, "/_/ask/"+run+"/")
		number, key, _ := strings.Cut(rest, "?key=")
		if _, err := fmt.Sscan(number, &ask); err != nil {
			return false, fmt.Errorf("the address %q: %w", r.Waits[i].URL, err)
		}
		return tolerate(e.Answer(ctx, run, ask, key, json.RawMessage(value)))
	}
}
