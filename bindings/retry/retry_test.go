package retry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"reprise/bindings/retry"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/stdlib"
)

var epoch = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// api lets scripts make a call that the test answers, and errors of any kind.
type api struct{}

func (api) Name() string { return "api" }

func (api) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("call", func(c goja.FunctionCall) goja.Value {
		attempts := 0
		if s := v.Scope(); s != nil {
			attempts = s.Attempts
		}
		return v.Call(call.Call{Kind: "api.call", Target: strings.Repeat("I", attempts)}, nil)
	})
	_ = o.Set("error", func(c goja.FunctionCall) goja.Value {
		return v.NewError(call.Errorf(call.Code(v.Arg(c, 0).String()), "no").WithData(v.Arg(c, 1).Export()))
	})
	return o
}

func load(t testing.TB, body string) *vm.VM {
	t.Helper()
	text, ok := stdlib.Module("retry")
	if !ok {
		t.Fatal("there is no module retry")
	}
	text = strings.ReplaceAll(text, "export ", "")
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; `+text+`
		const { call, error } = __reprise.module("api");
		__reprise.exports({ default: async () => { `+body+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), Modules: []vm.Module{retry.Module(), api{}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// play runs a script; timers end at once, and each api call is answered by the
// next of answers ("" succeeds). It returns what was waited for.
func play(t testing.TB, body string, seed byte, answers ...string) (turn vm.Turn, waits []string) {
	t.Helper()
	v := load(t, body)
	turn = v.Begin(vm.Start{Run: "r1", Script: "s", Handler: vm.HandlerRun, Now: epoch, Seed: [32]byte{seed}})
	for !turn.Done {
		if len(turn.Calls) != 1 {
			t.Fatalf("%d calls", len(turn.Calls))
		}
		c := turn.Calls[0]
		o := call.OK(c.ID, nil)
		if c.Kind == web.KindTimer {
			waits = append(waits, string(c.Args))
		} else {
			if c.Target != "I" || c.Scope != "retry" {
				t.Errorf("call in scope %q, attempts %q", c.Scope, c.Target)
			}
			if answers[0] == "" {
				o.Value = []byte(`"done"`)
			} else {
				o = call.Failed(c.ID, call.Errorf(call.Code(answers[0]), "no"))
			}
			answers = answers[1:]
		}
		turn = v.Deliver(o, epoch)
	}
	return turn, waits
}

func TestRetry(t *testing.T) {
	const policy = `{ attempts: 4, delay: 100, factor: 2, jitter: false, maxDelay: 300 }`
	turn, waits := play(t, `const seen = []; const r = await retry(({ attempt }) => { seen.push(attempt); return call(); }, `+policy+`); return [r, ...seen];`, 1,
		"NETWORK_ERROR", "TIMEOUT_ERROR", "CONNECT_ERROR", "")
	if turn.Err != nil || string(turn.Value) != `["done",1,2,3,4]` {
		t.Errorf("%s, %v", turn.Value, turn.Err)
	}
	if got := strings.Join(waits, " "); got != `{"ms":100} {"ms":200} {"ms":300}` {
		t.Errorf("waits = %s", got)
	}
	turn, waits = play(t, `try { await retry(() => call(), { attempts: 2, delay: 0 }) } catch (e) { return [e.name, e.attempts] }`, 1, "NETWORK_ERROR", "TIMEOUT_ERROR")
	if string(turn.Value) != `["TimeoutError",2]` || len(waits) != 0 {
		t.Errorf("%s, %v; waits %v", turn.Value, turn.Err, waits)
	}
}

func TestFinalErrors(t *testing.T) {
	for _, code := range []string{"ABORT_ERROR", "CANCELLED_ERROR", "INVALID_ARGUMENT_ERROR", "SECRET_MISSING_ERROR"} {
		turn, waits := play(t, `await retry(() => call(), { when: () => true })`, 1, code)
		if turn.Err == nil || turn.Err.Code != code || len(waits) != 0 {
			t.Errorf("%s: %v, waits %v", code, turn.Err, waits)
		}
	}
}

func TestHTTPErrors(t *testing.T) {
	for _, tc := range []struct{ data, options, waits string }{
		{`{ status: 503 }`, ``, `{"ms":100}`},
		{`{ status: 429 }`, ``, `{"ms":100}`},
		{`{ status: 404 }`, ``, ``},
		{`{ status: 404 }`, `, when: (e, { attempt }) => e.status === 404 && attempt === 1`, `{"ms":100}`},
		{`{ status: 503 }`, `, when: async () => false`, ``},
		{`{ status: 503, retryAfter: "7" }`, ``, `{"ms":7000}`},
		{`{ status: 503, retryAfter: "Sun, 22 Nov 2026 10:00:05 GMT" }`, ``, `{"ms":5000}`},
		{`{ status: 503, retryAfter: "61" }`, ``, ``},
		{`{ status: 503, retryAfter: "61" }`, `, maxDelay: "2m"`, `{"ms":61000}`},
	} {
		_, waits := play(t, `await retry(() => { throw error("HTTP_ERROR", `+tc.data+`) }, { attempts: 2, delay: 100, jitter: false`+tc.options+` })`, 1)
		if got := strings.Join(waits, " "); got != tc.waits {
			t.Errorf("%s%s: waits %s, want %s", tc.data, tc.options, got, tc.waits)
		}
	}
}

func TestJitterBelongsToTheRun(t *testing.T) {
	const body = `await retry(() => { throw new Error("x") }, { attempts: 6, delay: 1000 })`
	_, first := play(t, body, 1)
	_, again := play(t, body, 1)
	_, other := play(t, body, 2)
	if strings.Join(first, "") != strings.Join(again, "") || strings.Join(first, "") == strings.Join(other, "") || len(first) != 5 {
		t.Errorf("%v\n%v\n%v", first, again, other)
	}
}

func TestOnRetryAndThrownText(t *testing.T) {
	turn, _ := play(t, `const seen = []; try { await retry(() => { throw "text" }, { attempts: 3, delay: 10, jitter: false, onRetry: async (e, i) => { seen.push([e, i]) } }) } catch (e) { return [e, seen] }`, 1)
	if got, want := string(turn.Value), `["text",[["text",{"attempt":1,"delay":10}],["text",{"attempt":2,"delay":20}]]]`; got != want {
		t.Errorf("%s, %v; want %s", got, turn.Err, want)
	}
	turn, _ = play(t, `const e = Object.freeze(new Error("frozen")); await retry(() => { throw e }, { attempts: 1 })`, 1)
	if turn.Err == nil || turn.Err.Message != "frozen" {
		t.Errorf("err = %v", turn.Err)
	}
}

func TestWrongArguments(t *testing.T) {
	for js, text := range map[string]string{
		`retry()`:                        "takes a function",
		`retry(call, { attempts: 0 })`:   "whole number from 1",
		`retry(call, { attempts: 1.5 })`: "whole number from 1",
		`retry(call, { factor: 0 })`:     "factor must be",
		`retry(call, { delay: "x" })`:    "not a duration",
		`retry(call, { when: 1 })`:       "when must be a function",
		`retry(call, { tries: 1 })`:      `no option "tries"`,
		`retry(call, 3)`:                 "must be an object",
	} {
		if turn, _ := play(t, "await "+js, 1); turn.Err == nil || !strings.Contains(turn.Err.Message, text) {
			t.Errorf("%s: %v", js, turn.Err)
		}
	}
}
