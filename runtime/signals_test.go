// What reaches a run from outside: signals, and answers of people.

package runtime_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
)

func send(t *testing.T, w *world, run, name, value string) {
	t.Helper()
	if err := w.Signal(t.Context(), runtime.SignalRequest{Run: run, Name: name, Value: json.RawMessage(value)}); err != nil {
		t.Fatal(err)
	}
}

func TestSignalsOfANameAreFirstInFirstOut(t *testing.T) {
	// Early ones are kept, over restarts too; names do not mix; values are whole.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => {
			await sleep("1 minute");
			const got = [await waitFor("a"), await waitFor("b"), await waitFor("a")];
			const both = await Promise.all([waitFor("a"), waitFor("a")]);
			return [...got, ...both];
		}`)
		w.open()
		id := w.begin("s", "").ID
		send(t, w, id, "a", `1`)
		send(t, w, id, "a", `{"n":2}`)
		w.restart()
		send(t, w, id, "b", ``)
		send(t, w, id, "a", `3`)
		<-time.After(2 * time.Minute)
		w.restart()
		send(t, w, id, "a", `4`)
		w.ended(id, runtime.Succeeded, `[1,null,{"n":2},3,4]`)
	})
}

func TestSignalOrTimeout(t *testing.T) {
	// One of them, decided once: what comes after the time is kept for the next.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => {
			let first; try { first = await waitFor("a", { timeout: "1 hour" }) } catch (e) { first = e.code }
			let second; try { second = await waitFor("a", { timeout: "1 hour" }) } catch (e) { second = e.code }
			return [first, second];
		}`)
		w.open()
		early, late, never := w.begin("s", "").ID, w.begin("s", "").ID, w.begin("s", "").ID
		<-time.After(59 * time.Minute)
		send(t, w, early, "a", `1`)
		<-time.After(2 * time.Minute)
		send(t, w, late, "a", `2`)
		w.ended(late, runtime.Succeeded, `["TIMEOUT_ERROR",2]`)
		w.ended(early, runtime.Succeeded, `[1,"TIMEOUT_ERROR"]`)
		w.ended(never, runtime.Succeeded, `["TIMEOUT_ERROR","TIMEOUT_ERROR"]`)
		for _, id := range []string{early, late, never} {
			if got, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || got.Result != "same" {
				t.Errorf("the replay: %+v, %v", got, err)
			}
		}
	})
}

func TestATimeoutThatPassedWhileTheServerWasDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { try { return await waitFor("a", { timeout: "1 hour" }) } catch (e) { return e.message } }`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		w.stop()
		<-time.After(3 * time.Hour)
		w.open()
		if r := w.ended(id, runtime.Succeeded, ""); !strings.Contains(string(r.Output), `no signal \"a\" came within 1h0m0s`) {
			t.Errorf("output = %s", r.Output)
		}
	})
}

func TestSignalsWithAKeyCountOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("hook", `async ([run, n]) => { await signal(run, "paid", n, { idempotencyKey: "event" }) }`)
		w.save("s", `async () => { const a = await waitFor("paid"); let b = "none"; try { b = await waitFor("paid", { timeout: "1 minute" }) } catch {} return [a, b]; }`)
		w.open()
		id := w.begin("s", "").ID
		w.ended(w.begin("hook", `["`+id+`",1]`).ID, runtime.Succeeded, "")
		w.restart()
		w.ended(w.begin("hook", `["`+id+`",2]`).ID, runtime.Succeeded, "")
		w.ended(id, runtime.Succeeded, `[1,"none"]`)
		// What was counted before may come once more when the run has ended; what is
		// new may not.
		w.ended(w.begin("hook", `["`+id+`",3]`).ID, runtime.Succeeded, "")
		wantCode(t, w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "paid"}), call.CodeConflict, "succeeded")
		r := w.end(w.begin("hook", `["00dc6acf-0000-7000-8000-000000000000",3]`).ID)
		if r.Status != runtime.Failed || r.Error.Code != string(call.CodeNotFound) {
			t.Errorf("a signal to no run: %+v, %v", r.Status, r.Error)
		}
	})
}

func TestSignalNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await waitFor("a") }`)
		w.open()
		id := w.begin("s", "").ID
		for _, name := range []string{"", "ask:1", "a\nb", strings.Repeat("x", 201)} {
			if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: name}); call.CodeOf(err) != call.CodeInvalidArgument {
				t.Errorf("%q: %v", name, err)
			}
		}
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "a", Value: []byte(`{`)}); call.CodeOf(err) != call.CodeInvalidJSON {
			t.Errorf("no JSON: %v", err)
		}
	})
}

// question finds the address of the form that a run waits for.
func question(t *testing.T, w *world, id string) (ask uint64, key string, wait runtime.Wait) {
	t.Helper()
	r := w.is(id, runtime.Waiting, "")
	if len(r.Waits) != 1 || r.Waits[0].Kind != "ask" {
		t.Fatalf("waits = %+v", r.Waits)
	}
	u, err := url.Parse(r.Waits[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(u.Path, "/")
	ask, err = strconv.ParseUint(parts[len(parts)-1], 10, 64)
	if err != nil || parts[len(parts)-2] != id {
		t.Fatal(u, err)
	}
	return ask, u.Query().Get("key"), r.Waits[0]
}

func TestAskIsAnsweredOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => await ask({ title: "Ship it?", schema: { type: "object" }, timeout: "2 days", notify: (url) => write(url) })`)
		w.open()
		id := w.begin("s", "").ID
		n, key, wait := question(t, w, id)
		if got := w.did(); got != "write "+wait.URL {
			t.Errorf("notified with %s, and the wait says %s", got, wait.URL)
		}
		w.restart() // the address stays
		if _, again, _ := question(t, w, id); again != key || wait.Name != "Ship it?" || wait.Until == nil {
			t.Errorf("the key was %s and is %s; wait %+v", key, again, wait)
		}
		for _, wrong := range []string{"", "x", strings.Repeat("0", len(key))} {
			_, err := w.Ask(t.Context(), id, n, wrong)
			wantCode(t, err, call.CodeNotFound, "no such question")
			wantCode(t, w.Answer(t.Context(), id, n, wrong, []byte(`1`)), call.CodeNotFound, "no such question")
		}
		_, err := w.Ask(t.Context(), "00dc6acf-0000-7000-8000-000000000000", n, key)
		wantCode(t, err, call.CodeNotFound, "no such question") // which runs there are is nobody's business
		form, err := w.Ask(t.Context(), id, n, key)
		if err != nil || form.Title != "Ship it?" || form.Answered || form.Until == nil {
			t.Errorf("form = %+v, %v", form, err)
		}
		if err := w.Answer(t.Context(), id, n, key, []byte(`{"ok":true}`)); err != nil {
			t.Fatal(err)
		}
		wantCode(t, w.Answer(t.Context(), id, n, key, []byte(`{"ok":false}`)), call.CodeConflict, "Ship it?")
		w.ended(id, runtime.Succeeded, `{"ok":true}`)
		wantCode(t, w.Answer(t.Context(), id, n, key, []byte(`{"ok":false}`)), call.CodeConflict, "")
		if form, err := w.Ask(t.Context(), id, n, key); err != nil || !form.Answered {
			t.Errorf("form = %+v, %v", form, err)
		}
	})
}

func TestAskThatNobodyAnswers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { try { await ask({ title: "Ship it?", timeout: "1 hour" }) } catch (e) { await sleep("1 hour"); return e.code } }`)
		w.open()
		id := w.begin("s", "").ID
		n, key, _ := question(t, w, id)
		<-time.After(61 * time.Minute)
		wantCode(t, w.Answer(t.Context(), id, n, key, []byte(`1`)), call.CodeConflict, "time is up")
		w.ended(id, runtime.Succeeded, `"TIMEOUT_ERROR"`)
	})
}

func TestManySignalsAtOnce(t *testing.T) {
	// However they come, each is taken once and none is lost.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { let sum = 0; for (let i = 0; i < 100; i++) sum += await waitFor("n"); return sum }`)
		w.open()
		id := w.begin("s", "").ID
		done := make(chan error)
		for g := range 4 {
			go func() {
				for i := range 25 {
					if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "n", Value: []byte(fmt.Sprint(g*25 + i))}); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		w.ended(id, runtime.Succeeded, "4950")
	})
}
