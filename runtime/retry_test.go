// Retry: a failed run goes on from just before the answer that failed it.

package runtime_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// failing makes calls with the argument "bad" fail until repaired is closed.
func failing(w *world) (repair func()) {
	var mu sync.Mutex
	repaired := false
	w.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		mu.Lock()
		bad := strings.Contains(string(p.Call.Args), `bad`) && !repaired
		mu.Unlock()
		if bad {
			<-time.After(time.Second) // what was asked at the same time is answered first
			return call.Failed(p.Call.ID, call.Errorf(call.CodeTimeout, "too late"))
		}
		return call.OK(p.Call.ID, p.Call.Args)
	}
	return func() {
		mu.Lock()
		repaired = true
		mu.Unlock()
	}
}

func retried(t *testing.T, w *world, id string) {
	t.Helper()
	if _, err := w.Retry(t.Context(), id, runtime.RetryRequest{}); err != nil {
		t.Fatal(err)
	}
}

func TestRetryPerformsOnlyWhatFailed(t *testing.T) {
	for name, tc := range map[string]struct{ expr, output, first, again string }{
		"thrown by the call": {
			`async () => [await read("a"), await write("bad"), await read("c")]`,
			`["a","bad","c"]`, "read a, write bad", "write bad, read c",
		},
		"wrapped": {
			`async () => { const a = await read("a"); try { await write("bad"); } catch (e) { throw new Error("outer", { cause: new Error("inner", { cause: e }) }); } return a; }`,
			`"a"`, "read a, write bad", "write bad",
		},
		"rethrown later": {
			`async () => { let e; try { await write("bad"); } catch (x) { e = x; } const b = await read("b"); if (e) throw e; return b; }`,
			`"b"`, "write bad, read b", "write bad, read b",
		},
		"its own error": {
			`async () => { const a = await read("a"); if (Math.random() >= 0) { await read("b"); throw new Error("no"); } }`,
			"", "read a, read b", "read b?",
		},
		"one of many": {
			`async () => { const [a, b] = await Promise.all([read("a"), write("bad")]); return [a, b]; }`,
			`["a","bad"]`, "", "write bad",
		},
		"in a step": {`async () => await step("s", () => write("bad"), { retry: { attempts: 1 } })`, `"bad"`, "write bad", "write bad"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				repair := failing(w)
				w.save("s", tc.expr)
				w.open()
				id := w.begin("s", "").ID
				w.ended(id, runtime.Failed, "")
				if got := w.did(); tc.first != "" && got != tc.first {
					t.Errorf("at first: %s", got)
				}
				repair()
				retried(t, w, id)
				if tc.output == "" { // it fails again, and nothing that was answered is asked again
					w.ended(id, runtime.Failed, "")
					if got := w.did(); got != "" {
						t.Errorf("again: %s", got)
					}
					return
				}
				w.ended(id, runtime.Succeeded, tc.output)
				if got := w.did(); got != tc.again {
					t.Errorf("again: %s", got)
				}
			})
		})
	}
}

func TestRetryGivesSignalsBack(t *testing.T) {
	// A signal taken by a turn that is rewound is there for the waitFor again.
	inWorld(t, func(t *testing.T, w *world) {
		repair := failing(w)
		w.save("s", `async () => { try { await write("bad"); } catch (e) { const s = await waitFor("go"); throw new Error("after " + s, { cause: e }); } return [await waitFor("go"), await waitFor("go")]; }`)
		w.open()
		id := w.begin("s", "").ID
		send := func(value string) {
			if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go", Value: []byte(value)}); err != nil {
				t.Fatal(err)
			}
		}
		send("1")
		if r := w.ended(id, runtime.Failed, ""); !strings.Contains(r.Error.Error(), "after 1") {
			t.Fatal(r.Error)
		}
		repair()
		retried(t, w, id)
		send("2")
		w.ended(id, runtime.Succeeded, "[1,2]")
	})
}

func TestRetryOfAFailedChild(t *testing.T) {
	// The attached run is started again: its number in the parent says which
	// call failed, not the numbers inside of the child.
	inWorld(t, func(t *testing.T, w *world) {
		repair := failing(w)
		w.save("child", `async () => { await read("a"); await read("b"); await read("c"); return await write("bad"); }`)
		w.save("s", `async () => { const one = await read("one"); return [one, await invoke("child"), await read("two")]; }`)
		w.open()
		id := w.begin("s", "").ID
		r := w.ended(id, runtime.Failed, "")
		if r.Error.Code != string(call.CodeRunFailed) || r.Error.Cause == nil {
			t.Fatal(r.Error)
		}
		repair()
		w.did()
		retried(t, w, id)
		w.ended(id, runtime.Succeeded, `["one","bad","two"]`)
		if got := w.did(); got != "read a, read b, read c, write bad, read two" {
			t.Errorf("again: %s", got)
		}
		runs, _, err := w.List(t.Context(), runtime.ListQuery{Script: "child"})
		if err != nil || len(runs) != 2 {
			t.Errorf("%d children, %v", len(runs), err)
		}
	})
}

func TestRetryAfterAnUndoIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		failing(w)
		w.save("s", `async () => { await step("a", () => write("a"), { undo: () => write("undo a") }); await write("bad"); }`)
		w.open()
		id := w.begin("s", "").ID
		w.ended(id, runtime.Failed, "")
		_, err := w.Retry(t.Context(), id, runtime.RetryRequest{})
		wantCode(t, err, call.CodeConflict, "fork it instead")
	})
}

