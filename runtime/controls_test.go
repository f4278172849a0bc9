// What users may do to a run in each status.

package runtime_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
)

// situations are ways to bring a run into a status.
var situations = []struct {
	name, expr string
	config     runtime.Script
	status     runtime.Status
	reason     string
	prepare    func(t *testing.T, w *world, id string)
}{
	{name: "queued", expr: `async () => { await waitFor("go"); }`, config: runtime.Script{Concurrency: &runtime.Concurrency{Limit: 1}}, status: runtime.Queued},
	{name: "running", expr: `async () => { await write("hang"); }`, status: runtime.Running},
	{name: "waiting", expr: `async () => { await waitFor("go"); }`, status: runtime.Waiting},
	{name: "paused", expr: `async () => { await waitFor("go"); }`, status: runtime.Paused, reason: runtime.ReasonUser, prepare: func(t *testing.T, w *world, id string) {
		w.is(id, runtime.Waiting, "")
		if _, err := w.Pause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}},
	{name: "paused for failure", expr: `async () => { await write("fail"); }`, config: runtime.Script{PauseOnFailure: true}, status: runtime.Paused, reason: runtime.ReasonFailure},
	{name: "diverged", expr: `async () => { await read("a"); await waitFor("go"); }`, status: runtime.Diverged, prepare: diverge},
	{name: "succeeded", expr: `async () => 1`, status: runtime.Succeeded},
	{name: "failed", expr: `async () => { await write("fail"); }`, status: runtime.Failed},
	{name: "cancelled", expr: `async () => { await waitFor("go"); }`, status: runtime.Cancelled, prepare: func(t *testing.T, w *world, id string) {
		if _, err := w.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}},
}

// diverge swaps the text of a run's revision for another one, which no user can.
func diverge(t *testing.T, w *world, id string) {
	r := w.is(id, runtime.Waiting, "")
	w.stop()
	text := w.packed[r.Revision]
	w.packed[r.Revision] = []byte(strings.Replace(string(text), `read(\"a\")`, `read(\"b\")`, 1))
	w.open()
	if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
		t.Fatal(err)
	}
	w.is(id, runtime.Diverged, "")
	w.stop()
	w.packed[r.Revision] = text
	w.open()
}

// bring makes a run and brings it into the situation of a number.
func bring(t *testing.T, w *world, n int) string {
	t.Helper()
	s := situations[n]
	w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		switch string(p.Call.Args) {
		case `"hang"`:
			<-ctx.Done()
			return call.Failed(p.Call.ID, call.From(context.Cause(ctx)))
		case `"fail"`:
			return call.Failed(p.Call.ID, call.Errorf(call.CodeTimeout, "too late"))
		}
		return call.OK(p.Call.ID, p.Call.Args)
	}
	w.save("s", s.expr, s.config)
	w.open()
	if s.status == runtime.Queued {
		w.begin("s", "")
	}
	id := w.begin("s", "").ID
	if s.prepare != nil {
		s.prepare(t, w, id)
	}
	w.is(id, s.status, s.reason)
	return id
}

func TestEveryOperationInEveryStatus(t *testing.T) {
	// Each either leads to the status that the guide says, or is refused with a
	// sentence that names the status.
	const refused = "refused"
	operations := []struct {
		name string
		do   func(ctx context.Context, w *world, id string) error
		// in the order of situations
		want []string
	}{
		{"cancel", func(ctx context.Context, w *world, id string) error {
			_, err := w.Cancel(ctx, id)
			return err
		}, []string{"cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", refused, refused, refused}},
		{"kill", func(ctx context.Context, w *world, id string) error {
			_, err := w.Kill(ctx, id)
			return err
		}, []string{"cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", refused, refused, refused}},
		{"resume", func(ctx context.Context, w *world, id string) error {
			_, err := w.Resume(ctx, id, runtime.ResumeRequest{})
			return err
		}, []string{refused, refused, refused, "waiting", "failed", "succeeded", refused, refused, refused}},
		{"retry", func(ctx context.Context, w *world, id string) error {
			_, err := w.Retry(ctx, id, runtime.RetryRequest{})
			return err
		}, []string{refused, refused, refused, refused, "paused", refused, refused, "failed", refused}},
		{"fork", func(ctx context.Context, w *world, id string) error {
			r, err := w.Fork(ctx, id, runtime.ForkRequest{FromTurn: 1})
			if err == nil {
				_, err = w.Kill(ctx, r.ID)
				if call.CodeOf(err) == call.CodeConflict {
					err = nil
				}
			}
			return err
		}, []string{"queued", "running", "waiting", "paused", "paused", "diverged", "succeeded", "failed", "cancelled"}},
		{"upgrade", func(ctx context.Context, w *world, id string) error {
			_, err := w.Upgrade(ctx, id, "")
			return err
		}, []string{"queued", refused, "waiting", "paused", "paused", "diverged", refused, refused, refused}},
		{"signal", func(ctx context.Context, w *world, id string) error {
			return w.Signal(ctx, runtime.SignalRequest{Run: id, Name: "other"})
		}, []string{"queued", "running", "waiting", "paused", "paused", "diverged", refused, refused, refused}},
		{"delete", func(ctx context.Context, w *world, id string) error {
			return w.Delete(ctx, id)
		}, []string{refused, refused, refused, refused, refused, refused, "gone", "gone", "gone"}},
	}
	for _, op := range operations {
		for n, s := range situations {
			t.Run(op.name+" "+s.name, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					id := bring(t, w, n)
					before := w.get(id).Status
					err := op.do(t.Context(), w, id)
					switch want := op.want[n]; {
					case want == refused:
						wantCode(t, err, call.CodeConflict, string(before))
						if now := w.get(id).Status; now != before {
							t.Errorf("a refusal led from %s to %s", before, now)
						}
					case err != nil:
						t.Error(err)
					case want == "gone":
						_, err := w.Get(t.Context(), id)
						wantCode(t, err, call.CodeNotFound, id)
					default:
						w.is(id, runtime.Status(want), "")
					}
				})
			})
		}
	}
}

