package stdlib_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

func TestSettleGivesWhatBecameOfEach(t *testing.T) {
	p := start(t, `const get = (path) => env.shop.get(path).json();
		const r = await settle({ b: ({ signal }) => env.shop.get("/b", { signal }).json(), a: get("/a"), now: () => 1, broken: () => { throw new TypeError("no") }, plain: 5, none: undefined });
		return Object.entries(r).map(([k, v]) => [k, v.ok, v.value ?? v.error?.code ?? v.error?.name]);`)
	p.fail("shop:/a", call.CodeNetwork)
	p.reply("shop:/b", answer{body: "7"})
	p.gives(`[["b",true,7],["a",false,"NETWORK_ERROR"],["now",true,1],["broken",false,"TypeError"],["plain",true,5],["none",true,null]]`)
	start(t, `return [await settle([]), await settle({}), await settle([() => 1, Promise.reject(2)]), Object.keys(await settle(JSON.parse('{"__proto__":1}')))]`).
		gives(`[[],{},[{"ok":true,"value":1},{"ok":false,"error":2}],["__proto__"]]`)
}

func TestSettleInTime(t *testing.T) {
	// What is not there in time has failed, its call is aborted, and the rest is given.
	body := `const r = await settle({ quick: ({ signal }) => env.shop.get("/quick", { signal }).json(), slow: ({ signal }) => env.shop.get("/slow", { signal }).json(), deaf: env.shop.get("/deaf").json() }, { timeout: "2s" });
		return [r.quick, r.slow.error.code, r.slow.error.message, r.deaf.error.message];`
	p := start(t, body)
	p.logs("GET shop:/deaf", "GET shop:/quick", "GET shop:/slow", "2000 ms")
	p.reply("/quick", answer{body: "1"})
	p.fire(" ms")
	p.gives(`[{"ok":true,"value":1},"TIMEOUT_ERROR","slow was not there within 2s","deaf was not there within 2s"]`)
	if got := fmt.Sprint(p.targets()); got != "[GET shop:/deaf]" { // nobody gave it a signal
		t.Errorf("open: %s", got)
	}
	// Where all are there, the timer goes.
	p = start(t, body)
	p.reply("/deaf", answer{body: "1"})
	p.reply("/slow", answer{body: "1"})
	p.reply("/quick", answer{body: "1"})
	if len(p.open) != 0 {
		t.Errorf("open: %q", p.targets())
	}
	// What comes later changes nothing.
	p = start(t, `const late = env.shop.get("/late").json(); const r = await settle([late], { timeout: 5 }); await late; for (let i = 0; i < 9; i++) await null; return [r.length, r[0].ok]`)
	p.fire(" ms")
	p.reply("/late", answer{body: "1"})
	p.gives(`[1,false]`)
	// A function may pass the signal's reason on: it came too late all the same.
	p = start(t, `return (await settle([({ signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)))], { timeout: 1500 }))[0].error.message`)
	p.fire(" ms")
	p.gives(`"task 0 was not there within 1500 ms"`)
}

func TestSettleAndASignal(t *testing.T) {
	p := start(t, `const c = new AbortController(); let begun = 0;
		const r = await settle({ a: ({ signal }) => env.shop.get("/a", { signal }), b: async () => { await env.shop.get("/b"); c.abort(new Error("enough")); return 1; } }, { signal: c.signal, timeout: "1 day" });
		const late = await settle([() => ++begun, env.shop.get("/c").json()], { signal: c.signal });
		return [r.a.error.message, r.b.error.message, late.map((x) => x.error.message), begun]`)
	p.reply("/b", answer{body: "1"})
	p.gives(`["enough","enough",["enough","enough"],0]`)
}

func TestCancellingIsNoResult(t *testing.T) {
	for _, body := range []string{
		`return await settle({ a: () => env.shop.get("/a") })`,
		`return await map(["a", "b"], { concurrency: 1, stopOnError: false }, (x) => env.shop.get("/" + x))`,
	} {
		p := start(t, body)
		p.fail("/a", call.CodeCancelled)
		p.fails("CANCELLED_ERROR")
		p.logs("GET shop:/a")
	}
}