func TestOnFailurePause(t *testing.T) {
	const expr = `async () => { await step("a", () => write("a"), { undo: () => write("undo a") }); return await write("bad"); }`
	for name, tc := range map[string]struct {
		act    func(ctx context.Context, w *world, id string) error
		status runtime.Status
		did    string
	}{
		"retry": {func(ctx context.Context, w *world, id string) error {
			_, err := w.Retry(ctx, id, runtime.RetryRequest{})
			return err
		}, runtime.Succeeded, "write bad"},
		"resume": {func(ctx context.Context, w *world, id string) error {
			_, err := w.Resume(ctx, id, runtime.ResumeRequest{})
			return err
		}, runtime.Failed, "write undo a"},
		"cancel": {func(ctx context.Context, w *world, id string) error { _, err := w.Cancel(ctx, id); return err }, runtime.Cancelled, "write undo a"},
		"kill":   {func(ctx context.Context, w *world, id string) error { _, err := w.Kill(ctx, id); return err }, runtime.Cancelled, ""},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " restarted ", restarted), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					repair := failing(w)
					w.save("s", expr, runtime.Script{PauseOnFailure: true})
					w.open()
					id := w.begin("s", "").ID
					r := w.is(id, runtime.Paused, runtime.ReasonFailure)
					if r.Error == nil || r.Error.Code != string(call.CodeTimeout) {
						t.Errorf("error = %v", r.Error)
					}
					if got := w.did(); got != "write a, write bad" {
						t.Errorf("did %s", got)
					}
					repair()
					if restarted {
						w.restart()
					}
					if err := tc.act(t.Context(), w, id); err != nil {
						t.Fatal(err)
					}
					w.ended(id, tc.status, "")
					if got := w.did(); got != tc.did {
						t.Errorf("then did %s", got)
					}
				})
			})
		}
	}
}

func TestOnFailurePauseWithoutATurn(t *testing.T) {
	// What fails before anything else, or waits for nothing, is held as well,
	// and can be let go.
	for name, expr := range map[string]string{
		"throws at once": `async () => { throw new Error("no") }`,
		"never settles":  `async () => { await new Promise(() => {}) }`,
		"after a call":   `async () => { await read(1); await new Promise(() => {}) }`,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", expr, runtime.Script{PauseOnFailure: true})
				w.open()
				id := w.begin("s", "").ID
				w.is(id, runtime.Paused, runtime.ReasonFailure)
				retried(t, w, id)
				w.is(id, runtime.Paused, runtime.ReasonFailure)
				if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
					t.Fatal(err)
				}
				w.ended(id, runtime.Failed, "")
			})
		})
	}
}

func TestRetryWithTheRepairedScript(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { const a = await read("a"); await read("b"); return a.nope.x; }`)
		w.open()
		id := w.begin("s", "").ID
		w.ended(id, runtime.Failed, "")
		w.did()
		// One that does something else before the failure is refused, with where.
		w.save("s", `async () => { const a = await read("other"); return 1; }`)
		_, err := w.Retry(t.Context(), id, runtime.RetryRequest{Revision: "current"})
		wantCode(t, err, call.CodeDiverged, "turn 1")
		if r := w.get(id); r.Status != runtime.Failed {
			t.Fatal(r.Status)
		}
		w.save("s", `async () => { const a = await read("a"); await read("b"); return a; }`)
		if _, err := w.Retry(t.Context(), id, runtime.RetryRequest{Revision: "current"}); err != nil {
			t.Fatal(err)
		}
		r := w.ended(id, runtime.Succeeded, `"a"`)
		if r.Revision != w.current["s"].Revision || w.did() != "" {
			t.Errorf("run = %+v", r)
		}
	})
}

func TestRetryOfAnHTTPStatusIsAnotherRequest(t *testing.T) {
	// An answer of 500 was an answer: the request is made again under another
	// Idempotency-Key. A connection that broke was none: the key stays.
	var mu sync.Mutex
	var keys []string
	mode := "500"
	upstream := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		switch mode {
		case "500":
			rw.WriteHeader(http.StatusInternalServerError)
		case "broken":
			panic(http.ErrAbortHandler)
		default:
			_, _ = rw.Write([]byte(`{"ok":true}`))
		}
	}))
	defer upstream.Close()
	upstreams, err := connections.NewSet()
	if err != nil {
		t.Fatal(err)
	}
	vault, err := connections.NewSecrets(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		mode string
		same bool
	}{{"500", false}, {"broken", true}} {
		t.Run(tc.mode, func(t *testing.T) {
			keys, mode = nil, tc.mode
			h := httpbind.New(httpbind.Options{Connections: upstreams, Secrets: vault, Egress: loopback(t)})
			w := newWorld(t)
			w.more, w.modules = []runtime.Binding{h}, []vm.Module{httpbind.Module()}
			defer w.close()
			w.save("s", `async () => await http.http.post("`+upstream.URL+`/x", { json: { a: 1 }, retry: 0 }).json()`)
			w.open()
			id := w.begin("s", "").ID
			r, err := w.Wait(t.Context(), id, 10*time.Second)
			if err != nil || r.Status != runtime.Failed {
				t.Fatal(r, r.Error, err)
			}
			mu.Lock()
			mode = "ok"
			mu.Unlock()
			retried(t, w, id)
			if r, err = w.Wait(t.Context(), id, 10*time.Second); err != nil || r.Status != runtime.Succeeded {
				t.Fatal(r.Status, r.Error, err)
			}
			if len(keys) != 2 || keys[0] == "" || (keys[0] == keys[1]) != tc.same {
				t.Errorf("keys = %q", keys)
			}
		})
	}
}
