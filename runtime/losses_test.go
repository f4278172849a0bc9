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
	"reprise/runtime/worker/workertest"
)

// lose has turns in the world lost; it must be called before it is opened.
func (w *world) lose(fate func(workertest.Turn) workertest.Fate) *workertest.Losing {
	l := &workertest.Losing{Fate: fate}
	w.workers = func(inner worker.Workers) worker.Workers {
		l.Workers = inner
		return l
	}
	return l
}

func fine(workertest.Turn) workertest.Fate { return workertest.Done }

// fates are those of the first turns, in order; the others are executed.
func fates(list ...workertest.Fate) func(workertest.Turn) workertest.Fate {
	return func(t workertest.Turn) workertest.Fate {
		if t.N <= len(list) {
			return list[t.N-1]
		}
		return workertest.Done
	}
}

const (
	done      = workertest.Done
	lost      = workertest.Lost
	lostAfter = workertest.LostAfter
	guilty    = workertest.Guilty
)

const threeTurns = `async () => { await write(1); await write(2); return "done" }`

func TestAVerdictEndsTheRun(t *testing.T) {
	// Whichever turn ended its process, live or in the replay after a loss, the run
	// fails with what it did. It can be retried, from there, and forked.
	for name, list := range map[string][]workertest.Fate{
		"in the first turn": {guilty}, "in the second": {done, guilty}, "in the last": {done, done, guilty},
		"after a loss": {lostAfter, guilty}, "in a replay": {done, lost, guilty}, "later in a replay": {done, done, lost, done, guilty},
		"after a replay": {done, lost, done, guilty},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lose(fates(list...))
				w.save("s", threeTurns)
				w.open()
				r := w.ended(w.begin("s", "").ID, runtime.Failed, "")
				if !worker.IsVerdict(r.Error) || call.LimitOf(r.Error) != "memory" {
					t.Errorf("error = %v", r.Error)
				}
				l.Decide(fine)
				fork, err := w.Fork(t.Context(), r.ID, runtime.ForkRequest{FromTurn: 1})
				if err != nil {
					t.Fatal(err)
				}
				w.ended(fork.ID, runtime.Succeeded, `"done"`)
				w.did()
				if _, err := w.Retry(t.Context(), r.ID, runtime.RetryRequest{}); err != nil {
					t.Fatal(err)
				}
				w.ended(r.ID, runtime.Succeeded, `"done"`)
				if again := w.did(); len(list) == 3 && again == "write 1, write 2" {
					t.Errorf("the retry did again: %s", again)
				}
			})
		})
	}
}

func TestAVerdictPausesTheRun(t *testing.T) {
	// With onFailure: "pause" it stands still, and can go on from there or be ended.
	for name, list := range map[string][]workertest.Fate{"live": {done, guilty, done, guilty}, "in a replay": {done, lost, guilty, done, guilty}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lose(fates(list...))
				w.save("s", threeTurns, runtime.Script{PauseOnFailure: true})
				w.open()
				id := w.begin("s", "").ID
				r := w.is(id, runtime.Paused, runtime.ReasonFailure)
				if !worker.IsVerdict(r.Error) {
					t.Errorf("error = %v", r.Error)
				}
				if _, err := w.Retry(t.Context(), id, runtime.RetryRequest{}); err != nil {
					t.Fatal(err)
				}
				w.is(id, runtime.Paused, runtime.ReasonFailure) // guilty again
				l.Decide(fine)
				if _, err := w.Retry(t.Context(), id, runtime.RetryRequest{}); err != nil {
					t.Fatal(err)
				}
				w.ended(id, runtime.Succeeded, `"done"`)
			})
		})
	}
}

func TestAVerdictOnARunThatIsCancelled(t *testing.T) {
	// It is cancelled all the same.
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lose(fine)
		w.save("s", `async () => { try { await waitFor("never"); } finally { await write(1); } }`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		l.Decide(func(workertest.Turn) workertest.Fate { return guilty })
		if _, err := w.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r := w.ended(id, runtime.Cancelled, "")
		if !worker.IsVerdict(r.Error) {
			t.Errorf("error = %v", r.Error)
		}
	})
}

// endless loses every turn of a run but the first n.
func endless(n uint64) func(workertest.Turn) workertest.Fate {
	return func(t workertest.Turn) workertest.Fate {
		if t.In > n {
			return lost
		}
		return done
	}
}

func TestARunThatLosesEveryProcess(t *testing.T) {
	// It does not keep the machine busy, and goes on when it can: after a while, and
	// also after the next start of the server, which counts no death of its own.
	for _, n := range []uint64{0, 1} {
		inWorld(t, func(t *testing.T, w *world) {
			l := w.lose(endless(n))
			w.save("s", threeTurns)
			w.open()
			id := w.begin("s", "").ID
			<-time.After(time.Second)
			turns := l.Turns()
			if turns < 5 || turns > 50 {
				t.Errorf("%d turns were tried", turns)
			}
			<-time.After(20 * time.Second)
			if more := l.Turns(); more != turns {
				t.Errorf("%d turns were tried within a short time, and %d a little later", turns, more)
			}
			for range 4 {
				w.restart()
				<-time.After(time.Second)
			}
			l.Decide(fine)
			w.ended(id, runtime.Succeeded, `"done"`)
			if did := w.did(); did != "write 1, write 2" {
				t.Errorf("did %s", did)
			}
		})
	}
}

func TestWhatUsersDoToARunThatIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world, id string) error
		want runtime.Status
	}{
		"kill":   {func(w *world, id string) error { _, err := w.Kill(w.t.Context(), id); return err }, runtime.Cancelled},
		"cancel": {func(w *world, id string) error { _, err := w.Cancel(w.t.Context(), id); return err }, runtime.Cancelled},
		"pause":  {func(w *world, id string) error { _, err := w.Pause(w.t.Context(), id); return err }, runtime.Paused},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lose(endless(1))
				w.save("s", threeTurns)
				w.open()
				id := w.begin("s", "").ID
				<-time.After(time.Second) // it is tried later
				if err := c.do(w, id); err != nil {
					t.Fatal(err)
				}
				if name == "cancel" {
					l.Decide(fine) // what it does then needs a process
				}
				switch c.want {
				case runtime.Cancelled:
					w.ended(id, c.want, "")
				case runtime.Paused:
					w.is(id, c.want, "")
					l.Decide(fine)
					if _, err := w.Resume(t.Context(), id, runtime.ResumeRequest{}); err != nil {
						t.Fatal(err)
					}
					w.ended(id, runtime.Succeeded, `"done"`)
				}
			})
		})
	}
}

func TestALossBesideAWrite(t *testing.T) {
	// The write under way comes to its end, so that it is made once and not in doubt.
	inWorld(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
			if p.Call.Kind == "test.write" {
				<-release
			}
			return call.OK(p.Call.ID, p.Call.Args)
		}
		l := w.lose(fates(done, lost))
		w.save("s", `async () => { const written = write(1); await read(2); await written; return "done" }`)
		w.open()
		id := w.begin("s", "").ID
		w.settle()
		if n := l.Turns(); n != 2 {
			t.Errorf("%d turns were tried while the write was under way", n)
		}
		close(release)
		w.ended(id, runtime.Succeeded, `"done"`)
		if did := w.did(); did != "write 1, read 2" && did != "read 2, write 1" {
			t.Errorf("did %s", did)
		}
	})
}

func TestARequestThatLosesItsProcess(t *testing.T) {
	// A GET for which nothing was written is asked once more, and counts once;
	// others fail, and may be sent again at once.
	for name, c := range map[string]struct {
		method, script string
		fates          []workertest.Fate
		ok             bool
		tries          int
	}{
		"GET":                        {"GET", `() => new Response("x")`, []workertest.Fate{lostAfter}, true, 2},
		"GET that did not begin":     {"GET", `() => new Response("x")`, []workertest.Fate{lost}, true, 2},
		"HEAD":                       {"HEAD", `() => new Response("x")`, []workertest.Fate{lostAfter}, true, 2},
		"GET, later":                 {"GET", `async () => { await read(1); return new Response("x") }`, []workertest.Fate{done, lost}, true, 4},
		"GET, twice":                 {"GET", `() => new Response("x")`, []workertest.Fate{lostAfter, lostAfter}, false, 2},
		"GET after a write":          {"GET", `async () => { await write(1); return new Response("x") }`, []workertest.Fate{done, lost}, false, 2},
		"GET with a write under way": {"GET", `async () => { write(1); await read(1); return new Response("x") }`, []workertest.Fate{done, lost}, false, 2},
		"GET that says so itself":    {"GET", `() => { throw Object.assign(new Error("no"), { code: "WORKER_LOST_ERROR" }) }`, nil, false, 1},
		"POST":                       {"POST", `() => new Response("x")`, []workertest.Fate{lostAfter}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lose(fates(c.fates...))
				w.save("s", `{ fetch: `+c.script+` }`)
				w.open()
				got := w.Fetch("s", &worker.Request{Method: c.method, URL: "http://127.0.0.1/s"})
				w.settle()
				if ok := got.Err == nil && got.Response.Status == 200; ok != c.ok {
					t.Errorf("answer = %+v, %v", got.Response, got.Err)
				}
				if n := l.Turns(); n != c.tries {
					t.Errorf("%d turns, not %d", n, c.tries)
				}
				if !c.ok {
					seconds, known := runtime.RetryAfter(got.Err)
					if status := runtime.FailureStatus(got.Err, got.Run); status != 503 || !known || seconds != 0 {
						t.Errorf("status %d, retry after %d (%v): %v", status, seconds, known, got.Err)
					}
				}
				failures := map[bool]int64{false: 1}[c.ok]
				if s := w.Stats("s"); s.Requests != 1 || s.Failures != failures || s.Running != 0 {
					t.Errorf("stats = %+v", s)
				}
			})
		})
	}
}

func TestAVerdictOnARequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lose(fates(guilty))
		w.save("s", `{ fetch: () => new Response("x") }`)
		w.open()
		got := w.Fetch("s", &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"})
		_, known := runtime.RetryAfter(got.Err)
		if !worker.IsVerdict(got.Err) || runtime.FailureStatus(got.Err, got.Run) != 503 || known || l.Turns() != 1 {
			t.Errorf("after %d turns: %v, known %v", l.Turns(), got.Err, known)
		}
	})
}

func TestAPlaybackThatLosesItsProcess(t *testing.T) {
	// It is played once more. A loss is no result of the script, nor is a verdict.
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lose(fine)
		w.save("s", threeTurns)
		w.open()
		id := w.begin("s", "").ID
		w.ended(id, runtime.Succeeded, `"done"`)
		after := func(list ...workertest.Fate) {
			n := l.Turns()
			l.Decide(func(t workertest.Turn) workertest.Fate {
				if i := t.N - n - 1; i < len(list) {
					return list[i]
				}
				return done
			})
		}
		for _, list := range [][]workertest.Fate{{lost}, {lostAfter}, {done, lost}, {done, done, lost}, {done, lost, lostAfter}} {
			after(list...)
			if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "same" || string(p.Output) != `"done"` || p.Turns != 3 || p.Error != nil {
				t.Errorf("%v: replay: %+v, %v", list, p, err)
			}
			after(list...)
			if c, err := w.Check(t.Context(), runtime.CheckRequest{Script: "s"}); err != nil || c.Same != 1 || len(c.Runs) != 1 {
				t.Errorf("%v: check: %+v, %v", list, c, err)
			}
		}
		after(lost, lost, lost)
		_, err := w.Replay(t.Context(), id, runtime.ReplayRequest{})
		wantCode(t, err, call.CodeWorkerLost, "")
		after(done, guilty)
		if _, err = w.Replay(t.Context(), id, runtime.ReplayRequest{}); !worker.IsVerdict(err) {
			t.Errorf("a guilty one: %v", err)
		}
		after(done, guilty)
		if c, err := w.Check(t.Context(), runtime.CheckRequest{Script: "s"}); err != nil || c.Diverge != 0 || len(c.Runs) != 1 || c.Runs[0].Result != "failed" || !worker.IsVerdict(c.Runs[0].Error) {
			t.Errorf("a guilty one: %+v, %v", c, err)
		}
	})
}

func TestAPlaybackOfARunThatHasNotBegun(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lose(endless(0))
		w.save("s", threeTurns)
		w.open()
		id := w.begin("s", "").ID
		<-time.After(time.Second)
		n := l.Turns()
		l.Decide(func(t workertest.Turn) workertest.Fate {
			if t.N == n+1 {
				return lostAfter
			}
			return done
		})
		if p, err := w.Replay(t.Context(), id, runtime.ReplayRequest{}); err != nil || p.Result != "open" || p.Error != nil || len(p.Calls) != 1 {
			t.Errorf("replay: %+v, %v", p, err)
		}
		w.ended(id, runtime.Succeeded, `"done"`)
	})
}

func TestAnUpgradeThatLosesItsProcess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lose(fine)
		w.save("s", `async () => { await waitFor("go"); return "old" }`)
		w.open()
		id := w.begin("s", "").ID
		w.is(id, runtime.Waiting, "")
		w.save("s", `async () => { await waitFor("go"); return "new" }`)
		n := l.Turns()
		l.Decide(func(t workertest.Turn) workertest.Fate {
			if t.N == n+1 {
				return lost
			}
			return done
		})
		if r, err := w.Upgrade(t.Context(), id, "current"); err != nil || r.Status != runtime.Waiting {
			t.Fatalf("upgrade: %+v, %v", r, err)
		}
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		w.ended(id, runtime.Succeeded, `"new"`)
	})
}

func TestARevisionThatTakesLongToLoad(t *testing.T) {
	// Runs of other revisions do not wait for it, and all of its own get it.
	inWorld(t, func(t *testing.T, w *world) {
		var ids []string
		for _, name := range []string{"slow", "quick"} {
			w.save(name, `async () => { await waitFor("go"); return "old" }`)
		}
		w.open()
		for _, name := range []string{"slow", "slow", "quick"} {
			ids = append(ids, w.begin(name, "").ID)
		}
		slow := w.get(ids[0]).Revision
		for _, id := range ids {
			w.is(id, runtime.Waiting, "")
		}
		for _, name := range []string{"slow", "quick"} {
			w.save(name, `async () => "new"`)
		}
		release, loads := make(chan struct{}), 0
		w.unpacking = func(id string) {
			if id == slow {
				loads++
				<-release
			}
		}
		for _, id := range ids {
			if err := w.Signal(t.Context(), runtime.SignalRequest{Run: id, Name: "go"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		w.ended(ids[2], runtime.Succeeded, `"old"`)
		close(release)
		w.ended(ids[0], runtime.Succeeded, `"old"`)
		w.ended(ids[1], runtime.Succeeded, `"old"`)
		if loads != 1 {
			t.Errorf("it was loaded %d times", loads)
		}
		if text := w.log.text(); strings.Contains(text, "panic") {
			t.Error(text)
		}
	})
}
