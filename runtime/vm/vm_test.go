package vm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// testModule offers call(name) to scripts: a promise of whatever outcome the
// test delivers.
type testModule struct{}

func (testModule) Name() string { return "test" }

func (testModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("call", func(c goja.FunctionCall) goja.Value {
		return v.Call(call.Call{Kind: "test.call", Target: v.StringArg(c, 0, "name"), Class: call.Read}, nil)
	})
	_ = o.Set("aborted", func(c goja.FunctionCall) goja.Value {
		_, id := v.CallWithID(call.Call{Kind: "test.call", Target: v.StringArg(c, 0, "name"), Class: call.Read}, nil)
		v.Abort(id)
		return goja.Undefined()
	})
	_ = o.Set("task", func(c goja.FunctionCall) goja.Value {
		f, _ := goja.AssertFunction(v.Arg(c, 0))
		v.Task(func() {
			if _, err := f(goja.Undefined()); err != nil {
				panic(err)
			}
		})
		return goja.Undefined()
	})
	return o
}

// load evaluates a bundle whose handlers are the given expression.
func load(t testing.TB, config vm.Config, expr string) (*vm.VM, error) {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { call, aborted, task } = __reprise.module("test");
		__reprise.exports({ default: `+expr+` }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Modules = append(config.Modules, testModule{})
	return vm.New(p, config)
}

func mustLoad(t testing.TB, expr string) *vm.VM {
	t.Helper()
	v, err := load(t, vm.Config{}, expr)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func begin(v *vm.VM, input string) vm.Turn {
	return v.Begin(vm.Start{Run: "r1", Script: "s", Handler: vm.HandlerRun, Input: []byte(input), Now: epoch})
}

func TestRunSettlesInOneTurn(t *testing.T) {
	// A handler that awaits nothing outside settles in the turn that calls it.
	v := mustLoad(t, `async (input) => ({ sum: input.a + input.b })`)
	turn := begin(v, `{"a":1,"b":2}`)
	if !turn.Done || turn.Err != nil || string(turn.Value) != `{"sum":3}` {
		t.Fatalf("turn = %+v", turn)
	}
}

func TestOneOutcomePerTurn(t *testing.T) {
	// Promise.race is won by the outcome delivered first, and only what hangs
	// on that one runs before the next is delivered.
	v := mustLoad(t, `async () => { const seen = [];
		const a = call("a").then((x) => { seen.push("a" + x); return "a"; });
		const b = call("b").then((x) => { seen.push("b" + x); return "b"; });
		const first = await Promise.race([a, b]); seen.push("raced " + first);
		await Promise.all([a, b]); return seen; }`)
	turn := begin(v, "")
	if len(turn.Calls) != 2 || turn.Open != 2 || turn.Settled {
		t.Fatalf("turn 1 = %+v", turn)
	}
	turn = v.Deliver(call.OK(2, []byte("2")), epoch)
	if turn.Settled || turn.Open != 1 {
		t.Fatalf("turn 2 = %+v", turn)
	}
	turn = v.Deliver(call.OK(1, []byte("1")), epoch)
	if got, want := string(turn.Value), `["b2","raced b","a1"]`; got != want {
		t.Fatalf("order = %s, want %s", got, want)
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct{ name, expr, code, text string }{
		{"thrown", `async () => { throw new TypeError("bad") }`, "", "TypeError: bad"},
		{"thrown string", `async () => { throw "bad" }`, "", "Error: bad"},
		{"thrown null", `async () => { throw null }`, "", "Error: the script threw null"},
		{"sync throw", `{ run() { throw new RangeError("x") } }`, "", "RangeError: x"},
		{"aggregate", `async () => Promise.any([Promise.reject(new TypeError("first")), Promise.reject(new Error("second"))])`, "", "TypeError: first; Error: second"},
		{"unhandled", `async () => { Promise.reject(new Error("lost")); return 1 }`, "UNHANDLED_REJECTION_ERROR", "nobody handled it: Error: lost"},
		{"late task", `async () => { task(() => { throw new Error("in task") }); return 1 }`, "", "Error: in task"},
		{"cyclic result", `async () => { const a = {}; a.a = a; return a }`, "INVALID_ARGUMENT_ERROR", "what the run handler returned has no JSON form: TypeError: Converting circular"},
		{"function result", `async () => () => 1`, "INVALID_ARGUMENT_ERROR", "the run handler returned a function, which has no JSON form"},
		{"depth", `async () => { (function f() { f() })() }`, "", "RangeError: the call stack is deeper than 1000"},
		{"loop", `async () => { for (;;); }`, "RESOURCE_ERROR", "CPU"},
		{"microtask loop", `async () => { for (;;) await 1; }`, "RESOURCE_ERROR", "CPU"},
		{"hostile name", `async () => { const e = new Error("m"); Object.defineProperty(e, "name", { get() { for (;;); } }); throw e }`, "", ""},
		{"engine panic", `async () => { const a = [3, 2, 1, 4, 5]; "x".repeat(2 ** 62) }`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := load(t, vm.Config{TurnBudget: 50 * time.Millisecond}, tc.expr)
			if err != nil {
				t.Fatal(err)
			}
			turn := begin(v, "")
			if turn.Err == nil || !turn.Done {
				t.Fatalf("turn = %+v", turn)
			}
			if !strings.Contains(turn.Err.Error(), tc.text) || tc.code != "" && turn.Err.Code != tc.code {
				t.Fatalf("err = %v (%s)", turn.Err, turn.Err.Code)
			}
		})
	}
}

func TestEndlessLoopSaysWhere(t *testing.T) {
	// An interrupted script's error has the stack it was interrupted in. (Between
	// two microtasks there is none.)
	for _, body := range []string{"for (;;);", "let n = 0;\nwhile (true) n++;"} {
		p, err := vm.Compile([]byte("(async (__reprise) => { __reprise.exports({ default: async function work() {\n"+body+"\n} }); })"),
			[]byte(`{"version":3,"sources":["scripts/a.ts"],"names":[],"mappings":"AACA,w+BAAA;AACA;AACA;AACA"}`))
		if err != nil {
			t.Fatal(err)
		}
		v, err := vm.New(p, vm.Config{TurnBudget: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		turn := begin(v, "")
		if turn.Err == nil || !strings.Contains(turn.Err.Stack, "at work (scripts/a.ts:") {
			t.Errorf("%s: err = %v, stack %q", body, turn.Err, turn.Err.Stack)
		}
	}
}

func TestDefaultExportsThatAreNoHandlers(t *testing.T) {
	for expr, want := range map[string]string{
		`undefined`:            "the script has no default export; write export default {",
		`"text"`:               "the default export is a string; write export default {",
		`null`:                 "the default export is null; write export default {",
		`class { fetch() {} }`: "the default export is a class; export an instance of it",
		`{ run: 1 }`:           "the default export's run is not a function",
		`{ fetsh() {} }`:       "none of the handlers run, fetch, scheduled; did you mean fetch by fetsh?",
		`{ other() {} }`:       "none of the handlers run, fetch, scheduled",
	} {
		if _, err := load(t, vm.Config{}, expr); call.CodeOf(err) != call.CodeLoad || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: err = %v, want %q", expr, err, want)
		}
	}
}

func TestTopLevelThatHangs(t *testing.T) {
	_, err := load(t, vm.Config{}, `(await new Promise(() => {}), async () => 1)`)
	if err == nil || err.Error() != "LoadError: the top level awaits something that never settles; calls and timers belong into a handler" {
		t.Fatalf("err = %v", err)
	}
}

func TestTopLevelHasNoRun(t *testing.T) {
	for _, expr := range []string{`(call("x"), async () => 1)`, `(Math.random(), async () => 1)`} {
		_, err := load(t, vm.Config{}, expr)
		if call.CodeOf(err) != call.CodeCallOutsideRun {
			t.Errorf("%s: err = %v", expr, err)
		}
	}
}

func BenchmarkNewAndTrivialHandler(b *testing.B) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: async (i) => ({ ok: i.a }) }); })`), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v, err := vm.New(p, vm.Config{})
		if err != nil {
			b.Fatal(err)
		}
		if turn := begin(v, `{"a":1}`); turn.Err != nil {
			b.Fatal(turn.Err)
		}
	}
}

func BenchmarkReusedHandler(b *testing.B) {
	v := mustLoad(b, `async (i) => ({ ok: i.a })`)
	b.ReportAllocs()
	for b.Loop() {
		if turn := begin(v, `{"a":1}`); turn.Err != nil {
			b.Fatal(turn.Err)
		}
		v.End()
	}
}

func BenchmarkParseJSON(b *testing.B) {
	text := []byte(`{"id":"1","name":"service-1","ok":true,"price":19.95,"tags":["a","b","c"],"items":[` +
		strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 13) + `{}],"total_1":1000}`)
	v := mustLoad(b, `async () => 1`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.ParseJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStringify(b *testing.B) {
	text := []byte(`{"id":"1","name":"service-1","ok":true,"price":19.95,"tags":["a","b","c"],"items":[` +
		strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 13) + `{}],"total_1":1000}`)
	v := mustLoad(b, `async () => 1`)
	value, err := v.ParseJSON(text)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Stringify(value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodingJSON(b *testing.B) {
	text := []byte(`{"id":"1","name":"service-1","ok":true,"price":19.95,"tags":["a","b","c"],"items":[` +
		strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 13) + `{}],"total_1":1000}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var x any
		if err := json.Unmarshal(text, &x); err != nil {
			b.Fatal(err)
		}
		if _, err := json.Marshal(x); err != nil {
			b.Fatal(err)
		}
	}
}

