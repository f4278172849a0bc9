package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"
	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
	"reprise/store"
	"reprise/store/badger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// testModule offers read(x), write(x), put(k, v) and timer(ms) to scripts.
type testModule struct{}

func (testModule) Name() string { return "test" }

func (testModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	for name, c := range map[string]call.Call{
		"read":  {Kind: "test.read", Class: call.Read},
		"write": {Kind: "test.write", Class: call.Write},
		"put":   {Kind: "test.put", Class: call.Idempotent},
		"timer": {Kind: worker.KindTimer, Class: call.Pure},
		"odd":   {Kind: "test.unknown", Class: call.Read},
	} {
		_ = o.Set(name, func(f goja.FunctionCall) goja.Value {
			c := c
			c.Target = name + " " + v.Arg(f, 0).String()
			c.Args, _ = v.Stringify(v.Arg(f, 0))
			return v.Call(c, func(o call.Outcome) (goja.Value, error) {
				if o.Body.IsHeld() {
					return v.Runtime().ToValue(o.Body.Handle), nil
				}
				return v.ParseJSON(o.Value)
			})
		})
	}
	_ = o.Set("body", func(f goja.FunctionCall) goja.Value {
		return v.ReadBody(call.Held(v.Arg(f, 0).String(), 1), func(b []byte) (goja.Value, error) {
			return v.Runtime().ToValue(len(b)), nil
		})
	})
	return o
}

// testBinding performs what testModule calls.
type testBinding struct {
	do      func(ctx context.Context, p *call.Performance) call.Outcome
	mu      sync.Mutex
	started []string
}

func (b *testBinding) Kinds() map[string]call.Shape {
	return map[string]call.Shape{"test.read": call.ShapeDo, "test.write": call.ShapeDo, web.KindHTTP: call.ShapeDo}
}

func (b *testBinding) Do(ctx context.Context, p *call.Performance) call.Outcome {
	b.mu.Lock()
	b.started = append(b.started, p.Call.Target)
	b.mu.Unlock()
	if b.do != nil {
		return b.do(ctx, p)
	}
	return call.OK(p.Call.ID, p.Call.Args)
}

// putBinding writes {k, v} to the KV store.
type putBinding struct{}

func (putBinding) Kinds() map[string]call.Shape {
	return map[string]call.Shape{"test.put": call.ShapeCommit}
}

func (putBinding) Commit(p *call.Performance) (store.Commit, *call.Error) {
	return store.Commit{KV: []store.KVOp{{Namespace: "t", Key: []byte("k"), Value: p.Call.Args}}}, nil
}

func (putBinding) Committed(p *call.Performance, _ store.Committed, err error) call.Outcome {
	if err != nil {
		return call.Failed(p.Call.ID, call.From(err))
	}
	return call.OK(p.Call.ID, p.Call.Args)
}

// recorder keeps the log.
type recorder struct {
	mu      sync.Mutex
	entries []logs.Entry
	server  strings.Builder
}

// Write takes what the engine says to the operator.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server.Write(p)
}

func (r *recorder) Emit(e logs.Entry) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	return uint64(len(r.entries))
}

func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.entries {
		fmt.Fprintf(&b, "%s %s %s %s\n", e.Level, e.Kind, e.Msg, e.Fields)
	}
	return b.String() + r.server.String()
}

// scripts holds the loaded test scripts.
type scripts map[string]*runtime.Script

func (s scripts) Current(name string) *runtime.Script { return s[name] }

type rig struct {
	*runtime.Engine
	t       *testing.T
	binding *testBinding
	log     *recorder
	store   store.Store
	scripts scripts
}

func (r *rig) script(name string) *runtime.Script { return r.scripts[name] }

// newRig makes an engine with one script, "s", whose default export is expr.
func newRig(t *testing.T, expr string) *rig {
	t.Helper()
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return newRigOn(t, s, expr)
}

