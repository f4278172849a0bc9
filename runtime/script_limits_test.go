// The limits of one script: what happens at each and just below it, that other
// scripts are not touched, and that the limits of runs are live.

package runtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// withLimits is the config of a script that has only limits.
func withLimits(l call.Limits) runtime.Script { return runtime.Script{Limits: l} }

// inRealTime runs a test in a world whose clock is the machine's: what is
// executed takes no time in a bubble.
func inRealTime(t *testing.T, f func(w *world)) {
	t.Helper()
	w := newWorld(t)
	defer w.close()
	f(w)
}

// overLimit checks which limit an error is about.
func overLimit(t *testing.T, e *call.Error, limit string, allowed int64) {
	t.Helper()
	var d call.LimitData
	if e == nil || json.Unmarshal(e.Data, &d) != nil || d.Limit != limit || d.Allowed != allowed || d.Used < allowed {
		t.Fatalf("error = %v %+v, want %s above %d", e, d, limit, allowed)
	}
}

func TestTurnCPUOfAScript(t *testing.T) {
	// A turn that takes longer ends the run, whoever else has how much.
	inRealTime(t, func(w *world) {
		w.save("hot", `async () => { await read(1); for (;;); }`, withLimits(call.Limits{TurnCPU: 40 * time.Millisecond}))
		w.save("calm", `async () => { await read(2); return "calm" }`, withLimits(call.Limits{TurnCPU: time.Minute}))
		w.open()
		hot, calm := w.begin("hot", "").ID, w.begin("calm", "").ID
		r := w.ended(hot, runtime.Failed, "")
		overLimit(t, r.Error, "turnCpu", 40)
		if r.Error.Name != "ResourceError" || !strings.Contains(r.Error.Message, "a turn used more than 40ms") {
			t.Errorf("error = %v", r.Error)
		}
		w.ended(calm, runtime.Succeeded, `"calm"`)
	})
}

// burning executes for some milliseconds between any two calls, as often as its
// input says.
const burning = `async (n) => { for (let i = 0; i < n; i++) { for (let k = 0, x = 0; k < 3e4; k++) x += k; await read(i); } return "done" }`

func TestRunCPU(t *testing.T) {
	// All turns of a run count, over restarts too. A run that used too much fails
	// at that turn, replays the same, and goes on by retry once the limit has been
	// raised: it has the limits that its script has now.
	inRealTime(t, func(w *world) {
		w.save("s", burning, withLimits(call.Limits{RunCPU: 200 * time.Millisecond}))
		w.save("other", burning)
		w.open()
		other := w.begin("other", "3").ID
		id := w.begin("s", "100").ID
		r := w.ended(id, runtime.Failed, "")
		overLimit(t, r.Error, "runCpu", 200)
		w.ended(other, runtime.Succeeded, `"done"`)
		w.ended(w.begin("s", "1").ID, runtime.Succeeded, `"done"`) // just below

		w.restart()
		if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "open" || p.Turns < 1 {
			t.Errorf("replay: %+v, %v", p, err)
		}
		w.did()
		again(t, w, id)
		overLimit(t, w.ended(id, runtime.Failed, "").Error, "runCpu", 200)
		if did := w.did(); did != "" {
			t.Errorf("without a higher limit a retry did %s", did)
		}
		w.limit("s", call.Limits{RunCPU: time.Minute})
		again(t, w, id)
		w.ended(id, runtime.Succeeded, `"done"`)
		if w.get(id).Revision == w.Current("s").Revision {
			t.Error("the run moved to another revision")
		}
		if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "same" || string(p.Output) != `"done"` {
			t.Errorf("replay: %+v, %v", p, err)
		}
	})
}

func again(t *testing.T, w *world, id string) {
	t.Helper()
	if _, err := w.Engine.Retry(t.Context(), id, runtime.RetryRequest{}); err != nil {
		t.Fatal(err)
	}
}

func TestRunCPUIsLowered(t *testing.T) {
	// A run that waits is found to have used too much when it is taken up again:
	// nothing more of it is performed. One that pauses for failures is paused, and
	// goes on once it may.
	for _, pause := range []bool{false, true} {
		t.Run(fmt.Sprintf("pause %v", pause), func(t *testing.T) {
			inRealTime(t, func(w *world) {
				w.save("s", `async () => { for (let k = 0, x = 0; k < 2e5; k++) x += k; write("a"); await waitFor("go"); return await read("b") }`,
					runtime.Script{PauseOnFailure: pause})
				w.open()
				id := w.begin("s", "").ID
				statusOf(t, w, id, runtime.Waiting)
				w.limit("s", call.Limits{RunCPU: 10 * time.Millisecond})
				w.did()
				if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
					t.Fatal(err)
				}
				if !pause {
					overLimit(t, w.ended(id, runtime.Failed, "").Error, "runCpu", 10)
				} else {
					overLimit(t, statusOf(t, w, id, runtime.Paused).Error, "runCpu", 10)
				}
				if did := w.did(); did != "" {
					t.Errorf("it did %s", did)
				}
				w.limit("s", call.Limits{})
				again(t, w, id)
				w.ended(id, runtime.Succeeded, `"b"`)
			})
		})
	}
}

