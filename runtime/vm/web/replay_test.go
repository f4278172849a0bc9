package web_test

import (
	"strings"
	"testing"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func TestMicrotasksKeepTheirOrder(t *testing.T) {
	// queueMicrotask takes its place among promises, wherever it is called.
	const round = `queueMicrotask(() => { log.push("a"); queueMicrotask(() => log.push("c")); }); Promise.resolve().then(() => log.push("b"));`
	v := load(t, `async () => { const log = []; `+round+` await fetch("http://a/"); `+round+`
		setTimeout(() => { `+round+` }, 0); setTimeout(() => log.push("d"), 0); await fetch("http://a/"); return log.join(""); }`, vm.Config{})
	turn := v.Begin(vm.Start{Run: "r1", Handler: vm.HandlerRun, Now: epoch})
	for id := uint64(1); id <= 2; id++ {
		turn = v.Deliver(answer(id, ""), epoch)
	}
	if string(turn.Value) != `"abcabcabcd"` {
		t.Fatalf("%s %v", turn.Value, turn.Err)
	}
}

func TestScriptsSeeNoGo(t *testing.T) {
	// Names in stacks and of functions are part of what a replay must do again:
	// they are ours, and do not change with the Go code behind them.
	v := load(t, `async () => {
		const out = [], look = () => { out.push(new Error("x").stack); };
		const attempt = (f) => { try { f(); } catch (e) { out.push(e.stack); } };
		look(); queueMicrotask(look); setTimeout(look, 0); await null;
		const c = new AbortController(); c.signal.addEventListener("abort", look); c.signal.onabort = look; c.abort();
		new EventTarget().addEventListener("x", { get handleEvent() { look(); } });
		JSON.stringify({ toJSON: look }); structuredClone({ get a() { look(); return 1; } });
		attempt(() => new URL("x")); attempt(() => new Headers([["a"]])); attempt(() => Response.prototype.status); attempt(() => new Response("", { status: 1 }));
		attempt(() => crypto.getRandomValues(1)); attempt(() => new TextDecoder("none")); attempt(() => new CustomEvent("x", { get detail() { look(); } }));
		new URLSearchParams({ get a() { look(); return "1"; } }); new Headers({ get a() { look(); return "1"; } }); console.log("%s", { toString: look });
		await { get then() { look(); return (ok) => { look(); ok(); }; } };
		const r = await fetch("http://a/"); look(); await r.json().catch((e) => out.push(e.stack));
		attempt(() => new CryptoKey()); await crypto.subtle.digest("x", 1).catch((e) => out.push(e.stack));
		for (const o of [console, performance, Crypto.prototype, SubtleCrypto.prototype, CryptoKey.prototype, Blob.prototype, File.prototype, FormData.prototype, Response.prototype, URL.prototype, AbortSignal.prototype, CustomEvent.prototype, globalThis]) {
			for (const d of Object.values(Object.getOwnPropertyDescriptors(o))) for (const f of [d.value, d.get, d.set]) if (typeof f === "function") out.push(f.name);
		}
		return out;
	}`, vm.Config{Console: func(vm.Line) {}})
	turn := v.Begin(vm.Start{Run: "r1", Handler: vm.HandlerRun, Now: epoch})
	if turn.Err == nil {
		turn = v.Deliver(answer(1, "{"), epoch)
	}
	text := string(turn.Value)
	if turn.Err != nil || strings.Count(text, `\n`) < 60 {
		t.Fatalf("%v %s", turn.Err, text)
	}
	for _, goName := range []string{"reprise/", "github.com", "func1", ".go"} {
		if i := strings.Index(text, goName); i >= 0 {
			t.Errorf("a script sees %q: …%s", goName, text[max(0, i-80):i+80])
		}
	}
}

func TestGapsAreFilledInOneOrder(t *testing.T) {
	for range 20 {
		v := load(t, `() => { Promise.try; Promise.withResolvers; "".toWellFormed; "".isWellFormed; return [Promise, String.prototype].map((o) => Object.getOwnPropertyNames(o).slice(-2)).join(); }`, vm.Config{})
		turn := v.Begin(vm.Start{Run: "r1", Handler: vm.HandlerRun, Now: epoch})
		if string(turn.Value) != `"try,withResolvers,isWellFormed,toWellFormed"` {
			t.Fatalf("%s %v", turn.Value, turn.Err)
		}
	}
}

func TestOriginOfAnswers(t *testing.T) {
	// Reading an answer fails because of the call that it answers, however much
	// later and with whatever help; a callback of a timer fails by itself.
	held := call.Held("h", 9)
	for name, tc := range map[string]struct {
		body string
		want uint64
	}{
		"at once":    {`await fetch("http://a/").then((r) => r.json())`, 1},
		"later":      {`const r = await fetch("http://a/"); await fetch("http://b/"); await r.json()`, 1},
		"clone":      {`const r = await fetch("http://a/"); await fetch("http://b/"); await r.clone().json()`, 1},
		"held":       {`await fetch("http://held/").then((r) => r.json())`, 1},
		"refused":    {`await fetch("http://refused/")`, 1},
		"timeout":    {`await fetch("http://never/", { signal: AbortSignal.timeout(5) })`, 1},
		"callback":   {`await new Promise((_, no) => setTimeout(() => { try { btoa("\u2028") } catch (e) { no(e) } }, 5))`, 0},
		"listener":   {`const s = AbortSignal.timeout(5); await new Promise((_, no) => s.addEventListener("abort", () => { try { btoa("\u2028") } catch (e) { no(e) } }))`, 0},
		"own answer": {`await fetch("http://a/"); await new Response("{").json()`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := load(t, `async () => { `+tc.body+` }`, vm.Config{})
			turn := v.Begin(vm.Start{Run: "r1", Handler: vm.HandlerRun, Now: epoch})
			for i := 0; i < 4 && !turn.Done; i++ {
				o := answer(uint64(i+1), "{")
				for _, c := range turn.Calls {
					switch c.Target {
					case "GET http://never/":
						continue
					case "GET http://refused/":
						o.Err = call.Errorf(call.CodeConnect, "no")
					case "GET http://held/":
						o.Body = held
					}
					o.Call = c.ID
				}
				turn = v.Deliver(o, epoch)
			}
			if turn.Err == nil || turn.Err.Call != tc.want {
				t.Fatalf("call %d of %v, want %d", turn.Err.Call, turn.Err, tc.want)
			}
		})
	}
}
