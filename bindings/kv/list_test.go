package kv_test

import (
	"testing"

	"reprise/runtime/call"
)

// asyncLoop is what esbuild makes of `for await (const e of list) body`.
func asyncLoop(list, body string) string {
	return `const it = ` + list + `[Symbol.asyncIterator](); try { for (let s; !(s = await it.next()).done;) { const e = s.value; ` + body + ` } } finally { await it.return() }`
}

func seeded(t *testing.T) *world {
	w := newWorld(t)
	w.must("s", `for (const k of [["a"], ["a", 1], ["a", 2], ["a", 3], ["a", 3, "x"], ["b", 1], [1], [new Uint8Array([1])], [true], [2n]]) await kv.set(k, k.length)`)
	w.calls = nil
	return w
}

func TestListSelectors(t *testing.T) {
	w := seeded(t)
	for selector, want := range map[string]string{
		`{ prefix: ["a"] }`:                                            `[["a",1],["a",2],["a",3],["a",3,"x"]]`,
		`{ prefix: ["a", 3] }`:                                         `[["a",3,"x"]]`,
		`{ prefix: ["a"], start: ["a", 2] }`:                           `[["a",2],["a",3],["a",3,"x"]]`,
		`{ prefix: ["a"], end: ["a", 3] }`:                             `[["a",1],["a",2]]`,
		`{ start: ["a", 3], end: ["b", 2] }`:                           `[["a",3],["a",3,"x"],["b",1]]`,
		`{ start: ["b"] }`:                                             `[["b",1],[1],["2n"],[true]]`,
		`{ end: ["a", 2] }`:                                            `[["01"],["a"],["a",1]]`,
		`{ end: [] }`:                                                  `[]`,
		`{ start: ["b"], end: ["a"] }`:                                 `[]`,
		`{ prefix: ["none"] }`:                                         `[]`,
		`{ prefix: ["a"] }, { reverse: true }`:                         `[["a",3,"x"],["a",3],["a",2],["a",1]]`,
		`{ prefix: ["a"] }, { limit: 2 }`:                              `[["a",1],["a",2]]`,
		`{ prefix: ["a"] }, { batchSize: 1 }`:                          `[["a",1],["a",2],["a",3],["a",3,"x"]]`,
		`{ prefix: ["a"] }, { batchSize: 3, limit: 4, reverse: true }`: `[["a",3,"x"],["a",3],["a",2],["a",1]]`,
	} {
		const show = `.map((e) => e.key.map((p) => typeof p === "bigint" ? p + "n" : p instanceof Uint8Array ? p.toHex() : p))`
		expect(t, w.must("s", `return (await kv.list(`+selector+`).toArray())`+show), want)
		expect(t, w.must("s", `const seen = []; `+asyncLoop(`kv.list(`+selector+`)`, `seen.push(e)`)+` return seen`+show), want)
	}
	expect(t, w.must("s", `return (await kv.list({ prefix: [] }).toArray()).length`), `10`)
	expect(t, w.must("s", `return (await kv.list({ prefix: ["a", 3] }).toArray())[0]`), `{"key":["a",3,"x"],"value":3,"versionstamp":"00000000000000000005"}`)
}

func TestListPages(t *testing.T) {
	// A cursor goes on where a list ended, and is empty at the end.
	w := seeded(t)
	for _, reverse := range []string{"false", "true"} {
		for _, limit := range []string{"1", "2", "3", "4"} {
			got := w.must("s", `let cursor = "", pages = 0, keys = [];
				do { const page = kv.list({ prefix: ["a"] }, { limit: `+limit+`, reverse: `+reverse+`, cursor });
					for (const e of await page.toArray()) keys.push(e.key.slice(1).join());
					cursor = page.cursor; pages++; } while (cursor);
				return [pages, keys.join(" ")]`)
			want := map[string]string{"1": `4`, "2": `2`, "3": `2`, "4": `1`}[limit]
			keys := map[string]string{"false": `1 2 3 3,x`, "true": `3,x 3 2 1`}[reverse]
			expect(t, got, `[`+want+`,"`+keys+`"]`)
		}
	}
	_, err := w.run("s", `const page = kv.list({ prefix: ["a"] }, { limit: 1 }); await page.toArray(); kv.list({ prefix: ["b"] }, { cursor: page.cursor })`)
	expectError(t, err, call.CodeInvalidArgument, "belongs to another list")
}

