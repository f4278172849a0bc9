package worker_test

import (
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
		var open []*worker.Session
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
