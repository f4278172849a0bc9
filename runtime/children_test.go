// Runs that runs start.

package runtime_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
)

func listed(t *testing.T, w *world, script string) []runtime.Run {
	t.Helper()
	runs, _, err := w.List(t.Context(), runtime.ListQuery{Script: script, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestStartIsDetached(t *testing.T) {
	// What is started outlives its starter, knows its parent, and is started once.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async (n) => { await sleep("1 minute"); return n + 1; }`)
		w.save("s", `async () => { const { id } = await start("child", 41); throw new Error(id); }`)
		w.open()
		r := w.ended(w.begin("s", "").ID, runtime.Failed, "")
		kids := listed(t, w, "child")
		if len(kids) != 1 || kids[0].Parent != r.ID || kids[0].Attached || !strings.Contains(r.Error.Message, kids[0].ID) {
			t.Fatalf("children = %+v", kids)
		}
		w.ended(kids[0].ID, runtime.Succeeded, "42")
	})
}

func TestInvoke(t *testing.T) {
	// The parent gets the output, over a restart of the server in between, of
	// the one child that there is.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async (n) => { await sleep("1 hour"); return { n }; }`)
		w.save("s", `async (n) => { const a = await invoke("child", n); return [a, await invoke("child", n + 1)]; }`)
		w.open()
		id := w.begin("s", "1").ID
		r := w.is(id, runtime.Waiting, "")
		kids := listed(t, w, "child")
		if len(r.Waits) != 1 || r.Waits[0].Kind != "run" || r.Waits[0].Name != "child" || len(kids) != 1 || r.Waits[0].Run != kids[0].ID || !kids[0].Attached {
			t.Fatalf("waits = %+v, children = %+v", r.Waits, kids)
		}
		w.restart()
		w.ended(id, runtime.Succeeded, `[{"n":1},{"n":2}]`)
		if kids := listed(t, w, "child"); len(kids) != 2 {
			t.Errorf("%d children", len(kids))
		}
	})
}

func TestInvokeOfWhatFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("fails", `async () => { throw new TypeError("no") }`)
		w.save("waits", `async () => { await waitFor("never") }`)
		w.save("s", `async (script) => { try { await invoke(script) } catch (e) { return [e.name, e.cause?.name ?? null, e.data ?? null, e.message.replace(/[0-9a-f-]{36}/, "ID")] } }`)
		w.open()
		r := w.end(w.begin("s", `"fails"`).ID)
		if got := string(r.Output); !strings.HasPrefix(got, `["RunFailedError","TypeError",`) || !strings.Contains(got, "the run ID of fails failed: TypeError: no") {
			t.Errorf("fails: %s", got)
		}
		r = w.end(w.begin("s", `"nope"`).ID)
		if got := string(r.Output); !strings.Contains(got, "there is no script nope") {
			t.Errorf("nope: %s", got)
		}
		id := w.begin("s", `"waits"`).ID
		kid := w.is(id, runtime.Waiting, "").Waits[0].Run
		if _, err := w.Cancel(t.Context(), kid); err != nil {
			t.Fatal(err)
		}
		if got := string(w.end(id).Output); !strings.Contains(got, "was cancelled") {
			t.Errorf("cancelled: %s", got)
		}
	})
}

func TestAttachedRunsEndWithTheirParent(t *testing.T) {
	// However it ends: cancelled while it executes or sleeps, killed, failed, or
	// done without having waited.
	const child = `async () => { try { await waitFor("never") } finally { await write("cleaned") } }`
	for name, tc := range map[string]struct {
		expr string
		act  func(t *testing.T, w *world, id string) error
	}{
		"cancelled while it sleeps": {`async () => { await invoke("child") }`, func(t *testing.T, w *world, id string) error {
			w.is(id, runtime.Waiting, "")
			_, err := w.Cancel(t.Context(), id)
			return err
		}},
		"cancelled at once": {`async () => { await invoke("child") }`, func(t *testing.T, w *world, id string) error {
			w.settle()
			_, err := w.Cancel(t.Context(), id)
			return err
		}},
		"killed while it sleeps": {`async () => { await invoke("child") }`, func(t *testing.T, w *world, id string) error {
			w.is(id, runtime.Waiting, "")
			_, err := w.Kill(t.Context(), id)
			return err
		}},
		"killed while paused": {`async () => { await invoke("child") }`, func(t *testing.T, w *world, id string) error {
			w.is(id, runtime.Waiting, "")
			if _, err := w.Pause(t.Context(), id); err != nil {
				return err
			}
			_, err := w.Kill(t.Context(), id)
			return err
		}},
		"fails":     {`async () => { invoke("child"); await sleep("5s"); throw new Error("x") }`, nil},
		"is done":   {`async () => { invoke("child"); await sleep("5s"); }`, nil},
		"timed out": {`async () => { await step("x", () => invoke("child"), { timeout: "10s" }) }`, nil},
		"grandchild": {`async () => { await invoke("s2") }`, func(t *testing.T, w *world, id string) error {
			w.is(id, runtime.Waiting, "")
			_, err := w.Cancel(t.Context(), id)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("child", child)
				w.save("s2", `async () => { await invoke("child") }`)
				w.save("s", tc.expr)
				w.open()
				id := w.begin("s", "").ID
				if tc.act != nil {
					if err := tc.act(t, w, id); err != nil {
						t.Fatal(err)
					}
				}
				w.end(id)
				kid := listed(t, w, "child")[0]
				if r := w.end(kid.ID); r.Status != runtime.Cancelled || w.did() != "write cleaned" {
					t.Errorf("the child = %+v", r)
				}
			})
		})
	}
}