func newRigOn(t *testing.T, s store.Store, expr string) *rig {
	t.Helper()
	host := worker.New(worker.Options{Platform: web.Platform(), Modules: []vm.Module{testModule{}}})
	code := `(async (__reprise) => { "use strict"; const { read, write, put, timer, odd, body } = __reprise.module("test");
		__reprise.exports({ default: ` + expr + ` }); })`
	handlers, err := host.Load(worker.Revision{ID: "r1", Script: "s", Code: []byte(code)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, binding: &testBinding{}, log: &recorder{}, store: s}
	r.scripts = scripts{"s": {Name: "s", Revision: "r1", Handlers: handlers}}
	r.Engine, err = runtime.New(t.Context(), runtime.Options{
		Store: s, Log: r.log, Workers: host, Bindings: []runtime.Binding{r.binding, putBinding{}},
		Scripts: r.scripts,
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Run()
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

func (r *rig) start(input string) runtime.Run {
	r.t.Helper()
	run, _, err := r.Start(r.t.Context(), runtime.StartRequest{Script: "s", Input: json.RawMessage(input)})
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// finish starts a run and waits for its end.
func (r *rig) finish(input string) runtime.Run {
	r.t.Helper()
	run, err := r.Wait(r.t.Context(), r.start(input).ID, time.Minute)
	if err != nil {
		r.t.Fatal(err)
	}
	if !run.Status.Ended() {
		r.t.Fatalf("the run is still %s", run.Status)
	}
	return run
}

func TestRunSucceeds(t *testing.T) {
	// A run's row says what went in, what came out, and when.
	r := newRig(t, `async (input) => { await timer({ ms: 1 }); return [await read(input.a), await put(2)]; }`)
	run := r.finish(`{"a": 1}`)
	if run.Status != runtime.Succeeded || string(run.Output) != "[1,2]" || string(run.Input) != `{"a":1}` || run.EndedAt == nil {
		t.Fatalf("run = %+v", run)
	}
	if s := r.Stats("s"); s.Requests != 1 || s.Running != 0 || s.Failures != 0 {
		t.Fatalf("stats = %+v", s)
	}
	for _, want := range []string{"run started", "read 1 → 1", "run succeeded after"} {
		if want = strings.Replace(want, "→ 1", "→ ok", 1); !strings.Contains(r.log.text(), want) {
			t.Errorf("the log lacks %q:\n%s", want, r.log.text())
		}
	}
}

func TestRunFailures(t *testing.T) {
	for _, tc := range []struct{ name, expr, code, text string }{
		{"throws", `async () => { throw new TypeError("bad") }`, "", "TypeError: bad"},
		{"outcome error", `async () => { await read("fail") }`, "TIMEOUT_ERROR", "too late"},
		{"binding panics", `async () => { await read("panic") }`, "INTERNAL_ERROR", "failed inside Reprise"},
		{"unknown kind", `async () => { await odd(1) }`, "INTERNAL_ERROR", "nothing in this build performs"},
		{"never settles", `async () => { await new Promise(() => {}) }`, "NEVER_SETTLES_ERROR", "can never settle"},
		{"bad timer", `async () => { await timer({ ms: -1 }) }`, "INVALID_ARGUMENT_ERROR", "milliseconds"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, tc.expr)
			r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
				if string(p.Call.Args) == `"panic"` {
					panic("boom")
				}
				return call.Failed(p.Call.ID, call.Errorf(call.CodeTimeout, "too late"))
			}
			run := r.finish("")
			if run.Status != runtime.Failed || run.Error.Code != tc.code || !strings.Contains(run.Error.Error(), tc.text) {
				t.Fatalf("run = %+v, error = %v", run, run.Error)
			}
			if r.Stats("s").Failures != 1 {
				t.Error("the failure was not counted")
			}
		})
	}
}

func TestOutcomesArriveOneAtATime(t *testing.T) {
	// A race is won by the outcome that arrived first.
	r := newRig(t, `async () => { const first = await Promise.race([read("slow"), read("quick")]); return first; }`)
	release := make(chan struct{})
	r.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		if string(p.Call.Args) == `"slow"` {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return call.OK(p.Call.ID, p.Call.Args)
	}
	run := r.finish("")
	close(release)
	if string(run.Output) != `"quick"` {
		t.Fatalf("output = %s", run.Output)
	}
	if !strings.Contains(r.log.text(), "still open when the handler settled and was dropped") {
		t.Errorf("no warning about the open call:\n%s", r.log.text())
	}
}

func TestWaitsAreLogged(t *testing.T) {
	// A pause before another attempt is said; other waits only for debugging.
	r := newRig(t, `async () => { await timer({ ms: 1, toString: () => "x" }); }`)
	r.finish("")
	if !strings.Contains(r.log.text(), "debug step waits: timer x") {
		t.Errorf("the log lacks the wait:\n%s", r.log.text())
	}
}

func TestOpenWritesAreAwaited(t *testing.T) {
	// A write that nobody awaited is finished before the run ends.
	r := newRig(t, `async () => { write("w"); return 1; }`)
	performed := false
	r.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		select {
		case <-time.After(20 * time.Millisecond):
			performed = true
		case <-ctx.Done():
		}
		return call.OK(p.Call.ID, nil)
	}
	if run := r.finish(""); run.Status != runtime.Succeeded {
		t.Fatalf("run = %+v", run)
	}
	if !performed {
		t.Error("the write was cut off")
	}
	if !strings.Contains(r.log.text(), "is awaited") {
		t.Errorf("no warning:\n%s", r.log.text())
	}
}

func TestOpenCallsOfAFailedRun(t *testing.T) {
	// A run that fails leaves reads open by nature; its writes are said.
	r := newRig(t, `async () => { read("hang"); write("w"); throw new Error("no") }`)
	r.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		if p.Call.Class == call.Read {
			<-ctx.Done()
		}
		return call.OK(p.Call.ID, nil)
	}
	r.finish("")
	text := r.log.text()
	if strings.Contains(text, "await missing") || strings.Contains(text, "read hang was still open") || !strings.Contains(text, "write w was still open when the handler failed and is awaited") {
		t.Errorf("the log:\n%s", text)
	}
}