func TestMapKeepsTheOrderAndTheLimit(t *testing.T) {
	// Whatever order answers come in, results are in that of the items, no more
	// than so many are open, and each is asked for once.
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n, most := rng.IntN(20), 1+rng.IntN(6)
		source := []string{`items`, `new Set(items)`, `(function* () { yield* items })()`, `(async function* () { for (const i of items) { await null; yield i } })()`}[seed%4]
		p := start(t, fmt.Sprintf(`const items = Array.from({ length: %d }, (_, i) => i);
			return await map(%s, { concurrency: %d }, async (i, index) => [index, (await env.shop.get("/" + i).json()) - i])`, n, source, most))
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("[%d,100]", i))
		}
		for !p.turn.Done {
			if len(p.open) > most {
				t.Fatalf("%d open, at most %d", len(p.open), most)
			}
			c := p.open[rng.IntN(len(p.open))]
			var i int
			if _, err := fmt.Sscanf(c.Target, "GET shop:/%d", &i); err != nil {
				t.Fatal(err)
			}
			p.reply(c.Target, answer{body: fmt.Sprint(100 + i)})
		}
		p.gives("[" + strings.Join(want, ",") + "]")
		if len(p.log) != n || n >= most && p.most != most {
			t.Errorf("%d calls for %d items, %d at a time of %d", len(p.log), n, p.most, most)
		}
	}
}

func TestMapStopsAtTheFirstFailure(t *testing.T) {
	// No further item begins, the others are aborted, those that do not hear it
	// are waited for, and the source is told.
	body := `const log = [];
		const source = (function* () { try { for (let i = 0; ; i++) yield i } finally { log.push("closed") } })();
		try {
			await map(source, { concurrency: 3 }, async (i, _, { signal }) => {
				if (i !== 2) return await env.shop.get("/" + i, { signal }).catch((e) => { log.push(i + e.name); throw e });
				await env.shop.get("/2"); log.push("2 done");
			});
		} catch (error) { return [error.code, ...log] }`
	p := start(t, body)
	p.fail("/1", call.CodeNetwork)
	if got := fmt.Sprint(p.targets()); got != "[GET shop:/2]" || p.turn.Done {
		t.Fatalf("open: %s", got)
	}
	p.reply("/2", answer{body: "1"})
	p.gives(`["NETWORK_ERROR","1NetworkError","0NetworkError","2 done","closed"]`)
	// By default eight at a time.
	p = start(t, `await map(Array(50).keys(), (i) => env.shop.get("/" + i))`)
	if len(p.open) != 8 {
		t.Errorf("%d open", len(p.open))
	}
}

func TestMapCollects(t *testing.T) {
	p := start(t, `const r = await map(["a", "b", "c"], { stopOnError: false, concurrency: 2 }, (x) => env.shop.get("/" + x).json());
		return r.map((x) => x.ok ? x.value : x.error.code)`)
	p.fail("/a", call.CodeConnect)
	p.reply("/c", answer{body: "3"})
	p.reply("/b", answer{body: "2"})
	p.gives(`["CONNECT_ERROR",2,3]`)
}

func TestMapAndItsSource(t *testing.T) {
	// A source that fails is a failure; what was begun comes to its end.
	p := start(t, `let ended = 0;
		const source = async function* () { yield "a"; await env.shop.get("/next"); throw new RangeError("no more") };
		try { await map(source(), { stopOnError: false }, async (x) => { await env.shop.get("/" + x); ended++ }) } catch (e) { return [e.name, ended] }`)
	p.reply("/next", answer{body: "1"})
	if p.turn.Done {
		t.Fatal("it did not wait")
	}
	p.reply("/a", answer{body: "1"})
	p.gives(`["RangeError",1]`)
	// An item that comes after the failure does not begin, and the source is closed.
	p = start(t, `const log = [];
		const source = async function* () { try { yield "a"; await env.shop.get("/next"); yield "b"; yield "c" } finally { log.push("closed") } };
		try { await map(source(), { concurrency: 2 }, async (x) => { log.push(x); await env.shop.get("/" + x) }) } catch (e) { return [e.code, ...log] }`)
	p.fail("/a", call.CodeNetwork)
	p.reply("/next", answer{body: "1"})
	p.gives(`["NETWORK_ERROR","a","closed"]`)
	// A signal from outside stops it too, and nothing begins after it.
	p = start(t, `const c = new AbortController(); let n = 0;
		const first = await map([1, 2, 3], { concurrency: 1, signal: c.signal }, () => { n++; c.abort("enough") }).catch((e) => e);
		const second = await map([1], { signal: c.signal }, () => n++).catch((e) => e);
		return [first, second, n]`)
	p.gives(`["enough","enough",1]`)
	start(t, `return await map([3, 1, 2], (x) => x * 2)`).gives(`[6,2,4]`)
}