func TestPauseInEveryStatus(t *testing.T) {
	for n, want := range []runtime.Status{"", runtime.Paused, runtime.Paused, "", "", "", "", "", ""} {
		t.Run(situations[n].name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				id := bring(t, w, n)
				if want == "" {
					_, err := w.Pause(t.Context(), id)
					wantCode(t, err, call.CodeConflict, string(w.get(id).Status))
					return
				}
				if _, err := w.Pause(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if want == runtime.Paused && situations[n].status == runtime.Running {
					// The write under way is awaited; a kill does not wait for it.
					if _, err := w.Kill(t.Context(), id); err != nil {
						t.Fatal(err)
					}
					w.ended(id, runtime.Cancelled, "")
					return
				}
				w.is(id, want, runtime.ReasonUser)
			})
		})
	}
}

func TestOperationsOnUnknownRuns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.open()
		ctx := t.Context()
		for name, do := range map[string]func() error{
			"cancel":  func() error { _, err := w.Cancel(ctx, "nope"); return err },
			"kill":    func() error { _, err := w.Kill(ctx, "nope"); return err },
			"pause":   func() error { _, err := w.Pause(ctx, "nope"); return err },
			"resume":  func() error { _, err := w.Resume(ctx, "nope", runtime.ResumeRequest{}); return err },
			"retry":   func() error { _, err := w.Retry(ctx, "nope", runtime.RetryRequest{}); return err },
			"fork":    func() error { _, err := w.Fork(ctx, "nope", runtime.ForkRequest{FromTurn: 1}); return err },
			"upgrade": func() error { _, err := w.Upgrade(ctx, "nope", ""); return err },
			"delete":  func() error { return w.Delete(ctx, "nope") },
			"replay":  func() error { _, err := w.Replay(ctx, "nope", runtime.ReplayRequest{}); return err },
			"journal": func() error { _, err := w.Journal(ctx, "nope"); return err },
			"signal":  func() error { return w.Signal(ctx, runtime.SignalRequest{Run: "nope", Name: "x"}) },
		} {
			if err := do(); call.CodeOf(err) != call.CodeNotFound || !strings.Contains(err.Error(), "no run nope") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestPausedRunsKeepWhatComes(t *testing.T) {
	// Calls in flight are awaited, signals are kept, time goes on.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { const [w, s] = await Promise.all([write("slow"), waitFor("go"), sleep("1 hour")]); return [w, s, await read("after")]; }`)
		w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
			if string(p.Call.Args) == `"slow"` {
				<-time.After(3 * time.Second)
			}
			return call.OK(p.Call.ID, p.Call.Args)
		}
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		r, err := w.Pause(t.Context(), id)
		if err != nil || r.Status == runtime.Waiting {
			t.Fatal(r, err)
		}
		w.is(id, runtime.Paused, runtime.ReasonUser)
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go", Value: []byte(`7`)}); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		w.restart()
		w.is(id, runtime.Paused, runtime.ReasonUser)
		began := time.Now()
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, `["slow",7,"after"]`)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("its hour was over, and it took %s", took)
		}
		if got := w.did(); got != "write slow, read after" {
			t.Errorf("did %s", got)
		}
	})
}

func TestResumeWhileItIsStillBeingPaused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await write("slow"); return 1; }`)
		w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
			<-time.After(3 * time.Second)
			return call.OK(p.Call.ID, nil)
		}
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		if _, err := w.Pause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, "1")
		if got := w.did(); got != "write slow" {
			t.Errorf("did %s", got)
		}
	})
}
