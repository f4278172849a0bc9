package worker_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
)

// bundle is a revision whose default export is expr.
func bundle(id, expr string) worker.Revision {
	return worker.Revision{ID: id, Script: "s", Code: []byte(`(async (__reprise) => { "use strict"; let count = 0; __reprise.exports({ default: ` + expr + ` }); })`)}
}

func newHost(t *testing.T, revisions ...worker.Revision) *worker.Host {
	t.Helper()
	h := worker.New(worker.Options{Platform: web.Platform(), Modules: []vm.Module{}})
	for _, r := range revisions {
		if _, err := h.Load(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

var request = &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"}

// fetch sends one request and returns the body or the error's text.
func fetch(t *testing.T, h *worker.Host, id string) string {
	t.Helper()
	s, turn, err := h.Begin(id, worker.Start{Run: "r", Script: "s", Handler: worker.HandlerFetch, Request: request, Now: time.Unix(1, 0)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.End(turn.Err == nil)
	if turn.Err != nil {
		return turn.Err.Error()
	}
	return string(turn.Response.Body.Inline)
}

const counting = `{ fetch: () => new Response(String(++count)), run: () => ++count }`

func TestRequestsReuseAVM(t *testing.T) {
	// Globals of a fetch script live on from one request to the next.
	h := newHost(t, bundle("a", counting))
	if got := fetch(t, h, "a") + fetch(t, h, "a"); got != "12" {
		t.Errorf("answers = %s", got)
	}
}

func TestFreshIsolation(t *testing.T) {
	r := bundle("a", counting)
	r.Fresh = true
	h := newHost(t, r)
	if got := fetch(t, h, "a") + fetch(t, h, "a"); got != "11" {
		t.Errorf("answers = %s", got)
	}
}

func TestRunsGetAFreshVM(t *testing.T) {
	// A durable run never sees what a request or another run left behind.
	h := newHost(t, bundle("a", counting))
	fetch(t, h, "a")
	for range 2 {
		s, turn, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerRun, Durable: true}, nil)
		if err != nil || string(turn.Value) != "1" {
			t.Fatalf("value = %s, %v, %v", turn.Value, turn.Err, err)
		}
		s.End(true)
	}
	if got := fetch(t, h, "a"); got != "2" {
		t.Errorf("the request after the runs got %s", got)
	}
}

func TestAFailedRequestLosesItsVM(t *testing.T) {
	h := newHost(t, bundle("a", `{ fetch() { if (++count === 2) throw new Error("two"); return new Response(String(count)); } }`))
	var got []string
	for range 3 {
		got = append(got, fetch(t, h, "a"))
	}
	if strings.Join(got, " ") != "1 Error: two 1" {
		t.Errorf("answers = %q", got)
	}
}

func TestForgottenRevisions(t *testing.T) {
	// A held revision stays until it is forgotten as often as it was taken.
	h := newHost(t, bundle("a", counting))
	if !h.Hold("a") || h.Hold("b") {
		t.Fatal("hold")
	}
	h.Forget("a")
	if got := fetch(t, h, "a"); got != "1" {
		t.Errorf("a held revision answered %s", got)
	}
	h.Forget("a")
	_, _, err := h.Begin("a", worker.Start{Handler: worker.HandlerFetch, Request: request}, nil)
	if call.CodeOf(err) != call.CodeNotFound {
		t.Errorf("a forgotten revision: %v", err)
	}
}

func TestAMapThatMovedTakesOver(t *testing.T) {
	// A comment moves lines and leaves the id: errors show the new lines.
	first := bundle("a", counting)
	first.Map = []byte(`{"version":3,"sources":["scripts/s.ts"],"names":[],"mappings":"AAAA"}`)
	h := newHost(t, first)
	fetch(t, h, "a")
	second := first
	second.Map = []byte(`{"version":3,"sources":["scripts/s.ts"],"names":[],"mappings":"AACA"}`)
	if _, err := h.Load(second, nil); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, h, "a"); got != "1" {
		t.Errorf("the VM of the old map answered %s", got)
	}
	h.Forget("a")
	if got := fetch(t, h, "a"); got != "2" {
		t.Errorf("after one Forget of two Loads: %s", got)
	}
}

func TestIdleVMsAreDropped(t *testing.T) {
	// After a burst one VM stays, and it is the one used last.
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, bundle("a", counting))
		var open []worker.Session
		for range 5 {
			s, _, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerFetch, Request: request}, nil)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, s)
		}
		for _, s := range open {
			s.End(true)
		}
		if got := h.Idle("a"); got != 5 {
			t.Fatalf("%d idle VMs after the burst", got)
		}
		time.Sleep(2 * time.Minute) // of the bubble's clock
		if got := h.Idle("a"); got != 1 {
			t.Errorf("%d idle VMs later", got)
		}
		if got := fetch(t, h, "a"); got != "2" {
			t.Errorf("the VM that stayed answered %s", got)
		}
	})
}