func TestASpentRunMakesNoCallAgain(t *testing.T) {
	// The server ended while a call was under way, and by now the run has used more
	// than it may: the call is not made again.
	inRealTime(t, func(w *world) {
		w.save("s", `async () => { for (let k = 0, x = 0; k < 2e5; k++) x += k; return await read("hang") }`)
		hanging := make(chan struct{}, 1)
		w.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
			hanging <- struct{}{}
			<-ctx.Done()
			return call.Failed(p.Call.ID, call.From(context.Cause(ctx)))
		}
		w.open()
		id := w.begin("s", "").ID
		<-hanging
		w.stop()
		w.did()
		w.limit("s", call.Limits{RunCPU: 10 * time.Millisecond})
		w.open()
		overLimit(t, w.ended(id, runtime.Failed, "").Error, "runCpu", 10)
		if did := w.did(); did != "" {
			t.Errorf("it did %s", did)
		}
	})
}

// statusOf waits for a run's status, on the machine's clock.
func statusOf(t *testing.T, w *world, id string, want runtime.Status) runtime.Run {
	t.Helper()
	for range 5000 {
		if r := w.get(id); r.Status == want {
			return r
		}
		<-time.After(2 * time.Millisecond)
	}
	t.Fatalf("the run is %s, not %s\n%s", w.get(id).Status, want, w.log.text())
	return runtime.Run{}
}

func TestReplayIsNotLimited(t *testing.T) {
	// What was executed once can be replayed, however low the limits are by now.
	inRealTime(t, func(w *world) {
		w.save("s", `async () => {
			for (let k = 0, x = 0; k < 2e5; k++) x += k;
			const deep = (n) => n ? 1 + deep(n - 1) : 0;
			deep(300); await waitFor("go"); return "went" }`)
		w.open()
		id := w.begin("s", "").ID
		statusOf(t, w, id, runtime.Waiting)
		w.limit("s", call.Limits{TurnCPU: 10 * time.Millisecond, CallDepth: 60})
		w.restart()
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, `"went"`)
		overLimit(t, w.ended(w.begin("s", "").ID, runtime.Failed, "").Error, "turnCpu", 10) // a new one
	})
}

func TestLimitsOfARemovedScript(t *testing.T) {
	// A run whose script is gone has the limits of its own revision.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await waitFor("go"); return "x".repeat(20) }`, withLimits(call.Limits{Result: 10}))
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		w.mu.Lock()
		delete(w.current, "s")
		w.mu.Unlock()
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		overLimit(t, w.ended(id, runtime.Failed, "").Error, "result", 10)
	})
}

func TestCallDepthOfAScript(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const down = `async (n) => { const deep = (n) => n ? 1 + deep(n - 1) : 0; return deep(n) }`
		w.save("flat", down, withLimits(call.Limits{CallDepth: 100}))
		w.save("other", down)
		w.open()
		r := w.ended(w.begin("flat", "150").ID, runtime.Failed, "")
		overLimit(t, r.Error, "callDepth", 100)
		if r.Error.Name != "RangeError" || r.Error.Code != "" {
			t.Errorf("error = %+v", r.Error)
		}
		w.ended(w.begin("flat", "80").ID, runtime.Succeeded, "80")
		w.ended(w.begin("other", "800").ID, runtime.Succeeded, "800")
	})
}

func TestCallsInFlightOfAScript(t *testing.T) {
	// Of each run so many calls are performed at once; the others of other scripts
	// do not wait for them.
	inWorld(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		w.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
			mu.Lock()
			now[p.By.Script]++
			most[p.By.Script] = max(most[p.By.Script], now[p.By.Script])
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			now[p.By.Script]--
			mu.Unlock()
			return call.OK(p.Call.ID, p.Call.Args)
		}
		const expr = `async () => (await Promise.all(Array.from({ length: 30 }, (_, i) => read(i)))).length`
		w.save("few", expr, withLimits(call.Limits{CallsInFlight: 3}))
		w.save("many", expr)
		w.open()
		few, many := w.begin("few", "").ID, w.begin("many", "").ID
		w.ended(few, runtime.Succeeded, "30")
		w.ended(many, runtime.Succeeded, "30")
		if most["few"] != 3 || most["many"] != 30 {
			t.Errorf("at once: %v", most)
		}
	})
}

