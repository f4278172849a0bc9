// Code that is to take over from other code: check, upgrade, replay, fork.

package runtime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
)

const (
	asItWas   = `async (n) => { const a = await read("a" + n); await waitFor("go"); return ["old", a, await read("b")]; }`
	sameSoFar = `async (n) => { const a = await read("a" + n); console.log("more"); const x = await waitFor("go"); return ["new", a, await read("c")]; }`
	other     = `async (n) => { const a = await read("x" + n); await waitFor("go"); return ["other", a]; }`
	forOdd    = `async (n) => { const a = await read(n % 2 ? "a" + n : "x"); await waitFor("go"); return ["odd", a]; }`
)

func TestCheckSaysWhatACandidateWouldDo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", asItWas)
		w.open()
		var ids []string
		for n := range 4 {
			id := w.begin("s", fmt.Sprint(n)).ID
			w.is(id, runtime.Waiting, "")
			ids = append(ids, id)
		}
		send(t, w, ids[3], "go", "")
		w.ended(ids[3], runtime.Succeeded, `["old","a3","b"]`)
		w.did()
		before := journals(t, w, ids)
		for _, tc := range []struct {
			source         string
			same, diverges int
		}{{"", 4, 0}, {asItWas, 4, 0}, {sameSoFar, 3, 1}, {other, 0, 4}, {forOdd, 1, 3}} {
			got, err := w.Check(t.Context(), runtime.CheckRequest{Script: "s", Source: tc.source})
			if err != nil || got.Same != tc.same || got.Diverge != tc.diverges || len(got.Runs) != 4 {
				t.Errorf("%s: %+v, %v", tc.source, got, err)
			}
			for _, r := range got.Runs {
				if (r.Divergence == nil) != (r.Result == "same") {
					t.Errorf("%+v", r)
				}
			}
		}
		_, err := w.Check(t.Context(), runtime.CheckRequest{Script: "s", Source: "syntax error"})
		wantCode(t, err, call.CodeInvalidArgument, "build")
		_, err = w.Check(t.Context(), runtime.CheckRequest{Script: "nope"})
		wantCode(t, err, call.CodeNotFound, "nope")
		if w.did() != "" || journals(t, w, ids) != before {
			t.Error("a check performed or wrote something")
		}
	})
}

func journals(t *testing.T, w *world, ids []string) string {
	t.Helper()
	var b strings.Builder
	for _, id := range ids {
		records, err := w.Journal(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			fmt.Fprintln(&b, id, r.Seq, r.Kind, r.Text, r.Void)
		}
	}
	return b.String()
}

func TestUpgrade(t *testing.T) {
	// A run moves to code that agrees so far, waiting or paused, and after a
	// restart; to other code it does not, and says where.
	for _, how := range []string{"waiting", "paused", "awake"} {
		t.Run(how, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", asItWas)
				w.open()
				id := w.begin("s", "1").ID
				w.settle()
				if how != "awake" {
					w.is(id, runtime.Waiting, "")
				}
				if how == "paused" {
					if _, err := w.Pause(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
				w.save("s", other)
				_, err := w.Upgrade(t.Context(), id, "")
				wantCode(t, err, call.CodeDiverged, "turn 1")
				w.save("s", sameSoFar)
				r, err := w.Upgrade(t.Context(), id, "current")
				if err != nil || r.Revision != w.current["s"].Revision {
					t.Fatal(r.Revision, err)
				}
				_, err = w.Upgrade(t.Context(), id, "nope")
				wantCode(t, err, call.CodeNotFound, "nope")
				w.save("s", asItWas)
				if how == "paused" {
					w.restart()
					if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
						t.Fatal(err)
					}
				}
				send(t, w, id, "go", "")
				w.ended(id, runtime.Succeeded, `["new","a1","c"]`)
				if got := w.did(); got != "read a1, read c" {
					t.Errorf("did %s", got)
				}
			})
		})
	}
}

func TestADivergedRunLeavesByUpgradeResumeOrFork(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, w *world, id string) string{
		"resume": func(t *testing.T, w *world, id string) string {
			if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
				t.Fatal(err)
			}
			return id
		},
		"fork": func(t *testing.T, w *world, id string) string {
			f, err := w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: 2})
			if err != nil {
				t.Fatal(err)
			}
			send(t, w, f.ID, "go", "")
			return f.ID
		},
		"upgrade": func(t *testing.T, w *world, id string) string {
			w.save("s", `async () => { await read("a"); await waitFor("go"); return 2 }`)
			if _, err := w.Upgrade(t.Context(), id, "current"); err != nil {
				t.Fatal(err)
			}
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", `async () => { await read("a"); await waitFor("go"); }`)
				w.open()
				id := w.begin("s", "").ID
				diverge(t, w, id)
				d := w.get(id).Divergence
				if d == nil || d.Turn != 1 || d.Expected == nil || d.Got == nil || d.Expected.Target != "read a" || d.Got.Target != "read b" {
					t.Errorf("divergence = %+v", d)
				}
				w.ended(act(t, w, id), runtime.Succeeded, "")
			})
		})
	}
}