func TestManyRequestsAtOnce(t *testing.T) {
	// No VM serves two at a time.
	h := newHost(t, bundle("a", `{ fetch() { const mine = ++count; for (let i = 0; i < 2000; i++); return new Response(String(mine === count)); } }`))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if got := fetch(t, h, "a"); got != "true" {
				t.Errorf("another request was in the VM: %s", got)
			}
		})
	}
	group.Wait()
}

func TestHeldRunsUnwind(t *testing.T) {
	// A failed run waits for the engine's word, and a fork draws anew.
	h := newHost(t, bundle("a", `{ async run() { const a = Math.random(); await new Promise((ok) => setTimeout(ok, 5)); throw new Error(String(Math.random() === a) + Math.random()); } }`))
	fail := func(seed byte) string {
		s, _, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerRun, Durable: true, HoldFailure: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer s.End(false)
		if seed != 0 {
			s.Reseed("r", [32]byte{seed})
		}
		turn := s.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0)})[0]
		if !turn.Failed || !turn.Held || turn.Done || turn.Err == nil {
			t.Fatalf("turn = %+v", turn)
		}
		failed := turn.Err.Message
		if turn = s.Unwind(time.Unix(3, 0)); !turn.Settled || !turn.Done || turn.Err == nil || turn.Err.Message != failed {
			t.Fatalf("turn = %+v", turn)
		}
		return failed
	}
	if same, other := fail(0), fail(1); same != fail(0) || same == other {
		t.Errorf("errors %q and %q", same, other)
	}
}

func TestResultsNestedTooDeeply(t *testing.T) {
	// What a handler returns can be read as JSON, or the script is told.
	was := vm.LimitTurns(time.Minute)
	t.Cleanup(func() { vm.LimitTurns(was) })
	h := worker.New(worker.Options{Platform: web.Platform(), TurnBudget: time.Minute}) // goja takes its time over such values
	if _, err := h.Load(bundle("a", `{ run: (depth) => { let a = "\"[[["; while (depth--) a = [a]; return a } }`), nil); err != nil {
		t.Fatal(err)
	}
	for depth, want := range map[string]string{"10000": "", "10001": "InvalidArgumentError: what the run handler returned is nested more than 10000 deep"} {
		s, turn, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerRun, Input: []byte(depth)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.End(false)
		if want == "" && (turn.Err != nil || !json.Valid(turn.Value)) || want != "" && (turn.Err == nil || !strings.HasPrefix(turn.Err.Error(), want)) {
			t.Errorf("%s deep: %.20s… %v", depth, turn.Value, turn.Err)
		}
	}
}

func TestLimitOfASession(t *testing.T) {
	// What a run may use can change between two turns; the top level has the
	// revision's own.
	h := newHost(t, bundle("a", `{ async run() { await new Promise((ok) => setTimeout(ok, 5)); for (;;); } }`))
	s, _, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerRun, Budget: worker.Budget{TurnCPU: time.Minute}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.End(false)
	s.Limit(worker.Budget{TurnCPU: 20 * time.Millisecond})
	if turn := s.Deliver(worker.Delivery{Outcome: call.OK(1, nil), At: time.Unix(2, 0)})[0]; call.LimitOf(turn.Err) != "turnCpu" {
		t.Errorf("turn = %+v", turn)
	}
	r := bundle("b", `{ run() {} }`)
	r.Code = []byte(`(async (__reprise) => { for (;;); })`)
	r.Budget.TurnCPU = 20 * time.Millisecond
	if _, err := h.Load(r, nil); call.LimitOf(call.From(err)) != "turnCpu" {
		t.Errorf("the top level: %v", err)
	}
}
