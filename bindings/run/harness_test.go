package run_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"reprise/bindings/retry"
	"reprise/bindings/run"
	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/stdlib"
)

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// apiModule offers api(name) to scripts: a write that the test answers.
type apiModule struct{}

func (apiModule) Name() string { return "api" }

func (apiModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("api", v.Func("api", func(c goja.FunctionCall) goja.Value {
		return v.Call(call.Call{Kind: "api", Target: v.StringArg(c, 0, "name"), Class: call.Write}, nil)
	}))
	return o
}

// play is a run of a script in the hands of a test, which answers its calls.
type play struct {
	t     *testing.T
	vm    *vm.VM
	now   time.Time
	turn  vm.Turn
	open  []call.Call
	lines []vm.Line
	log   []string // the calls made: "scope: target"
	fetch bool     // the run is that of a fetch handler: not durable
}

// exported finds the names that the text of a module exports.
var exported = regexp.MustCompile(`(?m)^export (?:const|async function) (\w+)`)

// load evaluates a script with the body of its handlers.
func load(t *testing.T, body string) *play {
	t.Helper()
	p := &play{t: t, now: epoch}
	var err error
	if p.vm, err = evaluate(t, "", body, func(l vm.Line) { p.lines = append(p.lines, l) }); err != nil {
		t.Fatal(err)
	}
	return p
}

// evaluate makes a VM with a script: the text of reprise:run, a top level, and
// the body of a handler.
func evaluate(t *testing.T, topLevel, body string, console func(vm.Line)) (*vm.VM, error) {
	t.Helper()
	text, ok := stdlib.Module("run")
	if !ok {
		t.Fatal("there is no module run")
	}
	var names []string
	for _, m := range exported.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	exports := "{ " + strings.Join(names, ", ") + " }"
	text = strings.ReplaceAll(text, "\nexport ", "\n")
	code := `(async (__reprise) => { "use strict"; const { api } = __reprise.module("api"); const ` + exports + ` = (() => {` + text + `
		return ` + exports + `; })();
		` + topLevel + `
		const handler = async (input) => { ` + body + ` };
		__reprise.exports({ default: { run: handler, fetch: async (r) => Response.json(await handler(r)) } }); })`
	program, err := vm.Compile([]byte(code), nil)
	if err != nil {
		t.Fatal(err)
	}
	return vm.New(program, vm.Config{
		Platform: web.Platform(), Modules: []vm.Module{run.Module(), retry.Module(), apiModule{}}, TurnBudget: time.Minute, Console: console,
	})
}

// What is tested has time, on a busy machine too.
var _ = vm.LimitTurns(time.Minute)

// start loads a script and begins a run of it.
func start(t *testing.T, body string) *play {
	t.Helper()
	p := load(t, body)
	p.begin("r1")
	return p
}

func (p *play) begin(id string) {
	p.open, p.log = nil, nil
	s := vm.Start{Run: id, Script: "shop", Revision: "rev", Handler: vm.HandlerRun, Durable: !p.fetch, Now: p.now}
	if p.fetch {
		s.Handler, s.Request = vm.HandlerFetch, &vm.Request{Method: "GET", URL: "http://shop.example/"}
	}
	p.took(p.vm.Begin(s))
}

// startFetch is start for a fetch handler. What the body returns is the
// response's JSON.
func startFetch(t *testing.T, body string) *play {
	t.Helper()
	p := load(t, body)
	p.fetch = true
	p.begin("r1")
	return p
}

func (p *play) took(turn vm.Turn) {
	p.turn = turn
	for _, id := range turn.Aborts {
		p.open = slices.DeleteFunc(p.open, func(c call.Call) bool { return c.ID == id })
	}
	for _, c := range turn.Calls {
		p.open = append(p.open, c)
		p.log = append(p.log, c.Scope+": "+c.Target)
	}
	if turn.Open != len(p.open) {
		p.t.Fatalf("the VM has %d open calls, the test %d", turn.Open, len(p.open))
	}
}

// answer delivers the outcome of the open call whose target is given.
func (p *play) answer(target, value string) {
	p.t.Helper()
	p.deliver(target, func(id uint64) call.Outcome { return call.OK(id, []byte(value)) })
}

func (p *play) fail(target string, code call.Code) {
	p.t.Helper()
	p.deliver(target, func(id uint64) call.Outcome { return call.Failed(id, call.Errorf(code, "%s failed", target)) })
}

func (p *play) deliver(target string, outcome func(uint64) call.Outcome) {
	p.t.Helper()
	for i, c := range p.open {
		if c.Target == target {
			p.open = slices.Delete(p.open, i, i+1)
			if c.Kind == web.KindTimer {
				p.now = p.now.Add(timerOf(p.t, c))
			}
			p.took(p.vm.Deliver(outcome(c.ID), p.now))
			return
		}
	}
	p.t.Fatalf("no open call %q; open are %v; log %v", target, targets(p.open), p.log)
}

func timerOf(t *testing.T, c call.Call) time.Duration {
	var args web.Timer
	if err := json.Unmarshal(c.Args, &args); err != nil {
		t.Fatal(err)
	}
	return time.Duration(args.MS) * time.Millisecond
}

func targets(calls []call.Call) []string {
	out := make([]string, len(calls))
	for i, c := range calls {
		out[i] = c.Target
	}
	return out
}

// expectOpen compares the targets of the open calls.
func (p *play) expectOpen(want ...string) {
	p.t.Helper()
	if got := targets(p.open); !slices.Equal(got, want) {
		p.t.Fatalf("open calls are %q, want %q", got, want)
	}
}

func (p *play) expectLog(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.log, want) {
		p.t.Errorf("calls were\n  %s\nwant\n  %s", strings.Join(p.log, "\n  "), strings.Join(want, "\n  "))
	}
}

func (p *play) expectValue(want string) {
	p.t.Helper()
	if !p.turn.Done || p.turn.Err != nil || string(p.turn.Value) != want {
		p.t.Fatalf("done %v, value %s, err %v; want %s", p.turn.Done, p.turn.Value, p.turn.Err, want)
	}
}

// expectCall compares the only open call, but for where it was made.
func (p *play) expectCall(kind, target string, class call.Class, args, body string) {
	p.t.Helper()
	if len(p.open) != 1 {
		p.t.Fatalf("open calls are %q, settled with %v", targets(p.open), p.turn.Err)
	}
	c := p.open[0]
	got := fmt.Sprintf("%s | %s | %s | %s | %v %s", c.Kind, c.Target, c.Class, c.Args, c.Body.Present, c.Body.Inline)
	want := fmt.Sprintf("%s | %s | %s | %s | %v %s", kind, target, class, args, body != "", body)
	if got != want {
		p.t.Fatalf("the call is\n  %s\nwant\n  %s", got, want)
	}
}

func (p *play) expectError(want string) {
	p.t.Helper()
	if !p.turn.Done || p.turn.Err == nil {
		p.t.Fatalf("done %v, value %s, err %v; want error %s", p.turn.Done, p.turn.Value, p.turn.Err, want)
	}
	if got := fmt.Sprintf("%s %s", p.turn.Err.Code, p.turn.Err.Message); !strings.Contains(got, want) {
		p.t.Fatalf("err = %s, want %s", got, want)
	}
}