func TestReplayShowsWhatAnEditWouldDo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", asItWas)
		w.open()
		id := w.begin("s", "1").ID
		w.is(id, runtime.Waiting, "")
		got, err := w.Replay(t.Context(), id, runtime.ReplayRequest{})
		if err != nil || got.Result != "open" || len(got.Calls) != 2 || !got.Calls[0].Answered || got.Calls[1].Answered {
			t.Errorf("open: %+v, %v", got, err)
		}
		send(t, w, id, "go", `7`)
		w.ended(id, runtime.Succeeded, "")
		w.did()
		got, err = w.Replay(t.Context(), id, runtime.ReplayRequest{Source: `async (n) => { const a = await read("a" + n); console.log("saw", a); return await waitFor("go"); }`})
		if err != nil || got.Result != "diverges" || got.Divergence == nil || len(got.Logs) != 1 || got.Logs[0].Msg != "saw a1" || got.Logs[0].Turn != 2 {
			t.Errorf("an edit: %+v, %+v, %v", got, got.Divergence, err)
		}
		got, err = w.Replay(t.Context(), id, runtime.ReplayRequest{Source: strings.Replace(asItWas, `["old", a, await read("b")]`, `(await read("b"), "edited")`, 1)})
		if err != nil || got.Result != "same" || string(got.Output) != `"edited"` {
			t.Errorf("another result: %+v, %v", got, err)
		}
		if w.did() != "" || !strings.Contains(string(w.get(id).Output), "old") {
			t.Error("a replay performed or changed something")
		}
	})
}

func TestForkFromEveryTurn(t *testing.T) {
	// A fork makes the calls from its turn on again, and no other; signals that
	// it shares stay taken.
	inWorld(t, func(t *testing.T, w *world) {
		big := strings.Repeat("x", 100_000)
		w.save("s", `async (input) => { const a = await read(input); const s = await waitFor("go"); const b = await read("b"); return [a.length, s, b, Math.random()]; }`)
		w.open()
		id := w.begin("s", `"`+big+`"`).ID
		send(t, w, id, "go", `7`)
		out := string(w.ended(id, runtime.Succeeded, "").Output)
		w.did()
		records, err := w.Journal(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		turns := uint64(0)
		for _, r := range records {
			if r.Kind == "turn" {
				turns++
			}
		}
		for from := uint64(1); from <= turns+1; from++ {
			f, err := w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: from})
			if err != nil {
				t.Fatal(from, err)
			}
			if f.ForkOf != id {
				t.Errorf("fork = %+v", f)
			}
			if from <= 3 { // before the signal was delivered
				send(t, w, f.ID, "go", `7`)
			}
			r := w.ended(f.ID, runtime.Succeeded, "")
			got, did := string(r.Output), w.did()
			want := map[uint64]string{1: "read " + big + ", read b", 2: "read " + big + ", read b", 3: "read b", 4: "read b"}[from]
			if did != want {
				t.Errorf("from %d: did %.40s (%d bytes), want %.40s", from, did, len(did), want)
			}
			if common := strings.LastIndex(out, ","); got[:common] != out[:common] {
				t.Errorf("from %d: %s, want %s", from, got, out)
			}
			if (got == out) != (from == turns+1) {
				t.Errorf("from %d: %s, and it was %s", from, got, out)
			}
			if p, err := w.Replay(t.Context(), f.ID, runtime.ReplayRequest{}); err != nil || p.Result != "same" {
				t.Errorf("replay of the fork from %d: %+v, %v", from, p, err)
			}
		}
		for _, from := range []uint64{0, turns + 2} {
			_, err := w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: from})
			wantCode(t, err, call.CodeInvalidArgument, "fromTurn is 1 to")
		}
	})
}

func TestForkWithOtherCode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", asItWas)
		w.open()
		id := w.begin("s", "1").ID
		w.is(id, runtime.Waiting, "")
		w.save("s", other)
		_, err := w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: 2, Revision: "current"})
		wantCode(t, err, call.CodeDiverged, "turn 1")
		f, err := w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: 1, Revision: "current"})
		if err != nil {
			t.Fatal(err)
		}
		send(t, w, f.ID, "go", "")
		w.ended(f.ID, runtime.Succeeded, `["other","x1"]`)
		w.save("s", sameSoFar)
		if f, err = w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: 4, Revision: "current"}); err == nil {
			t.Fatal("a fork from a turn that was not yet")
		}
		if f, err = w.Fork(t.Context(), id, runtime.ForkRequest{FromTurn: 2, Revision: "current"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		send(t, w, f.ID, "go", "")
		w.ended(f.ID, runtime.Succeeded, `["new","a1","c"]`)
		// The origin goes its own way.
		send(t, w, id, "go", "")
		w.ended(id, runtime.Succeeded, `["old","a1","b"]`)
	})
}
