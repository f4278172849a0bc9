package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// boom makes goja panic in Go, as a script can; loop never ends.
const helpers = `
	const boom = () => { const a = [5, 4, 3, 2, 1]; a.sort((x, y) => { a.length = 0; return x - y; }); };
	const loop = () => { for (;;); };
	const recurse = () => recurse();`

// testHooks offers what bindings do to a script's functions.
type testHooks struct{}

func (testHooks) Name() string { return "hooks" }

func (testHooks) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	_ = o.Set("call", func(goja.FunctionCall) goja.Value { return v.Call(call.Call{Kind: "test", Class: call.Read}, nil) })
	_ = o.Set("onFailure", func(c goja.FunctionCall) goja.Value {
		f, _ := goja.AssertFunction(c.Argument(0))
		v.OnFailure(func(failed goja.Value) *goja.Object {
			result, err := f(goja.Undefined(), failed)
			if err != nil {
				panic(err)
			}
			return result.ToObject(v.Runtime())
		})
		return goja.Undefined()
	})
	return o
}

// hostileVM evaluates a module with the helpers in front of it.
func hostileVM(t *testing.T, budget time.Duration, top, def string) (*vm.VM, error) {
	t.Helper()
	was := vm.LimitTurns(budget)
	t.Cleanup(func() { vm.LimitTurns(was) })
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { call, onFailure } = __reprise.module("hooks");`+helpers+top+`
		__reprise.exports({ get default() { return `+def+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return vm.New(p, vm.Config{
		Platform: web.Platform(), Modules: []vm.Module{testHooks{}}, TurnBudget: budget, Console: func(vm.Line) {},
	})
}

// budgets are how long a script may do what it does: what ends by itself has
// time, on a busy machine too.
var budgets = map[string]time.Duration{"boom": time.Minute, "loop": 200 * time.Millisecond, "recurse": time.Minute}

func TestPanicsLoopsAndRecursionEndTheRun(t *testing.T) {
	// Wherever code of the script runs, a Go panic out of the engine, a loop
	// without end and a recursion without end each end the run as an error and
	// the VM with it, and nothing but that.
	for name, def := range map[string]string{
		"handler":              `{ async run() { BAD() } }`,
		"sync handler":         `{ run() { BAD() } }`,
		"thenable result":      `{ run() { return { get then() { BAD() } } } }`,
		"then of a result":     `{ run() { return { then() { BAD() } } } }`,
		"toJSON of the result": `{ run() { return { toJSON() { BAD() } } } }`,
		"getter of the result": `{ run() { return { get a() { BAD() } } } }`,
		"proxy as the result":  `{ run() { return new Proxy({}, { ownKeys() { BAD() } }) } }`,
		"microtask":            `{ async run() { await 0; BAD() } }`,
		"task":                 `{ async run() { setTimeout(BAD, 0); } }`,
		"queueMicrotask":       `{ run() { queueMicrotask(BAD) } }`,
		"after a call":         `{ async run() { await call(); BAD() } }`,
		"reaction of a call":   `{ run() { return call().then(BAD) } }`,
		"catch of a call":      `{ run() { return call().finally(BAD) } }`,
		"failure hook":         `{ run() { onFailure(BAD); throw new Error("first") } }`,
		"hook that awaits":     `{ run() { onFailure(async () => { await call(); BAD() }); throw new Error("first") } }`,
		"thrown name":          `{ run() { throw Object.defineProperty(new Error("x"), "name", { get: BAD }) } }`,
		"thrown message":       `{ run() { throw { get message() { BAD() } } } }`,
		"thrown stack":         `{ run() { throw Object.defineProperty(new Error("x"), "stack", { get: BAD }) } }`,
		"thrown code":          `{ run() { throw Object.defineProperty(new Error("x"), "code", { get: BAD }) } }`,
		"thrown cause":         `{ run() { throw Object.defineProperty(new Error("x"), "cause", { get: BAD }) } }`,
		"thrown errors":        `{ run() { throw Object.defineProperty(new AggregateError([]), "errors", { get: BAD }) } }`,
		"thrown toJSON":        `{ run() { throw { toJSON: BAD } } }`,
		"thrown proxy":         `{ run() { throw new Proxy({}, { get: BAD, has: BAD, getPrototypeOf: BAD }) } }`,
		"name of what is told": `{ run() { class E extends Error { get name() { BAD() } } console.log(new E("x").stack) } }`,
		"rejection":            `{ run() { Promise.reject(Object.defineProperty(new Error("x"), "message", { get: BAD })) } }`,
		"response body":        `{ fetch() { return new Response({ toString: BAD }) } }`,
		"response header":      `{ fetch() { return new Response("", { headers: { a: { toString: BAD } } }) } }`,
		"response later":       `{ async fetch() { await call(); return new Response("", { get status() { BAD() } }) } }`,
		"waitUntil":            `{ fetch(r, e, ctx) { ctx.waitUntil({ get then() { BAD() } }); return new Response("") } }`,
		"iterator":             `{ run() { new Headers({ [Symbol.iterator]() { BAD() } }) } }`,
		"clone":                `{ run() { structuredClone({ get a() { BAD() } }) } }`,
		"algorithm":            `{ run() { crypto.subtle.digest({ get name() { BAD() } }, new Uint8Array(1)) } }`,
		"usages":               `{ run() { crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, { [Symbol.iterator]: BAD }) } }`,
		"part of a blob":       `{ run() { new Blob([{ toString: BAD }]) } }`,
		"field of a form":      `{ run() { new FormData().append("a", { toString: BAD }) } }`,
		"options of a file":    `{ run() { new File([], "a", { get lastModified() { BAD() } }) } }`,
		"listener":             `{ run() { const t = new EventTarget(); t.addEventListener("x", BAD); t.dispatchEvent(new Event("x")) } }`,
	} {
		for bad, code := range map[string]call.Code{"boom": call.CodeInternal, "loop": call.CodeResource, "recurse": ""} {
			t.Run(name+"/"+bad, func(t *testing.T) {
				v, err := hostileVM(t, budgets[bad], "", strings.ReplaceAll(def, "BAD", bad))
				if err != nil {
					t.Fatal(err)
				}
				turn := toTheEnd(v, strings.Contains(def, "fetch("))
				if !turn.Done || turn.Err == nil || v.Dead() == nil || v.Dead().Code != string(code) || !turn.Dead {
					t.Fatalf("turn %+v, error %v, dead %v", turn, turn.Err, v.Dead())
				}
				if name != "failure hook" && name != "hook that awaits" && turn.Err.Code != string(code) { // those end with the first failure, or theirs
					t.Errorf("error %v", turn.Err)
				}
			})
		}
	}
}

// toTheEnd answers all calls of a run.
func toTheEnd(v *vm.VM, fetch bool) vm.Turn {
	start := vm.Start{Run: "r", Script: "s", Handler: vm.HandlerRun, Now: epoch}
	if fetch {
		start.Handler, start.Request = vm.HandlerFetch, &vm.Request{Method: "GET", URL: "http://localhost/"}
	}
	turn := v.Begin(start)
	for !turn.Done && len(turn.Calls) > 0 {
		turn = v.Deliver(call.OK(turn.Calls[0].ID, nil), epoch)
	}
	return turn
}

func TestTopLevelPanicsAndLoops(t *testing.T) {
	// The same at the top level, and where the exports are read: an error, and no
	// VM.
	for name, tc := range map[string][2]string{
		"top level":         {`BAD();`, `{ run() {} }`},
		"awaited":           {`await 0; BAD();`, `{ run() {} }`},
		"microtask":         {`Promise.resolve().then(BAD);`, `{ run() {} }`},
		"thrown":            {`throw { get message() { BAD() } };`, `{ run() {} }`},
		"default export":    {``, `BAD()`},
		"handler":           {``, `{ get run() { BAD() } }`},
		"proxy of handlers": {``, `new Proxy({}, { get() { BAD() } })`},
		"keys of handlers":  {``, `new Proxy({}, { ownKeys() { BAD() } })`},
		"text of a class":   {``, `(() => { class A { static toString() { BAD() } } return A })()`},
	} {
		for bad, code := range map[string]call.Code{"boom": call.CodeInternal, "loop": call.CodeResource, "recurse": ""} {
			t.Run(name+"/"+bad, func(t *testing.T) {
				v, err := hostileVM(t, budgets[bad], strings.ReplaceAll(tc[0], "BAD", bad), strings.ReplaceAll(tc[1], "BAD", bad))
				if err == nil || v != nil {
					t.Fatalf("a VM was made; error %v", err)
				}
				e := call.From(err)
				for e.Cause != nil {
					e = e.Cause
				}
				if e.Code != string(code) {
					t.Fatalf("error %v (%s)", err, e.Code)
				}
			})
		}
	}
}

func TestErrorsThatContainThemselves(t *testing.T) {
	// Errors are read as far as they go, and not further.
	for _, expr := range []string{
		`const e = new AggregateError([], "x"); e.errors.push(e); throw e`,
		`const e = new Error("x"); e.cause = e; throw e`,
		`let e = new Error("x"); for (let i = 0; i < 2000; i++) e = new AggregateError([e], "m".repeat(100)); throw e`,
		`let e = new Error("x"); for (let i = 0; i < 2000; i++) e = new Error("y", { cause: e }); throw e`,
		`const e = new AggregateError([], "x"), f = new AggregateError([e, e, e, e, e, e], "y"); for (let i = 0; i < 6; i++) e.errors.push(f); throw e`,
	} {
		v, err := hostileVM(t, time.Minute, "", `{ run() { `+expr+` } }`)
		if err != nil {
			t.Fatal(err)
		}
		turn := toTheEnd(v, false)
		if turn.Err == nil || len(turn.Err.Error()) > 100<<10 || v.Dead() != nil {
			t.Errorf("%s: %.200v, dead %v", expr, turn.Err, v.Dead())
		}
	}
}

func TestConsoleOfHostileObjects(t *testing.T) {
	// Whatever is printed, no getter runs, and a line is a line.
	was := vm.LimitTurns(time.Minute)
	defer vm.LimitTurns(was)
	for _, expr := range []string{
		`{ get a() { boom() } }`, `{ toString: boom, toJSON: boom, valueOf: boom, [Symbol.toPrimitive]: boom }`, `{ get [Symbol.toStringTag]() { boom() } }`,
		`{ get constructor() { boom() } }`, `Object.create({ get constructor() { boom() } })`, `Object.create(new Proxy({}, { get: boom, getPrototypeOf: boom, getOwnPropertyDescriptor: boom }))`,
		`new Proxy({}, { get: boom, ownKeys: boom, getPrototypeOf: boom, has: boom })`, `new Proxy(function () {}, { get: boom, apply: boom })`,
		`(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()`,
		`Object.defineProperty(() => 1, "name", { get: boom })`, `Object.defineProperty([1], "0", { get: boom })`, `Object.defineProperty(new Map([[1, 2]]), "size", { get: boom })`,
		`Object.defineProperty(new Error("x"), "message", { get() { throw boom } })`, `Object.defineProperty(new Date(NaN), "getTime", { get: boom })`,
		`(() => { const a = []; a.length = 2 ** 32 - 1; return a })()`, `(() => { let o = {}; for (let i = 0; i < 5000; i++) o = { o, p: o }; return o })()`,
		`new Uint8Array(1 << 20)`, `"x".repeat(1 << 22)`, `Symbol("x".repeat(1 << 20))`, `10n ** 5000n`, `[Object.create(null), , undefined]`,
		`(() => { const s = new Set(); s.add(s); const m = new Map(); m.set(m, s); return [s, m] })()`,
		`Object.fromEntries(Array.from({ length: 20000 }, (_, i) => ["k".repeat(100) + i, i]))`,
	} {
		for _, use := range []string{`console.log(x)`, `console.log("m", x)`, `console.error("%s %d %i %f %j %o %O %c", x, x, x, x, {}, x, x, x)`, `console.dir(x)`, `console.table([x, x])`, `console.table(x)`, `console.assert(false, x)`} {
			lines := 0
			p, err := vm.Compile([]byte(`(async (__reprise) => {`+helpers+`const x = `+expr+`; __reprise.exports({ default: { run() { `+use+` } } }); })`), nil)
			if err != nil {
				t.Fatal(err)
			}
			v, err := vm.New(p, vm.Config{Platform: web.Platform(), TurnBudget: time.Minute, Console: func(l vm.Line) {
				if lines++; len(l.Msg) > 200<<10 || len(l.Fields) > 200<<10 {
					t.Errorf("%s of %s: a line of %d bytes", use, expr, len(l.Msg))
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if turn := toTheEnd(v, false); turn.Err != nil || lines != 1 {
				t.Errorf("%s of %s: %d lines, error %v", use, expr, lines, turn.Err)
			}
		}
	}
}
