// What is kept of runs that have ended, and of the revisions they ran.

package runtime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/store"
)

func sweep(t *testing.T, w *world) {
	t.Helper()
	if err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRunsAreSweptByAge(t *testing.T) {
	// Ended ones only: what waits, is queued or paused stays for ever.
	inWorld(t, func(t *testing.T, w *world) {
		w.options.Retention = runtime.Retention{Age: time.Hour}
		w.save("s", `async (go) => { if (go) await waitFor("go"); }`, runtime.Script{Concurrency: &runtime.Concurrency{Limit: 1}})
		w.save("p", `async () => { throw new Error("x") }`, runtime.Script{PauseOnFailure: true})
		w.open()
		old := w.ended(w.begin("s", "false").ID, runtime.Succeeded, "")
		waiting, queued := w.begin("s", "true"), w.begin("s", "false")
		paused := w.begin("p", "")
		w.is(waiting.ID, runtime.Waiting, "")
		w.is(paused.ID, runtime.Paused, "")
		<-time.After(59 * time.Minute)
		sweep(t, w)
		w.get(old.ID)
		<-time.After(2 * time.Minute)
		sweep(t, w)
		_, err := w.Get(t.Context(), old.ID)
		wantCode(t, err, call.CodeNotFound, "")
		w.is(waiting.ID, runtime.Waiting, "")
		w.is(queued.ID, runtime.Queued, "")
		w.is(paused.ID, runtime.Paused, "")
	})
}

func TestRunsAreSweptByNumber(t *testing.T) {
	// The newest of each script are kept.
	inWorld(t, func(t *testing.T, w *world) {
		w.options.Retention = runtime.Retention{PerScript: 3}
		w.save("a", `async (n) => n`)
		w.save("b", `async (n) => n`)
		w.open()
		var ids []string
		for n := range 6 {
			ids = append(ids, w.end(w.begin("a", fmt.Sprint(n)).ID).ID)
			<-time.After(time.Millisecond)
		}
		other := w.end(w.begin("b", "1").ID)
		sweep(t, w)
		left := listed(t, w, "a")
		if len(left) != 3 || left[0].ID != ids[5] || left[2].ID != ids[3] {
			t.Errorf("left: %+v", left)
		}
		w.get(other.ID)
	})
}

func TestNothingIsLeftOfASweptRun(t *testing.T) {
	// Journal, payloads, index rows, timers, signal keys, and the revision that
	// only it had.
	inWorld(t, func(t *testing.T, w *world) {
		w.options.Retention = runtime.Retention{Age: time.Hour}
		w.save("s", `async (input) => { await waitFor("go"); await publish(1); return input; }`, runtime.Script{
			Concurrency: &runtime.Concurrency{Limit: 1}, Rate: &runtime.Rate{Limit: 100, Per: time.Second},
		})
		w.open()
		r, _, err := w.Start(t.Context(), runtime.StartRequest{Script: "s", Input: []byte(`"` + strings.Repeat("x", 200_000) + `"`), IdempotencyKey: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: r.ID, Name: "go", IdempotencyKey: "event"}); err != nil {
			t.Fatal(err)
		}
		fork := func() runtime.Run {
			f, err := w.Fork(t.Context(), w.ended(r.ID, runtime.Succeeded, "").ID, runtime.ForkRequest{FromTurn: 3})
			if err != nil {
				t.Fatal(err)
			}
			return w.ended(f.ID, runtime.Succeeded, "")
		}()
		// The fork shares the large input, and has it when the origin is gone.
		if err := w.Delete(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		sweep(t, w)
		if got, err := w.Replay(t.Context(), fork.ID, runtime.ReplayRequest{}); err != nil || got.Result != "same" || len(w.get(fork.ID).Output) < 200_000 {
			t.Errorf("the fork of a deleted run: %v, %v", got.Result, err)
		}
		w.save("s", `async () => 2`)
		<-time.After(2 * time.Hour)
		sweep(t, w)
		for _, table := range []string{
			"runs", "runs.script", "runs.status", "runs.starts", "runs.start-of", "runs.children", "runs.signals", "runs.queue", "runs.slots",
			"runs.ticking", "runs.resuming", "runs.revision", "revisions", "blobs", "blobs.refs", "blobs.owned",
		} {
			rows, err := w.store.Rows(t.Context(), table, store.Range{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				t.Errorf("left in %s: %q", table, row.Key)
			}
		}
		timers, err := w.store.Due(t.Context(), time.Now().Add(1e6*time.Hour), 10)
		if err != nil || len(timers) > 0 {
			t.Errorf("timers: %+v, %v", timers, err)
		}
	})
}

func TestARevisionIsKeptAsLongAsARunNeedsIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await waitFor("go"); return 1 }`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		w.save("s", `async () => 2`)
		<-time.After(time.Hour)
		sweep(t, w)
		w.restart()
		w.ended(w.begin("s", "").ID, runtime.Succeeded, "2")
		w.packed = map[string][]byte{} // the text is in the store, and nowhere else
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, "1")
	})
}
