// Flow control: how many runs are under way, and how many begin in a time.

package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
)

func limited(n int, key string) runtime.Script {
	return runtime.Script{Concurrency: &runtime.Concurrency{Limit: n, Key: key}}
}

// statuses lists the runs of a script, oldest first.
func statuses(t *testing.T, w *world, script string) string {
	t.Helper()
	var out []string
	for _, r := range listed(t, w, script) {
		out = append([]string{string(r.Status)}, out...)
	}
	return strings.Join(out, " ")
}

func TestConcurrencyIsHeldOverWaitsPausesAndRestarts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (n) => { await waitFor("go"); return n }`, limited(2, ""))
		w.open()
		var ids []string
		for n := range 4 {
			ids = append(ids, w.begin("s", fmt.Sprint(n)).ID)
			<-time.After(time.Millisecond)
		}
		expect := func(want string) {
			t.Helper()
			<-time.After(5 * time.Second)
			if got := statuses(t, w, "s"); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
		expect("waiting waiting queued queued")
		if _, err := w.Pause(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		w.restart()
		expect("paused waiting queued queued")
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: ids[1], Name: "go"}); err != nil {
			t.Fatal(err)
		}
		expect("paused succeeded waiting queued")
		// What is queued can be cancelled, and signalled; a kill frees the place, too.
		if _, err := w.Cancel(t.Context(), ids[3]); err != nil {
			t.Fatal(err)
		}
		last := w.begin("s", "4").ID
		if err := w.Signal(t.Context(), runtime.SignalRequest{Run: last, Name: "go"}); err != nil {
			t.Fatal(err)
		}
		expect("paused succeeded waiting cancelled queued")
		if _, err := w.Kill(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		expect("cancelled succeeded waiting cancelled succeeded")
	})
}

func TestConcurrencyByKey(t *testing.T) {
	// Keys do not wait for each other; within one it is first in, first out.
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async (o) => { await sleep("1 minute"); await read(o.k + o.n); }`, limited(1, "input.k"))
		w.open()
		for n := range 3 {
			for _, k := range []string{"a", "b"} {
				w.begin("s", fmt.Sprintf(`{"k":%q,"n":%d}`, k, n))
				<-time.After(time.Millisecond)
			}
		}
		<-time.After(70 * time.Second)
		if got := w.did(); got != "read a0, read b0" {
			t.Errorf("in the first minute: %s", got)
		}
		<-time.After(125 * time.Second)
		if got := w.did(); got != "read a1, read b1, read a2, read b2" {
			t.Errorf("then: %s", got)
		}
	})
}

func TestALimitThatIsRaisedLetsMoreIn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const expr = `async () => { await waitFor("go") }`
		w.save("s", expr, limited(1, ""))
		w.open()
		for range 3 {
			w.begin("s", "")
		}
		<-time.After(5 * time.Second)
		w.save("s", expr, limited(3, ""))
		w.begin("s", "")
		<-time.After(5 * time.Second)
		if got := statuses(t, w, "s"); got != "waiting waiting waiting queued" {
			t.Errorf("got %s", got)
		}
	})
}

func TestRate(t *testing.T) {
	// A burst of the limit, then evenly; a key has a rate of its own.
	for name, tc := range map[string]struct{ key, want string }{
		"one for all": {"", "0s 0s 0s 20s 40s 1m0s 1m20s 1m40s"},
		"by key":      {"input.k", "0s 0s 0s 20s 0s 0s 0s 20s"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.save("s", `async () => 1`, runtime.Script{Rate: &runtime.Rate{Limit: 3, Per: time.Minute, Key: tc.key}})
				w.open()
				began := time.Now()
				for _, k := range []string{"a", "b"} {
					for range 4 {
						w.begin("s", `{"k":"`+k+`"}`)
					}
				}
				w.settle()
				<-time.After(30 * time.Second)
				w.restart()
				<-time.After(3 * time.Minute)
				var got []string
				for _, r := range listed(t, w, "s") {
					if r.StartedAt == nil {
						t.Fatalf("%+v did not begin", r)
					}
					got = append([]string{r.StartedAt.Sub(began).Round(time.Second).String()}, got...)
				}
				if tc.key == "" && strings.Join(got, " ") != tc.want {
					t.Errorf("they began after %s", got)
				}
				if tc.key != "" && strings.Count(strings.Join(got, " ")+" ", "20s ") != 2 {
					t.Errorf("they began after %s", got)
				}
			})
		})
	}
}

func TestRateAndConcurrency(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.save("s", `async () => { await sleep("30s") }`, runtime.Script{
			Concurrency: &runtime.Concurrency{Limit: 1}, Rate: &runtime.Rate{Limit: 1, Per: time.Minute, Key: "input.k"},
		})
		w.open()
		began := time.Now()
		for _, k := range []string{"a", "a", "b"} {
			w.begin("s", `{"k":"`+k+`"}`)
			<-time.After(time.Millisecond)
		}
		<-time.After(5 * time.Minute)
		var got []string
		for _, r := range listed(t, w, "s") {
			got = append([]string{r.StartedAt.Sub(began).Round(time.Second).String()}, got...)
		}
		// The second of a has to wait a minute; b does not wait behind it.
		if strings.Join(got, " ") != "0s 1m0s 30s" {
			t.Errorf("they began after %s", got)
		}
	})
}

func TestARetriedRunHasAPlaceAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		repair := failing(w)
		w.save("s", `async (x) => { await read(x); await sleep("1 minute"); }`, limited(1, ""))
		w.open()
		id := w.begin("s", `"bad"`).ID
		w.ended(id, runtime.Failed, "")
		repair()
		retried(t, w, id)
		w.is(id, runtime.Waiting, "")
		next := w.begin("s", `"good"`).ID
		<-time.After(10 * time.Second)
		w.is(next, runtime.Queued, "")
		w.ended(id, runtime.Succeeded, "")
		w.ended(next, runtime.Succeeded, "")
	})
}

func TestARunThatNeverWaitsCanBeStopped(t *testing.T) {
	// Writes to the store are answered at once: a loop of them outruns neither a
	// cancel, nor its deadline, nor the server's end.
	w := newWorld(t)
	defer w.close()
	w.save("s", `async () => { for (;;) { try { for (;;) await kv.set(["n"], 1) } catch {} } }`)
	w.open()
	id := w.begin("s", "").ID
	for w.get(id).Status != runtime.Running {
		<-time.After(time.Millisecond)
	}
	<-time.After(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.Close(ctx); err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	w.Engine = nil
	w.open()
	if _, err := w.Kill(t.Context(), id); err != nil && call.CodeOf(err) != call.CodeConflict {
		t.Fatal(err)
	}
	if r, err := w.Wait(t.Context(), id, 10*time.Second); err != nil || r.Status != runtime.Cancelled {
		t.Fatal(r, err)
	}
}