func TestListIsLazy(t *testing.T) {
	w := seeded(t)
	w.must("s", `const l = kv.list({ prefix: [] }, { batchSize: 2 }); return 1`)
	if len(w.calls) != 0 {
		t.Errorf("a list that nobody iterates made %d calls", len(w.calls))
	}
	w.must("s", asyncLoop(`kv.list({ prefix: [] }, { batchSize: 2 })`, `if (e.key[0] === "a" && e.key[1] === 1) break;`))
	if len(w.calls) != 2 {
		t.Errorf("three entries in batches of two took %d calls", len(w.calls))
	}
	w.calls = nil
	w.must("s", `await kv.list({ prefix: [] }, { limit: 3 }).toArray()`)
	if len(w.calls) != 1 {
		t.Errorf("three entries took %d calls", len(w.calls))
	}
}

func TestListWithoutSymbol(t *testing.T) {
	w := newWorld(t)
	for _, symbol := range []string{"5", "undefined", "{}", "{ for: () => 1 }"} {
		expect(t, w.must("s", `globalThis.Symbol = `+symbol+`; try { kv.list({ prefix: [] }); return "made" } catch (e) { return e.name }`), `"TypeError"`)
	}
}

func TestListConcurrentNext(t *testing.T) {
	// next() may be called again before it is answered; answers keep the order.
	w := seeded(t)
	got := w.must("s", `const l = kv.list({ prefix: ["a"] }, { batchSize: 3 });
		const steps = await Promise.all([l.next(), l.next(), l.next(), l.next(), l.next(), l.next()]);
		return steps.map((s) => s.done ? "done" : s.value.key.slice(1).join())`)
	expect(t, got, `["1","2","3","3,x","done","done"]`)
	expect(t, w.must("s", `const l = kv.list({ prefix: ["a"] }); await l.next(); await l.return(); return [await l.next(), (await l.toArray()).length]`), `[{"done":true},0]`)
	_, err := w.run("s", `const { next } = kv.list({ prefix: [] }); next()`)
	if err == nil || err.Name != "TypeError" {
		t.Errorf("a detached next: %v", err)
	}
}

func TestListHeavyBatches(t *testing.T) {
	// Large values end a batch early; the list goes on all the same.
	w := newWorld(t)
	w.must("s", `for (let i = 0; i < 10; i++) await kv.set(["big", i], "x".repeat(300_000))`)
	w.calls = nil
	expect(t, w.must("s", `let n = 0; const keys = []; `+asyncLoop(`kv.list({ prefix: ["big"] })`, `n += e.value.length; keys.push(e.key[1])`)+` return [n, keys.join()]`),
		`[3000000,"0,1,2,3,4,5,6,7,8,9"]`)
	if len(w.calls) < 2 {
		t.Errorf("3 MB came in %d calls", len(w.calls))
	}
}

func TestListFailure(t *testing.T) {
	// A failed read rejects every next(), and toArray().
	w := seeded(t)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := w.run("s", `await kv.list({ prefix: [] }).toArray()`)
	expectError(t, err, call.CodeUnavailable, "the server is stopping")
	_, err = w.run("s", `await kv.list({ prefix: [] }).next()`)
	expectError(t, err, call.CodeUnavailable, "the server is stopping")
	expect(t, w.must("s", `const l = kv.list({ prefix: [] }); const r = await Promise.allSettled([l.next(), l.next()]); return r.map((x) => x.reason.code)`), `["UNAVAILABLE_ERROR","UNAVAILABLE_ERROR"]`)
}
