// What stops runs: limits of their history, waits that can not end, processes
// that die, deadlines.

package runtime_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/schedule"
	"reprise/store"
)

func TestALongHistoryIsSaidAndThenPaused(t *testing.T) {
	// A user may let it go on, and that holds over its waits.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { for (let i = 0; i < 15; i++) { await read(i); await sleep("1 minute"); } return "done"; }`,
			runtime.Script{Limits: call.Limits{Calls: 20}})
		w.open()
		id := w.begin("s", "").ID
		<-time.After(20 * time.Minute)
		w.is(id, runtime.Paused, runtime.ReasonLimit)
		if n := strings.Count(w.log.text(), "the run has made 2 calls; it is paused at 20"); n != 1 {
			t.Errorf("said %d times:\n%s", n, w.log.text())
		}
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.ended(id, runtime.Succeeded, `"done"`)
	})
}

func TestNeverSettles(t *testing.T) {
	// At once, and also after everything it waited for has come.
	for name, expr := range map[string]string{
		"at once":    `async () => { await new Promise(() => {}) }`,
		"later":      `async () => { await sleep("1 hour"); await new Promise(() => {}) }`,
		"after race": `async () => { await Promise.race([new Promise(() => {}), sleep("1s")]); await new Promise(() => {}) }`,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", expr)
				w.open()
				if r := w.ended(w.begin("s", "").ID, runtime.Failed, ""); r.Error.Code != string(call.CodeNeverSettles) {
					t.Errorf("error = %v", r.Error)
				}
			})
		})
	}
}

func TestCleanupHasItsTime(t *testing.T) {
	// A cancelled run may clean up for 30 s; then it is stopped where it is.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (s) => { try { await waitFor("never") } finally { await sleep(s * 1000); await write("late") } }`)
		w.open()
		for seconds, did := range map[int]string{20: "write late", 40: ""} {
			id := w.begin("s", fmt.Sprint(seconds)).ID
			w.is(id, runtime.Waiting, "")
			began := time.Now()
			if _, err := w.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			w.ended(id, runtime.Cancelled, "")
			if took := time.Since(began).Round(time.Second); took != time.Duration(min(seconds, 30))*time.Second || w.did() != did {
				t.Errorf("%d s of cleaning up ended after %s", seconds, took)
			}
		}
	})
}

func TestLateOutcomesAreRecordedAndNotDelivered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { try { await write("slow") } catch (e) { await sleep("10s"); return e.name } }`)
		w.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
			<-time.After(5 * time.Second) // whatever is asked of it
			return call.OK(p.Call.ID, []byte(`"real"`))
		}
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		if _, err := w.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r := w.ended(id, runtime.Cancelled, "")
		records, err := w.Journal(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, rec := range records {
			fmt.Fprintln(&text, rec.Text)
		}
		if !strings.Contains(text.String(), "late") || !strings.Contains(text.String(), "real") {
			t.Errorf("%+v\n%s", r, text.String())
		}
		if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "same" || string(p.Output) != `"CancelledError"` {
			t.Errorf("replay: %+v, %v", p, err)
		}
	})
}

func TestARunThatKillsTheServerIsPaused(t *testing.T) {
	// After three deaths while it was being resumed. A user may try again.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await read("a"); return await read("hang") }`)
		hang := true
		w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
			if hang && string(p.Call.Args) == `"hang"` {
				<-ctx.Done()
			}
			return call.OK(p.Call.ID, p.Call.Args)
		}
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		die := func(deaths uint64) {
			w.stop()
			row := store.RowOp{Table: "runs.resuming", Key: id, Value: binary.BigEndian.AppendUint64(nil, deaths)}
			if _, err := w.store.Commit(t.Context(), store.Commit{Rows: []store.RowOp{row}}); err != nil {
				t.Fatal(err)
			}
			w.open()
		}
		die(2)
		w.settle()
		w.is(id, runtime.Running, "")
		die(3)
		w.is(id, runtime.Paused, runtime.ReasonCrashLoop)
		hang = false
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, `"hang"`)
	})
}

func TestIdempotentStartOverARestartAndAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (n) => { await waitFor("go"); return n }`)
		w.save("other", `async (n) => n`)
		w.open()
		start := func(script, input string) (runtime.Run, bool, error) {
			return w.Start(t.Context(), runtime.StartRequest{Script: script, Input: json.RawMessage(input), IdempotencyKey: "k"})
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		ids, made := map[string]bool{}, 0
		for range 8 {
			wg.Go(func() {
				r, created, err := start("s", "1")
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ids[r.ID] = true; created {
					made++
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 || made != 1 {
			t.Fatalf("%d runs, %d created", len(ids), made)
		}
		w.restart()
		again, created, err := start("s", "1")
		if err != nil || created || !ids[again.ID] {
			t.Fatal(again, created, err)
		}
		_, _, err = start("s", "2")
		wantCode(t, err, call.CodeConflict, "another input")
		if r, created, err := start("other", "2"); err != nil || !created || ids[r.ID] {
			t.Errorf("a key is its script's own: %+v, %v, %v", r, created, err)
		}
	})
}

func TestSchedulesStartRuns(t *testing.T) {
	// One for each tick; what happens when the last one is still under way is as
	// the config says.
	for overlap, want := range map[schedule.Overlap]string{
		schedule.Skip:  "succeeded succeeded",
		schedule.Queue: "succeeded succeeded waiting queued",
		schedule.Allow: "succeeded succeeded succeeded waiting",
	} {
		t.Run(string(overlap), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				spec := schedule.Spec{Cron: "0 * * * *", Overlap: overlap, Name: "s"}
				w.save("s", `{ async scheduled(event) { await sleep("90 minutes"); return event.scheduledTime } }`, runtime.Script{Schedule: &spec})
				w.open()
				w.Schedules(map[string]*schedule.Spec{"s": &spec})
				<-time.After(4*time.Hour + 40*time.Minute)
				for _, r := range listed(t, w, "s") {
					if r.Tick == nil || r.Tick.Minute() != 0 {
						t.Errorf("tick = %v", r.Tick)
					}
				}
				if got := statuses(t, w, "s"); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

func TestAKillDoesNotWaitForOpenWrites(t *testing.T) {
	// The handler is done and a write of it is under way: the run is cancelled.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { write("slow"); return 1 }`)
		w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
			<-ctx.Done()
			return call.Failed(p.Call.ID, call.From(context.Cause(ctx)))
		}
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		began := time.Now()
		if _, err := w.Kill(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Cancelled, "")
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		// Left alone it is given up after 30 s, and the run has succeeded.
		id = w.begin("s", "").ID
		w.ended(id, runtime.Succeeded, "1")
		if took := time.Since(began); took < 30*time.Second || took > 32*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