func TestContinueAs(t *testing.T) {
	// A chain of runs, each succeeded and named by the next; nothing after it is
	// executed, and one place in the queue is enough.
	for name, config := range map[string]runtime.Script{"": {}, "with concurrency": {Concurrency: &runtime.Concurrency{Limit: 1}}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", `async (n = 0) => { if (n === 3) return "done"; await read(n); await continueAs(n + 1); await write("never"); }`, config)
				w.open()
				r := w.end(w.begin("s", "").ID)
				for n := range 3 {
					if r.Status != runtime.Succeeded || r.Successor == "" {
						t.Fatalf("%d: %+v", n, r)
					}
					next := w.end(r.Successor)
					if next.Predecessor != r.ID || string(next.Input) != fmt.Sprint(n+1) {
						t.Fatalf("%d: %+v", n, next)
					}
					r = next
				}
				if string(r.Output) != `"done"` || w.did() != "read 0, read 1, read 2" {
					t.Errorf("the last one: %+v", r)
				}
			})
		})
	}
}

func TestPublish(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await publish({ percent: 10 }); await publish({ percent: 20, message: "half" }); await waitFor("go"); }`)
		w.open()
		r := w.is(w.begin("s", "").ID, runtime.Waiting, "")
		if string(r.State) != `{"percent":20,"message":"half"}` {
			t.Errorf("state = %s", r.State)
		}
	})
}

func TestOnFailed(t *testing.T) {
	// The script gets the failed run, once, also when the server stops in between.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("report", `async ({ run }) => [run.id, run.script, run.status, run.error.message, run.input]`)
		w.save("s", `async () => { throw new Error("no") }`, runtime.Script{OnFailed: "report"})
		w.open()
		id := w.begin("s", `{"a":1}`).ID
		w.ended(id, runtime.Failed, "")
		w.settle()
		kids := listed(t, w, "report")
		if len(kids) != 1 {
			t.Fatalf("%d reports", len(kids))
		}
		r := w.end(kids[0].ID)
		if want := `["` + id + `","s","failed","no",{"a":1}]`; string(r.Output) != want || r.Parent != id {
			t.Errorf("report = %s, want %s; %+v", r.Output, want, r)
		}
		// A cancelled run did not fail; a retried one that fails again did, again.
		<-time.After(time.Minute)
		retried(t, w, id)
		w.ended(id, runtime.Failed, "")
		w.settle()
		w.restart()
		w.settle()
		if n := len(listed(t, w, "report")); n != 2 {
			t.Errorf("%d reports", n)
		}
	})
}

func TestOnFailedIsNoCircle(t *testing.T) {
	// Scripts that report each other's failures come to an end, and that is said.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("a", `async () => { throw new Error("a") }`, runtime.Script{OnFailed: "b"})
		w.save("b", `async () => { throw new Error("b") }`, runtime.Script{OnFailed: "a"})
		w.open()
		w.begin("a", "")
		<-time.After(time.Minute)
		if n := len(listed(t, w, "a")) + len(listed(t, w, "b")); n < 2 || n > 20 {
			t.Errorf("%d runs", n)
		}
		if !strings.Contains(w.log.text(), "onFailed") {
			t.Errorf("nothing says so:\n%s", w.log.text())
		}
	})
}

func TestOnFailedOfAScriptThatIsNotThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { throw new Error("a") }`, runtime.Script{OnFailed: "nope"})
		w.open()
		id := w.begin("s", "").ID
		w.ended(id, runtime.Failed, "")
		w.settle()
		if text := w.log.text(); !strings.Contains(text, "nope") {
			t.Errorf("nothing says so:\n%s", text)
		}
	})
}

func TestChildrenAreInOrder(t *testing.T) {
	// Runs started one after another within a millisecond are listed, and let in,
	// in that order.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async (n) => { await read(n); }`, runtime.Script{Concurrency: &runtime.Concurrency{Limit: 1}})
		w.save("s", `async () => { for (let n = 0; n < 20; n++) await start("child", n); }`)
		w.open()
		w.ended(w.begin("s", "").ID, runtime.Succeeded, "")
		var want, got []string
		kids := listed(t, w, "child")
		for n := range 20 {
			want = append(want, fmt.Sprint("read ", n))
			got = append(got, "read "+string(kids[len(kids)-1-n].Input))
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("listed as %s", got)
		}
		for _, k := range kids {
			w.end(k.ID)
		}
		if got := w.did(); got != strings.Join(want, ", ") {
			t.Errorf("let in as %s", got)
		}
	})
}

func TestAnIdempotencyKeyOfAChild(t *testing.T) {
	// Two runs that start the same thing with one key start one run.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("child", `async () => 1`)
		w.save("s", `async (n) => { try { return (await start("child", n, { idempotencyKey: "k" })).id } catch (e) { return e.code } }`)
		w.open()
		one, two, three := w.end(w.begin("s", "1").ID), w.end(w.begin("s", "1").ID), w.end(w.begin("s", "2").ID)
		if string(one.Output) != string(two.Output) || string(three.Output) != `"`+string(call.CodeConflict)+`"` || len(listed(t, w, "child")) != 1 {
			t.Errorf("%s %s %s", one.Output, two.Output, three.Output)
		}
		var id string
		if err := json.Unmarshal(one.Output, &id); err != nil || w.get(id).Script != "child" {
			t.Error(id, err)
		}
	})
}

func TestAPausedParentGetsItsChildsResultLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.options.Retention = runtime.Retention{Age: time.Minute}
		w.save("child", `async () => { await read("once"); await sleep("10s"); return 7 }`)
		w.save("s", `async () => await invoke("child")`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		if _, err := w.Pause(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour) // the child has ended, and would be swept
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, "7")
		if got := w.did(); got != "read once" {
			t.Errorf("did %s", got)
		}
	})
}
