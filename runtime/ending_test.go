// How runs end, when much of theirs is still open.

package runtime_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
)

func TestManyOpenCallsAtTheEnd(t *testing.T) {
	// However a run ends with more calls open than may be performed at once,
	// those that have not begun do not begin, and nothing else breaks.
	big := strings.Repeat("x", call.InlineMax+1)
	many := `const held = await read("big"); for (let i = 0; i < 80; i++) read("hang").catch(() => {}); body(held).catch(() => {}); `
	for name, tc := range map[string]struct {
		expr   string
		cancel bool
		status runtime.Status
	}{
		"settles":      {`async () => { ` + many + `return 1; }`, false, runtime.Succeeded},
		"is cancelled": {`async () => { ` + many + `write("ready"); await read("hang"); }`, true, runtime.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.expr)
			ready := make(chan struct{})
			var hung atomic.Int64
			r.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
				switch string(p.Call.Args) {
				case `"big"`:
					return call.Outcome{Call: p.Call.ID, Value: []byte(`1`), Body: p.Hold([]byte(big))}
				case `"hang"`:
					if hung.Add(1) == 64 {
						close(ready)
					}
					<-ctx.Done()
				}
				return call.OK(p.Call.ID, p.Call.Args)
			}
			run := r.start("")
			if tc.cancel {
				<-ready
				if _, err := r.Cancel(t.Context(), run.ID); err != nil {
					t.Fatal(err)
				}
			}
			run, err := r.Wait(t.Context(), run.ID, time.Minute)
			if err != nil || run.Status != tc.status {
				t.Fatalf("run = %+v, %v, %v", run, run.Error, err)
			}
			if n := hung.Load(); n > 64 {
				t.Errorf("%d calls were begun", n)
			}
		})
	}
}

func TestALoopOfReadsCanBeStopped(t *testing.T) {
	// Reading held bodies for ever outruns neither a cancel nor the server's end.
	r := newRig(t, `async () => { const held = await read("big"); for (;;) { await body(held); await write("again"); } }`)
	again := make(chan struct{}, 1000)
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		if string(p.Call.Args) == `"big"` {
			return call.Outcome{Call: p.Call.ID, Value: []byte(`1`), Body: p.Hold(make([]byte, call.InlineMax+1))}
		}
		select {
		case again <- struct{}{}:
		default:
		}
		return call.OK(p.Call.ID, nil)
	}
	run := r.start("")
	<-again
	if _, err := r.Cancel(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestErrorsAfterTheAnswerAreLogged(t *testing.T) {
	r := newRig(t, `{ fetch(_, env, ctx) { ctx.waitUntil(timer({ ms: 1 }).then(() => { throw new TypeError("late") })); return new Response("ok"); } }`)
	if res := r.Fetch("s", &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"}); res.Err != nil {
		t.Fatal(res.Err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.log.text(), "error run failed after the answer was sent:") || !strings.Contains(r.log.text(), "late") {
		t.Errorf("the log lacks the error:\n%s", r.log.text())
	}
	if s := r.Stats("s"); s.Failures != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestHeldBodiesOfARequestAreBounded(t *testing.T) {
	// A request that reads many large bodies keeps the newest; what is gone says so.
	r := newRig(t, `{ async fetch() { let first, last; for (let i = 0; i < 40; i++) { last = await read(i); first ??= last; await body(last); }
		const kept = await body(last); try { await body(first); return new Response("kept"); } catch (e) { return new Response(e.name); } } }`)
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		return call.Outcome{Call: p.Call.ID, Value: []byte(`1`), Body: p.Hold(make([]byte, 2<<20))}
	}
	res := r.Fetch("s", &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"})
	if res.Err != nil || string(res.Response.Body.Inline) != "NotFoundError" {
		t.Fatalf("result = %+v, %v", res.Response, res.Err)
	}
}
