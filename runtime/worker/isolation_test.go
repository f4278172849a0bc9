package worker_test

import (
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
	"reprise/runtime/worker"
)

// stains are what a script can leave behind in its VM.
var stains = []string{
	`Object.prototype.stain = 1`,
	`Object.defineProperty(Object.prototype, "body", { get: () => "stain", set() {}, configurable: true })`,
	`Array.prototype.push = () => "stain"`,
	`Array.prototype[Symbol.iterator] = function* () { yield "stain" }`,
	`Promise.prototype.then = () => "stain"`,
	`Promise.resolve = () => "stain"`,
	`JSON.stringify = () => '"stain"'`,
	`JSON.parse = () => "stain"`,
	`Date.now = () => 1`,
	`Math.random = () => 1`,
	`globalThis.stain = 1`,
	`globalThis.fetch = () => "stain"`,
	`globalThis.undeclared ??= 1`,
	`delete globalThis.URL; delete globalThis.Map`,
	`(0, eval)("var stain = 1; function stained() {}")`,
	`Function.prototype.call = () => "stain"`,
	`Function.prototype.toString = () => "stain"`,
	`Error.prepareStackTrace = () => "stain"`,
	`Error.prototype.name = "stain"`,
	`RegExp.prototype.exec = () => null`,
	`/(st)(ain)/.exec("stain")`,
	`Symbol.for("stain").stain; globalThis.symbol = Symbol.for("stain")`,
	`Headers.prototype.get = () => "stain"`,
	`Response.json = () => "stain"`,
	`Response.prototype.stain = 1`,
	`console.log = () => "stain"`,
	`Object.setPrototypeOf(globalThis, { stain: 1 })`,
	`Object.setPrototypeOf(Array.prototype, { stain: 1 })`,
	`Object.getPrototypeOf(function* () {}).prototype.next = () => ({ done: true })`,
	`Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true })`,
	`String.prototype.repeat = () => "stain"`,
	`Object.getPrototypeOf(async () => {}).constructor.prototype.stain = 1`,
	`top.stain = 1; count++`,
	`console.count("stain"); console.time("stain"); console.group()`,
	`setInterval(() => {}, 1000)`,
	`setTimeout(() => { globalThis.stain = 1 }, 0)`,
	`queueMicrotask(() => { globalThis.stain = 1 })`,
	`Promise.resolve().then(() => { Object.prototype.stain = 1 })`,
	`performance.mark("stain")`,
	`Object.freeze(globalThis); Object.freeze(Object.prototype)`,
}

// fingerprint is all that a script can see of its VM. What is itself stained
// can not be used to look, so it takes what it needs at the top level.
const fingerprint = `
	const top = {}; let count = 0;
	const { getOwnPropertyNames, getOwnPropertySymbols, getOwnPropertyDescriptor, getPrototypeOf, isExtensible } = Object;
	const { apply } = Reflect, text = Function.prototype.toString, join = Array.prototype.join, sort = Array.prototype.sort;
	const look = (values) => {
		const seen = new (getPrototypeOf(weak).constructor)(), parts = [];
		const walk = (o, path, depth) => {
			if ((typeof o !== "object" && typeof o !== "function") || o === null) { parts[parts.length] = path + "=" + (typeof o === "symbol" ? "symbol" : o); return; }
			if (apply(weakHas, seen, [o]) || depth > 4) return;
			apply(weakSet, seen, [o, 1]);
			parts[parts.length] = path + (typeof o === "function" ? apply(text, o, []) : "") + isExtensible(o);
			const names = apply(sort, getOwnPropertyNames(o), []);
			for (let i = 0; i < names.length; i++) {
				const d = getOwnPropertyDescriptor(o, names[i]), at = path + "." + names[i];
				parts[parts.length] = at + d.writable + d.enumerable + d.configurable;
				if (d.get) walk(d.get, at + " get", depth + 1); else walk(d.value, at, depth + 1);
			}
			const symbols = getOwnPropertySymbols(o);
			for (let i = 0; i < symbols.length; i++) { const d = getOwnPropertyDescriptor(o, symbols[i]); walk(d.get || d.value, path + "@" + i, depth + 1); }
			walk(getPrototypeOf(o), path + ".__proto__", depth + 1);
		};
		for (let i = 0; i < values.length; i++) walk(values[i], "v" + i, 0);
		return apply(join, parts, ["\n"]);
	};
	const weak = new WeakMap(), weakHas = WeakMap.prototype.has, weakSet = WeakMap.prototype.set;
	const probe = () => look([globalThis, function* () {}, async () => {}, [][Symbol.iterator], /x/, top, count, typeof stain, typeof URL, RegExp["$1"], RegExp.lastMatch]);`