// starved is the processor time of a process that gets none.
func starved() time.Duration { return 0 }

func TestRegularExpressionsEnd(t *testing.T) {
	// A match that backtracks for ever ends its run, some time after the budget.
	for name, cpu := range map[string]func() time.Duration{"by the clock": nil, "on a busy machine": starved} {
		v, err := load(t, vm.Config{CPU: cpu}, `async () => /^(?=(a+)+$)(a+)+$/.test("a".repeat(40) + "!")`)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		turn := begin(v, "")
		if turn.Err == nil || turn.Err.Code != "RESOURCE_ERROR" || v.Dead() == nil || turn.Value != nil {
			t.Fatalf("%s: turn = %+v", name, turn)
		}
		if took := time.Since(began); took < vm.DefaultTurnBudget {
			t.Errorf("%s: the match gave up after %s, within the budget", name, took)
		}
	}
}

func TestLongTurnsAreNotLongerThanAMatch(t *testing.T) {
	// However busy the machine is, a turn ends before a match that began with it
	// gives up; a process that allows longer turns has longer matches.
	busy := vm.Config{TurnBudget: 100 * time.Millisecond, CPU: starved}
	const loop = `async () => { for (;;); }`
	took := func() time.Duration {
		v, err := load(t, busy, loop)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if turn := begin(v, ""); turn.Err == nil || turn.Err.Code != "RESOURCE_ERROR" {
			t.Fatalf("turn = %+v", turn)
		}
		return time.Since(began)
	}
	if d := took(); d < vm.DefaultTurnBudget || d > 4*vm.DefaultTurnBudget {
		t.Errorf("a starved turn took %s", d)
	}
	was := vm.LimitTurns(300 * time.Millisecond)
	defer vm.LimitTurns(was)
	if was != vm.DefaultTurnBudget {
		t.Errorf("the limit was %s", was)
	}
	if d := took(); d > vm.DefaultTurnBudget {
		t.Errorf("with a limit of 300 ms, a turn took %s", d)
	}
}
