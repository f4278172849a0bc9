// Who waits for a run is answered when it has ended, and when it will not end
// by itself.

package runtime_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
	"reprise/store"
)

// comes waits for a run that is to stand still, much longer than that takes.
func comes(t *testing.T, w *world, id string, want runtime.Status, reason string, within time.Duration) {
	t.Helper()
	began := time.Now()
	r, err := w.Wait(t.Context(), id, time.Hour)
	if took := time.Since(began); err != nil || r.Status != want || r.Reason != reason || took > within {
		t.Errorf("waiting gave %s (%s) after %s, %v; want %s (%s)", r.Status, r.Reason, took, err, want, reason)
	}
}

func TestWaitingEndsWhenTheRunStandsStill(t *testing.T) {
	const waits = `async () => { await read("a"); await waitFor("go"); }`
	pause := func(w *world, id string) { _, _ = w.Pause(w.t.Context(), id) }
	wake := func(w *world, id string) { // of a damaged run the answer is an error
		_ = w.Signal(w.t.Context(), runtime.SignalRequest{Run: id, Name: "go"})
	}
	// away has something done to a run that waits while there is no engine.
	away := func(do func(w *world, r runtime.Run)) func(w *world, id string) {
		return func(w *world, id string) {
			r := w.is(id, runtime.Waiting, "")
			w.stop()
			do(w, r)
			w.open()
		}
	}
	for name, tc := range map[string]struct {
		expr    string
		config  runtime.Script
		prepare func(w *world, id string) // before anybody waits
		act     func(w *world, id string) // while somebody does
		status  runtime.Status
		reason  string
	}{
		"paused while it waits":    {expr: waits, act: pause, status: runtime.Paused, reason: runtime.ReasonUser},
		"paused while it executes": {expr: `async () => { await write("slow"); }`, act: pause, status: runtime.Paused, reason: runtime.ReasonUser},
		"paused for its failure": {
			expr: `async () => { await sleep(10000); throw new Error("x"); }`, config: runtime.Script{PauseOnFailure: true},
			status: runtime.Paused, reason: runtime.ReasonFailure,
		},
		"paused at the limit": {
			expr: `async () => { for (;;) await sleep(10); }`, config: runtime.Script{Limits: call.Limits{Calls: 100}},
			status: runtime.Paused, reason: runtime.ReasonLimit,
		},
		"diverged": {
			expr: waits, act: wake, status: runtime.Diverged,
			prepare: away(func(w *world, r runtime.Run) {
				w.packed[r.Revision] = []byte(strings.Replace(string(w.packed[r.Revision]), `read(\"a\")`, `read(\"b\")`, 1))
			}),
		},
		"damaged": {
			expr: waits, act: wake, status: runtime.Paused, reason: runtime.ReasonDamaged,
			prepare: away(func(w *world, r runtime.Run) {
				records, err := w.store.Journal(w.t.Context(), r.ID, 0)
				if err == nil {
					_, err = w.store.Commit(w.t.Context(), store.Commit{Run: r.ID, ExpectSeq: uint64(len(records)), Appends: [][]byte{[]byte("no record")}})
				}
				if err != nil {
					w.t.Fatal(err)
				}
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
					if p.Call.Target == "write slow" {
						<-time.After(20 * time.Second)
					}
					return call.OK(p.Call.ID, p.Call.Args)
				}
				w.t = t
				w.save("s", tc.expr, tc.config)
				w.open()
				id := w.begin("s", "").ID
				if tc.prepare != nil {
					tc.prepare(w, id)
				}
				if tc.act != nil {
					time.AfterFunc(10*time.Second, func() { tc.act(w, id) })
				}
				comes(t, w, id, tc.status, tc.reason, time.Minute)
				comes(t, w, id, tc.status, tc.reason, time.Second) // it stands still already
			})
		})
	}
}

func TestARunThatIsPausedAndResumedIsWaitedForAgain(t *testing.T) {
	// Each answer is one of its own, and what was let go on ends.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await waitFor("go"); return 1; }`)
		w.open()
		id := w.begin("s", "").ID
		for range 3 {
			time.AfterFunc(time.Second, func() { _, _ = w.Pause(t.Context(), id) })
			comes(t, w, id, runtime.Paused, runtime.ReasonUser, time.Minute)
			if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
				t.Fatal(err)
			}
		}
		send(t, w, id, "go", "")
		w.ended(id, runtime.Succeeded, "1")
	})
}

func TestARequestThatInvokesWaitsForTheEnd(t *testing.T) {
	// A run that is paused may be let go on before the request's time is up.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async () => { await waitFor("go"); return "done"; }`)
		w.save("page", `{ async fetch() { return new Response(await invoke("child")); } }`)
		w.open()
		answer := make(chan runtime.FetchResult, 1)
		go func() { answer <- w.Fetch("page", &worker.Request{Method: "GET", URL: "http://127.0.0.1/page"}) }()
		synctest.Wait()
		runs := listed(t, w, "child")
		if len(runs) != 1 {
			t.Fatalf("children: %+v", runs)
		}
		id := runs[0].ID
		if _, err := w.Pause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second)
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		send(t, w, id, "go", "")
		if res := <-answer; res.Err != nil || string(res.Response.Body.Inline) != "done" {
			t.Errorf("the request: %+v", res)
		}
	})
}