// stained is a revision that stains its VM, or looks at it.
func stained(id, stain string) worker.Revision {
	return worker.Revision{ID: id, Script: "s", Code: []byte(`(async (__reprise) => {` + fingerprint + `
		const soil = () => { ` + stain + ` };
		__reprise.exports({ default: {
			run(input) { if (input) { soil(); return "soiled"; } return probe(); },
			fetch(request) { if (request.url.endsWith("?")) { soil(); return new Response("soiled"); } return new Response(probe()); },
		} }); })`)}
}

// slowHost is newHost for scripts that look at all there is.
func slowHost(t *testing.T, r worker.Revision) *worker.Host {
	t.Helper()
	was := vm.LimitTurns(time.Minute)
	t.Cleanup(func() { vm.LimitTurns(was) })
	h := worker.New(worker.Options{Platform: web.Platform(), TurnBudget: time.Minute})
	if _, err := h.Load(r, nil); err != nil {
		t.Fatal(err)
	}
	return h
}

// see executes one run or request and returns what it saw.
func see(t *testing.T, h *worker.Host, id string, handler worker.Handler, soil bool) string {
	t.Helper()
	start := worker.Start{Run: "r", Script: "s", Handler: handler, Durable: handler == worker.HandlerRun, Now: time.Unix(1, 0), Input: []byte("false")}
	if soil {
		start.Input = []byte("true")
	}
	if handler == worker.HandlerFetch {
		start.Request = &worker.Request{Method: "GET", URL: "http://127.0.0.1/s"}
		if soil {
			start.Request.URL += "?"
		}
	}
	s, turn, err := h.Begin(id, start, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.End(turn.Err == nil)
	switch {
	case turn.Err != nil:
		return turn.Err.Error()
	case turn.Response != nil:
		return string(turn.Response.Body.Inline)
	}
	return string(turn.Value)
}

// cleanVM is what a script sees that nothing was done to, however often it looks.
func cleanVM(t *testing.T, handler worker.Handler) string {
	t.Helper()
	h := slowHost(t, stained("clean", ""))
	clean := see(t, h, "clean", handler, false)
	if again := see(t, h, "clean", handler, false); again != clean {
		t.Fatalf("looking twice: %s", difference(clean, again))
	}
	if len(clean) < 10000 {
		t.Fatalf("saw only %s", clean)
	}
	return clean
}

func TestRunsSeeNothingOfOthers(t *testing.T) {
	// Whatever a durable run, or a request, does to its VM, the next run's is as
	// new, to the last property.
	clean := cleanVM(t, worker.HandlerRun)
	for i, stain := range stains {
		id := fmt.Sprint("r", i)
		h := slowHost(t, stained(id, stain))
		see(t, h, id, worker.HandlerRun, true)
		see(t, h, id, worker.HandlerFetch, true)
		if after := see(t, h, id, worker.HandlerRun, false); after != clean {
			t.Errorf("after %s: %s", stain, difference(clean, after))
		}
	}
}

func TestFreshRequestsSeeNothingOfOthers(t *testing.T) {
	// With isolation "fresh" that holds for requests too.
	clean := cleanVM(t, worker.HandlerFetch)
	for i, stain := range stains {
		r := stained(fmt.Sprint("f", i), stain)
		r.Fresh = true
		h := slowHost(t, r)
		see(t, h, r.ID, worker.HandlerFetch, true)
		if after := see(t, h, r.ID, worker.HandlerFetch, false); after != clean {
			t.Errorf("after %s: %s", stain, difference(clean, after))
		}
	}
}

func TestStainsShow(t *testing.T) {
	// The fingerprint would tell: in a VM that is used again, nearly all of them
	// can be seen, and looking changes nothing.
	shown, clean := 0, cleanVM(t, worker.HandlerFetch)
	for i, stain := range stains {
		id := fmt.Sprint("s", i)
		h := slowHost(t, stained(id, stain))
		see(t, h, id, worker.HandlerFetch, true)
		if after := see(t, h, id, worker.HandlerFetch, false); after != clean {
			shown++
		}
	}
	if shown < len(stains)*3/4 {
		t.Errorf("only %d of %d stains can be seen", shown, len(stains))
	}
}

// difference is the first line that differs.
func difference(a, b string) string {
	left, right := strings.Split(a, `\n`), strings.Split(b, `\n`)
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("%.300q became %.300q", left[i], right[i])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(left), len(right))
}