func TestArgumentsOfFlow(t *testing.T) {
	for body, want := range map[string]string{
		`saga(5)`:                                      "what a saga does must be a function, not a number",
		`saga().step("a", () => 1, 5)`:                 "the undo of step a must be a function, not a number",
		`settle(5)`:                                    "settle takes an object or an array of promises and functions, not a number",
		`settle(new Set())`:                            "settle takes an object or an array of promises and functions, not an object",
		`settle(Promise.resolve(1))`:                   "not a promise",
		`settle({}, { timeOut: 5 })`:                   `settle has no option "timeOut"; it takes timeout, signal`,
		`settle({}, { timeout: "soon" })`:              "timeout: ",
		`map(5, () => 1)`:                              "map takes an array or something else to iterate over first, not a number",
		`map("text", () => 1)`:                         "not a string",
		`map([1], 5)`:                                  "the options of map must be an object, not a number",
		`map([1], {})`:                                 "what map does with each item must be a function, not undefined",
		`map([1], { concurrency: 0 }, () => 1)`:        "concurrency must be a whole number from 1 to 1000",
		`map([1], { concurrency: Infinity }, () => 1)`: "concurrency must be a whole number from 1 to 1000",
		`saga().step("a", () => 1, () => 1, { x: 1 })`: `step has no option "x"`,
	} {
		p := start(t, `await `+body)
		p.fails(want)
		if p.turn.Err.Code != string(call.CodeInvalidArgument) || !strings.Contains(p.turn.Err.Stack, "script.ts") {
			t.Errorf("%s: %s %s", body, p.turn.Err.Code, p.turn.Err.Stack)
		}
	}
}

// trip is a saga of three steps, the last of which fails.
const trip = `const post = (path) => env.shop.post(path, { idempotent: true }).json();
	const book = async (s) => {
		const flight = await s.step("flight", () => post("/flight"), (id) => post("/flight/" + id + "/undo"));
		await s.step("note", () => post("/note"));
		const room = await s.step("room", () => post("/room"), (id) => post("/room/" + id + "/undo"));
		return await s.step("car", () => post("/car"), (id) => post("/car/" + id + "/undo"), { retry: { attempts: 2, delay: 5, jitter: false } });
	};`

// driven answers a trip, whose car fails always and whose room can not be undone.
func driven(p *play) *play {
	return p.serve(func(a asked) answer {
		if strings.Contains(a.URL, "/car") || strings.HasSuffix(a.URL, "/room/1/undo") {
			return answer{status: 422, body: "{}"}
		}
		return answer{body: "1"}
	})
}

func TestSagaUndoesNewestFirst(t *testing.T) {
	calls := []string{
		"flight: POST shop:/flight", "note: POST shop:/note", "room: POST shop:/room", "car: POST shop:/car",
		"room/undo: POST shop:/room/1/undo", "flight/undo: POST shop:/flight/1/undo",
	}
	for _, body := range []string{`await saga(book)`, `await book(saga())`} {
		p := driven(start(t, trip+`try { `+body+` } catch (e) { return [e.code, e.status, e.url, e.undoErrors.map((u) => u.url)] }`))
		p.gives(`["HTTP_ERROR",422,"https://shop.example/v2/car",["https://shop.example/v2/room/1/undo"]]`)
		p.logs(calls...)
		if len(p.lines) != 1 || p.lines[0].Level != "error" || !strings.Contains(p.lines[0].Msg, "the undo of step room failed") {
			t.Errorf("lines: %+v", p.lines)
		}
		// What the saga has undone is not undone again when the handler fails with it.
		p = driven(start(t, trip+body))
		p.fails("HTTP_ERROR POST https://shop.example/v2/car answered 422")
		p.logs(calls...)
	}
}

func TestSagaInARequest(t *testing.T) {
	source := imports + `export default { async fetch(request, env) { ` + trip + `
		return await saga(book).catch((e) => Response.json([e.status, e.undoErrors.length])) } }`
	p := driven(begin(t, source, vm.Start{Handler: vm.HandlerFetch, Request: &vm.Request{Method: "GET", URL: "http://shop.example/"}}))
	if p.turn.Err != nil || p.turn.Response == nil || string(p.turn.Response.Body.Inline) != "[422,1]" {
		t.Fatalf("%v %+v", p.turn.Err, p.turn.Response)
	}
}