func TestCallsOfARequest(t *testing.T) {
	// A request can not be paused: it ends.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `{ fetch: async (r) => { const n = Number(new URL(r.url).search.slice(1)); for (let i = 0; i < n; i++) await read(i); return new Response("did " + n) } }`,
			withLimits(call.Limits{Calls: 20}))
		w.open()
		if got := w.fetch("s", "21"); got.Err == nil || runtime.FailureStatus(got.Err, "r") != 500 {
			t.Errorf("21 calls: %+v", got)
		} else {
			overLimit(t, got.Err, "calls", 20)
		}
		if got := w.fetch("s", "20"); got.Err != nil || string(got.Response.Body.Inline) != "did 20" {
			t.Errorf("20 calls: %+v", got)
		}
	})
}

// fetch sends a request with a query.
func (w *world) fetch(script, query string) runtime.FetchResult {
	return w.Fetch(script, &worker.Request{Method: "GET", URL: "http://127.0.0.1/" + script + "?" + query})
}

func TestResultOfARun(t *testing.T) {
	// One byte too many fails the run. It has done its work: with a higher limit a
	// retry only takes the result.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (n) => { await write("a"); return "x".repeat(n - 2) }`, withLimits(call.Limits{Result: 1000}))
		w.save("other", `async (n) => "x".repeat(n - 2)`)
		w.open()
		if r := w.ended(w.begin("s", "1000").ID, runtime.Succeeded, ""); len(r.Output) != 1000 {
			t.Errorf("output of %d bytes", len(r.Output))
		}
		id := w.begin("s", "1001").ID
		r := w.ended(id, runtime.Failed, "")
		overLimit(t, r.Error, "result", 1000)
		if !strings.Contains(r.Error.Message, "the result of the run has 1001 bytes; it may have 1KB") || r.Output != nil {
			t.Errorf("error = %v", r.Error)
		}
		w.ended(w.begin("other", "1001").ID, runtime.Succeeded, "")
		w.restart()
		w.did()
		w.limit("s", call.Limits{Result: 1001})
		if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "same" || len(p.Output) != 1001 {
			t.Errorf("replay: %+v, %v", p, err)
		}
		again(t, w, id)
		if r := w.ended(id, runtime.Succeeded, ""); len(r.Output) != 1001 || w.did() != "" {
			t.Errorf("output of %d bytes", len(r.Output))
		}
	})
}

func TestAnswerOfARequest(t *testing.T) {
	// What the script made counts.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `{ fetch: (r) => new Response("x".repeat(Number(new URL(r.url).search.slice(1)))) }`, withLimits(call.Limits{Result: 1000}))
		w.open()
		if got := w.fetch("s", "1000"); got.Err != nil || len(got.Response.Body.Inline) != 1000 {
			t.Errorf("1000 bytes: %+v", got)
		}
		got := w.fetch("s", "1001")
		overLimit(t, got.Err, "result", 1000)
		if got.Response != nil || runtime.FailureStatus(got.Err, "r") != 500 || !strings.Contains(w.log.text(), "the answer that the script made has 1001 bytes") {
			t.Errorf("1001 bytes: %+v", got)
		}
	})
}

func TestLogRateOfAScript(t *testing.T) {
	// A flood is cut, in all runs of the script together, and every line is
	// accounted for. Other scripts print as ever.
	inWorld(t, func(t *testing.T, w *world) {
		const printing = `async (n) => { for (let i = 0; i < n; i++) console.log("line", i) }`
		w.save("loud", printing, withLimits(call.Limits{LogRate: 20}))
		w.save("quiet", printing)
		w.open()
		w.ended(w.begin("loud", "50").ID, runtime.Succeeded, "") // as many as may come at once
		w.ended(w.begin("loud", "100").ID, runtime.Succeeded, "")
		w.ended(w.begin("quiet", "500").ID, runtime.Succeeded, "")
		<-time.After(3 * time.Second)
		text := w.log.text()
		printed := strings.Count(text, "info console line")
		if printed < 550 || printed > 560 {
			t.Errorf("%d lines were printed", printed)
		}
		if want := fmt.Sprintf("warn console suppressed %d lines: the script prints more than 20 a second (config.limits.logRate)", 650-printed); strings.Count(text, want) != 1 {
			t.Errorf("the log lacks %q", want)
		}
		w.ended(w.begin("loud", "1").ID, runtime.Succeeded, "")
		if got := strings.Count(w.log.text(), "info console line"); got != printed+1 {
			t.Error("after the flood the script can not print")
		}
	})
}