func TestCancel(t *testing.T) {
	// Every open call fails with CancelledError, finally runs, and the run is cancelled.
	r := newRig(t, `async () => { try { await Promise.all([read("hang"), timer({ ms: 1e9 })]); } finally { await write("cleanup"); } }`)
	hanging := make(chan struct{})
	r.binding.do = func(ctx context.Context, p *call.Performance) call.Outcome {
		if string(p.Call.Args) == `"hang"` {
			close(hanging)
			<-ctx.Done()
		}
		return call.OK(p.Call.ID, nil)
	}
	run := r.start("")
	<-hanging
	if _, err := r.Cancel(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	run, err := r.Wait(t.Context(), run.ID, time.Minute)
	if err != nil || run.Status != runtime.Cancelled || run.Error.Code != string(call.CodeCancelled) {
		t.Fatalf("run = %+v, %v", run, err)
	}
	if got := strings.Join(r.binding.started, ","); got != "read hang,write cleanup" {
		t.Errorf("performed %s", got)
	}
	if _, err := r.Cancel(t.Context(), run.ID); call.CodeOf(err) != call.CodeConflict {
		t.Errorf("cancelling an ended run: %v", err)
	}
}

func TestIdempotentStart(t *testing.T) {
	// The same key and input is the same run; another input is a conflict.
	r := newRig(t, `async (i) => i`)
	start := func(input, key string) (runtime.Run, bool, error) {
		return r.Start(t.Context(), runtime.StartRequest{Script: "s", Input: json.RawMessage(input), IdempotencyKey: key})
	}
	first, created, err := start(`{"a":1}`, "k")
	if err != nil || !created {
		t.Fatal(created, err)
	}
	again, created, err := start(`{ "a": 1 }`, "k")
	if err != nil || created || again.ID != first.ID {
		t.Fatal(again, created, err)
	}
	// Inputs are compared as values, also those that are kept apart.
	for name, pair := range map[string][2]string{
		"small": {`{"a":1,"b":["x",{"c":2,"d":0.5}]}`, `{"b":["\u0078",{"d":5e-1,"c":2.0}],"a":1.0}`},
		"large": {`{"a":1,"b":"` + strings.Repeat("é", 100_000) + `"}`, `{"b":"` + strings.Repeat("\\u00e9", 100_000) + `","a":1}`},
	} {
		first, _, err := start(pair[0], name)
		if err != nil {
			t.Fatal(name, err)
		}
		again, created, err := start(pair[1], name)
		if err != nil || created || again.ID != first.ID || string(again.Input) != pair[0] {
			t.Fatalf("%s: created %v, %v", name, created, err)
		}
		if _, _, err := start(strings.Replace(pair[1], `"a":1`, `"a":2`, 1), name); call.CodeOf(err) != call.CodeConflict {
			t.Fatalf("%s, another value: %v", name, err)
		}
		if _, _, err := start(strings.Replace(pair[1], `"a"`, `"A"`, 1), name); call.CodeOf(err) != call.CodeConflict {
			t.Fatalf("%s, another key: %v", name, err)
		}
	}
	for _, input := range []string{`"<b>&"`, `"\u003cb\u003e"`} {
		// The input is kept as it came, to the byte.
		sent, _, err := start(input, input)
		if err != nil {
			t.Fatal(err)
		}
		again, created, err := start(input, input)
		if err != nil || created || again.ID != sent.ID || string(again.Input) != input {
			t.Fatalf("%s: %+v, created %v, %v", input, again, created, err)
		}
	}
	if _, _, err = start(`{"a":2}`, "k"); call.CodeOf(err) != call.CodeConflict {
		t.Fatalf("err = %v", err)
	}
	if _, err := r.Wait(t.Context(), first.ID, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if other, created, err := start(`{"a":2}`, "k"); err != nil || !created || other.ID == first.ID {
		t.Fatal("a deleted run must free its key", created, err)
	}
}

func TestList(t *testing.T) {
	// Pages are newest first and meet without holes or doubles.
	r := newRig(t, `async (i) => { if (i % 3 === 0) throw new Error("third"); return i; }`)
	var ids []string
	for i := range 10 {
		ids = append([]string{r.finish(fmt.Sprint(i)).ID}, ids...)
	}
	var got []string
	query := runtime.ListQuery{Limit: 3}
	for {
		runs, cursor, err := r.List(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			got = append(got, run.ID)
		}
		if cursor == "" {
			break
		}
		query.Cursor = cursor
	}
	if strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Fatalf("got %v\nwant %v", got, ids)
	}
	for status, want := range map[runtime.Status]int{runtime.Failed: 4, runtime.Succeeded: 6, runtime.Running: 0} {
		runs, cursor, err := r.List(t.Context(), runtime.ListQuery{Script: "s", Status: status, Limit: 6})
		if err != nil || len(runs) != want || cursor != "" {
			t.Errorf("%s: %d runs, cursor %q, %v", status, len(runs), cursor, err)
		}
	}
	if runs, _, _ := r.List(t.Context(), runtime.ListQuery{Script: "other"}); len(runs) != 0 {
		t.Errorf("another script has %d runs", len(runs))
	}
}

func TestManyCallsWaitTheirTurn(t *testing.T) {
	// No more than 64 calls of a run are performed at once, and all are.
	r := newRig(t, `async () => (await Promise.all(Array.from({ length: 300 }, (_, i) => read(i)))).length`)
	var mu sync.Mutex
	now, most := 0, 0
	r.binding.do = func(_ context.Context, p *call.Performance) call.Outcome {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		_ = wait(t.Context(), time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return call.OK(p.Call.ID, p.Call.Args)
	}
	if run := r.finish(""); string(run.Output) != "300" {
		t.Fatalf("run = %+v", run)
	}
	if most > 64 || most < 2 {
		t.Errorf("%d calls at once", most)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestCommitsKeepCallOrder(t *testing.T) {
	// KV calls of a run happen in the order they were made, awaited or not.
	r := newRig(t, `async () => { const all = []; for (let i = 0; i < 50; i++) all.push(put(i)); await Promise.all(all); }`)
	r.finish("")
	got, err := r.store.Get(t.Context(), "t", []byte("k"))
	if err != nil || string(got[0].Value) != "49" {
		t.Fatalf("the last write is %s, %v", got[0].Value, err)
	}
}

func TestRunsWithoutAJournalAreClosed(t *testing.T) {
	// What a killed server of an older version left behind is failed, not
	// running for ever.
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	row := `{"id":"0190","script":"s","revision":"r0","handler":"run","status":"running","createdAt":"2026-01-01T00:00:00Z"}`
	if _, err := s.Commit(t.Context(), store.Commit{Rows: []store.RowOp{
		{Table: "runs", Key: "0190", Value: []byte(row)},
		{Table: "runs.status", Key: "running\x000190", Value: []byte{}},
		{Table: "runs.script", Key: "s\x000190", Value: []byte{}},
	}}); err != nil {
		t.Fatal(err)
	}
	r := newRigOn(t, s, `async () => 1`)
	run, err := r.Wait(t.Context(), "0190", time.Minute)
	if err != nil || run.Status != runtime.Failed || run.Error.Code != string(call.CodeServerStopped) {
		t.Fatalf("run = %+v, %v", run, err)
	}
	if err := r.Delete(t.Context(), "0190"); err != nil {
		t.Error(err)
	}
}

func TestCloseLeavesWaitingRuns(t *testing.T) {
	// Closing does not wait for a run that sleeps for days; it goes on sleeping.
	r := newRig(t, `async () => { await timer({ ms: 1e9 }); }`)
	run := r.start("")
	for run.Status != runtime.Waiting { // it is put aside at once
		var err error
		if run, err = r.Get(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	run, err := r.Get(t.Context(), run.ID)
	if err != nil || run.Status != runtime.Waiting || len(run.Waits) != 1 || run.Waits[0].Kind != "timer" {
		t.Fatalf("run = %+v, %v", run, err)
	}
	if _, _, err := r.Start(t.Context(), runtime.StartRequest{Script: "s"}); call.CodeOf(err) != call.CodeUnavailable {
		t.Errorf("a start after Close: %v", err)
	}
}

func TestStartRefusals(t *testing.T) {
	r := newRig(t, `{ fetch() {} }`)
	for script, want := range map[string]call.Code{"s": call.CodeInvalidArgument, "nope": call.CodeNotFound} {
		if _, _, err := r.Start(t.Context(), runtime.StartRequest{Script: script}); call.CodeOf(err) != want {
			t.Errorf("%s: %v", script, err)
		}
	}
	if _, err := r.Get(t.Context(), "nope"); !errors.Is(err, call.Errorf(call.CodeNotFound, "")) {
		t.Errorf("get: %v", err)
	}
}
