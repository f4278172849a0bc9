package kv_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"reprise/bindings/kv"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/store"
	"reprise/store/badger"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a store with the host side on it, and the calls that were made.
type world struct {
	t     testing.TB
	store store.Store
	host  *kv.Host
	now   time.Time
	calls []call.Call
	held  map[string][]byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: epoch, held: map[string][]byte{}}
	s, err := badger.Open(badger.Options{InMemory: true, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store, w.host = s, kv.New(s)
	return w
}

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

// run executes the body of an async function of a script to its end.
func (w *world) run(script, body string) (string, *call.Error) {
	w.t.Helper()
	code := `(async (__reprise) => { "use strict"; const { kv } = __reprise.module("kv");
		__reprise.exports({ default: async (input) => { ` + body + ` } }); })`
	p, err := vm.Compile([]byte(code), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Modules: []vm.Module{kv.Module()}, TurnBudget: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	turn := v.Begin(vm.Start{Run: "r", Script: script, Handler: vm.HandlerRun, Now: w.now})
	var open []call.Call
	for open = append(open, turn.Calls...); !turn.Done; open = append(open[1:], turn.Calls...) {
		if len(open) == 0 {
			w.t.Fatal("the script waits for nothing")
		}
		w.calls = append(w.calls, open[0])
		turn = v.Deliver(w.perform(script, open[0]), w.now)
	}
	return string(turn.Value), turn.Err
}

// must is run for what has to succeed.
func (w *world) must(script, body string) string {
	w.t.Helper()
	value, err := w.run(script, body)
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", body, err, err.Stack)
	}
	return value
}

func (w *world) perform(script string, c call.Call) call.Outcome {
	if c.Kind == vm.KindBodyRead {
		return call.Outcome{Call: c.ID, Body: call.Bytes(w.held[c.Target])}
	}
	p := &call.Performance{By: call.Caller{Script: script}, Call: c, Hold: w.hold, Read: func(b call.Body) ([]byte, error) { return b.Inline, nil }}
	if w.host.Kinds()[c.Kind] == call.ShapeDo {
		return w.host.Do(context.Background(), p)
	}
	commit, refusal := w.host.Commit(p)
	if refusal != nil {
		return call.Failed(c.ID, refusal)
	}
	done, err := w.store.Commit(context.Background(), commit)
	return w.host.Committed(p, done, err)
}

func (w *world) hold(b []byte) call.Body {
	if len(b) <= call.InlineMax {
		return call.Bytes(b)
	}
	handle := "h" + string(rune('0'+len(w.held)))
	w.held[handle] = b
	return call.Held(handle, int64(len(b)))
}

// expect compares JSON texts.
func expect(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func expectError(t testing.TB, err *call.Error, code call.Code, text string) {
	t.Helper()
	if err == nil || err.Code != string(code) || !strings.Contains(err.Message, text) {
		t.Errorf("err = %v, want %s with %q", err, code, text)
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