func TestSagaThatSucceeds(t *testing.T) {
	fine := func(asked) answer { return answer{body: "1"} }
	p := start(t, trip+`return await saga(book)`).serve(fine)
	p.gives("1")
	if len(p.log) != 4 {
		t.Errorf("%q", p.log)
	}
	// Should the handler fail later on, its steps are undone like any other.
	p = start(t, trip+`await saga(book); throw new Error("later")`).serve(fine)
	p.fails("later")
	if got := strings.Join(p.log[4:], ", "); got != "car/undo: POST shop:/car/1/undo, room/undo: POST shop:/room/1/undo, flight/undo: POST shop:/flight/1/undo" {
		t.Error(got)
	}
	// A step that fails and is caught is no failure of a saga with a function.
	start(t, `return await saga(async (s) => { await s.step("a", () => 1, () => { throw 1 }); await s.step("b", () => { throw 2 }).catch(() => {}); return 3 })`).gives("3")
}

func TestSagaWaitsForItsSteps(t *testing.T) {
	// Steps beside the one that failed have perhaps happened: they are waited
	// for and undone, and none begins after the failure.
	p := start(t, `const go = (s, x) => s.step(x, () => env.shop.put("/" + x), () => env.shop.delete("/" + x));
		const log = [];
		await saga((s) => Promise.all([go(s, "a"), go(s, "b"), go(s, "c").then(() => go(s, "d")).catch((e) => log.push(e.code))])).catch((e) => log.push(e.code));
		return log`)
	p.fail("PUT shop:/a", call.CodeNetwork)
	p.reply("PUT shop:/b", answer{status: 204})
	if len(p.open) != 1 {
		t.Fatalf("open: %q", p.targets())
	}
	p.reply("PUT shop:/c", answer{status: 204})
	p.reply("DELETE shop:/c", answer{status: 204})
	p.reply("DELETE shop:/b", answer{status: 204})
	p.gives(`["ABORT_ERROR","NETWORK_ERROR"]`)
}

func TestSagaAndTheFailingRun(t *testing.T) {
	// The handler fails while a saga undoes: what is being undone is waited for,
	// the rest is undone by the run, each once.
	p := start(t, `const go = (s, x) => s.step(x, () => env.shop.put("/" + x), () => env.shop.delete("/" + x));
		const trip = saga(async (s) => { await go(s, "a"); await go(s, "b"); await go(s, "c"); throw new Error("trip") });
		await Promise.all([trip, env.shop.get("/other")])`)
	for _, x := range []string{"a", "b", "c"} {
		p.reply("PUT shop:/"+x, answer{status: 204})
	}
	p.fail("GET shop:/other", call.CodeNetwork) // while c is being undone
	if got := fmt.Sprint(p.targets()); got != "[DELETE shop:/c]" {
		t.Fatalf("open: %s", got)
	}
	p.reply("DELETE shop:/c", answer{status: 204})
	p.reply("DELETE shop:/b", answer{status: 204})
	p.reply("DELETE shop:/a", answer{status: 204})
	p.fails("NETWORK_ERROR")
	if got := strings.Count(strings.Join(p.log, " "), "DELETE"); got != 3 || len(p.lines) != 0 {
		t.Errorf("%q %+v", p.log, p.lines)
	}
	// An undo that fails meanwhile is told once.
	p = start(t, `const trip = saga(async (s) => { await s.step("a", () => 1, () => env.shop.delete("/a")); throw new Error("trip") });
		await Promise.all([trip, env.shop.get("/other")])`)
	p.fail("GET shop:/other", call.CodeNetwork)
	p.fail("DELETE shop:/a", call.CodeNetwork)
	p.fails("NETWORK_ERROR GET shop:/other failed")
	if len(p.lines) != 1 {
		t.Errorf("%+v", p.lines)
	}
	// One that a timeout has cut off is the run's to undo.
	p = start(t, `await step("outer", () => saga(async (s) => { await s.step("a", () => env.shop.put("/a"), () => env.shop.delete("/a")); await env.shop.get("/stuck") }), { timeout: "1s" })`)
	p.reply("PUT shop:/a", answer{status: 204})
	p.fire("timeout of step outer")
	p.reply("DELETE shop:/a", answer{status: 204})
	p.fails("TIMEOUT_ERROR")
}

func TestSagaUndoneByHand(t *testing.T) {
	p := start(t, `const s = saga();
		await s.step("a", () => 1, () => { throw new Error("no") });
		const errors = await s.undo();
		return [errors.map((e) => e.message), (await s.undo()).length, await s.step("b", () => 1).catch((e) => e.code)]`)
	p.gives(`[["no"],1,"ABORT_ERROR"]`)
}