func TestWhatReusedVMsKeep(t *testing.T) {
	// Requests that share a VM see what the docs say: the module's own state,
	// globals and changed built-ins stay; what belongs to a request does not.
	for _, tc := range []struct{ name, soil, look, want string }{
		{"state of the module", `count++`, `count`, "1"},
		{"globals", `globalThis.left = 1`, `globalThis.left`, "1"},
		{"built-ins", `Array.prototype.left = 1`, `[].left`, "1"},
		{"Symbol.for", `globalThis.left = Symbol.for("a")`, `globalThis.left === Symbol.for("a")`, "true"},
		{"position of a regexp", `shared.exec("aa")`, `shared.lastIndex`, "1"},
		{"counters of the console", `console.count("a")`, `(console.count("a"), lines.join())`, "a: 1"},
		{"stopwatches", `console.time("a")`, `(console.timeEnd("a"), lines.join())`, "console.time was not called for 'a'"},
		{"indentation", `console.group()`, `(console.log("x"), lines.join())`, "x"},
		{"marks", `performance.mark("a")`, `performance.getEntriesByName("a").length`, "0"},
		{"timers", `clearTimeout(globalThis.id = setTimeout(() => {}, 1000))`, `setTimeout(() => {}, 0) > 0`, "true"},
		{"time", `globalThis.then = Date.now()`, `Date.now() - globalThis.then`, "1000"},
		{"randomness", `globalThis.drawn = Math.random()`, `Math.random() === globalThis.drawn`, "false"},
	} {
		var lines []string
		h := newHost(t, bundle(tc.name, `(() => { const lines = globalThis.lines = [], shared = /a/g; return { fetch(request) {
			if (request.url.endsWith("?")) { `+tc.soil+`; return new Response(""); }
			return new Response(String(`+strings.ReplaceAll(tc.look, "lines.join()", `"line"`)+`)); } } })()`))
		var got string
		for i, url := range []string{"http://127.0.0.1/?", "http://127.0.0.1/"} {
			lines = nil
			s, turn, err := h.Begin(tc.name, worker.Start{
				Run: "r", Script: "s", Handler: worker.HandlerFetch, Request: &worker.Request{Method: "GET", URL: url}, Now: time.Unix(int64(i+1), 0), Seed: [32]byte{byte(i)},
			}, func(l worker.Line) { lines = append(lines, l.Msg) })
			if err != nil || turn.Err != nil {
				t.Fatal(tc.name, err, turn.Err)
			}
			s.End(true)
			got = string(turn.Response.Body.Inline)
		}
		if got == "line" {
			got = strings.Join(lines, ",")
		}
		if got != tc.want {
			t.Errorf("%s: the second request saw %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestAnEndedRunLeavesNothing(t *testing.T) {
	// Timers, calls, listeners and promises that a run leaves open go with it:
	// no goroutine, and nothing that keeps the VM.
	goroutines := goruntime.NumGoroutine()
	h := newHost(t, bundle("a", `{ run() {
		setInterval(() => {}, 5); setTimeout(() => {}, 60_000);
		fetch("http://127.0.0.1:1/").catch(() => {});
		new AbortController().signal.addEventListener("abort", () => {});
		AbortSignal.timeout(1000); new Promise(() => {});
		/(?=(a+)+$)b/.test("aaa"); return "done"; } }`))
	for range 50 {
		s, turn, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerRun, Durable: true}, nil)
		if err != nil || turn.Err != nil || turn.Open == 0 {
			t.Fatal(err, turn.Err, turn.Open)
		}
		worker.Interrupt(s, call.Errorf(call.CodeCancelled, "too late"))
		s.End(true)
		worker.Interrupt(s, call.Errorf(call.CodeCancelled, "much too late"))
	}
	if h.Idle("a") != 0 {
		t.Errorf("%d VMs of runs wait for other runs", h.Idle("a"))
	}
	if now := goruntime.NumGoroutine(); now > goroutines+1 { // the clock of regular expressions is one, for a while
		t.Errorf("%d goroutines became %d", goroutines, now)
	}
}

func TestInterruptsDoNotWait(t *testing.T) {
	// An interrupt that comes when nothing executes is for nobody: not for the
	// next turn, not for the next request in the same VM.
	h := newHost(t, bundle("a", `{ async fetch() { await fetch("http://127.0.0.1:1/").catch(() => {}); return new Response(String(++count)); } }`))
	for i := range 3 {
		s, turn, err := h.Begin("a", worker.Start{Run: "r", Script: "s", Handler: worker.HandlerFetch, Request: request, Now: time.Unix(1, 0)}, nil)
		if err != nil || len(turn.Calls) != 1 {
			t.Fatal(err, turn.Err)
		}
		worker.Interrupt(s, call.Errorf(call.CodeCancelled, "between turns"))
		turn = s.Deliver(worker.Delivery{Outcome: call.Failed(turn.Calls[0].ID, call.Errorf(call.CodeNetwork, "no")), At: time.Unix(2, 0)})[0]
		worker.Interrupt(s, call.Errorf(call.CodeCancelled, "between requests"))
		s.End(true)
		if turn.Err != nil || string(turn.Response.Body.Inline) != fmt.Sprint(i+1) {
			t.Fatalf("request %d: %v", i, turn.Err)
		}
	}
}

func TestAnEndedVMIsCollected(t *testing.T) {
	// Nothing outside holds a VM that is not used any more: no timer, no map.
	for _, body := range []string{
		`return 1`, `setTimeout(() => {}, 1000); return 1`, `throw new Error("x")`, `for (;;);`, `fetch("http://127.0.0.1/"); return 1`, `(function f() { f() })()`,
	} {
		p := collectable(t, body)
		for range 10 {
			if p.Value() == nil {
				break
			}
			goruntime.GC()
		}
		if p.Value() != nil {
			t.Errorf("the VM of %q is still there", body)
		}
	}
}

// collectable makes, uses and ends a VM.
func collectable(t *testing.T, body string) weak.Pointer[vm.VM] {
	t.Helper()
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: { run() { `+body+` } } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Platform: web.Platform(), TurnBudget: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	v.Begin(vm.Start{Run: "r", Handler: vm.HandlerRun, Now: time.Unix(1, 0)})
	v.End()
	return weak.Make(v)
}

func TestEndDropsWhatTheRunHeld(t *testing.T) {
	// A VM that serves a thousand requests holds nothing of those it has served:
	// not their bodies, not what they left open.
	h := newHost(t, bundle("a", `{ async fetch(request) {
		const text = await request.text(); const c = new AbortController();
		fetch("http://127.0.0.1:1/", { signal: c.signal }).catch(() => {}); c.abort();
		return new Response(text.slice(0, 1)); } }`))
	var before, after goruntime.MemStats
	const size = 1 << 20
	for i := range 200 {
		if i == 20 {
			goruntime.GC()
			goruntime.ReadMemStats(&before)
		}
		s, turn, err := h.Begin("a", worker.Start{
			Run: "r", Script: "s", Handler: worker.HandlerFetch, Now: time.Unix(1, 0),
			Request: &worker.Request{Method: "POST", URL: "http://127.0.0.1/", Body: call.Bytes(make([]byte, size))},
		}, nil)
		if err != nil || turn.Err != nil || turn.Open != 0 {
			t.Fatal(err, turn.Err, turn.Open)
		}
		s.End(true)
	}
	goruntime.GC()
	goruntime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 5*size {
		t.Errorf("180 requests of 1 MiB left %d bytes", grown)
	}
	if h.Idle("a") != 1 {
		t.Errorf("%d VMs served requests that came one after the other", h.Idle("a"))
	}
}
