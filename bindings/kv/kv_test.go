package kv_test

import (
	"strings"
	"testing"
	"time"

	"reprise/runtime/call"
)

func TestGetSetDelete(t *testing.T) {
	w := newWorld(t)
	expect(t, w.must("s", `return await kv.get(["a"])`), `{"key":["a"],"value":null,"versionstamp":null}`)
	expect(t, w.must("s", `return await kv.set(["a"], { n: 1 })`), `{"ok":true,"versionstamp":"00000000000000000001"}`)
	expect(t, w.must("s", `return await kv.get(["a"])`), `{"key":["a"],"value":{"n":1},"versionstamp":"00000000000000000001"}`)
	expect(t, w.must("s", `await kv.set(["b", 2n], "x"); return (await kv.getMany([["a"], ["none"], ["b", 2n]])).map((e) => e.value)`), `[{"n":1},null,"x"]`)
	expect(t, w.must("s", `await kv.delete(["a"]); return (await kv.get(["a"])).versionstamp`), `null`)
	expect(t, w.must("s", `const { get } = kv; return [await kv.getMany([]), (await get(["a"])).value]`), `[[],null]`)
}

func TestCallsAreReadable(t *testing.T) {
	// What a log line and a journal show of a call.
	w := newWorld(t)
	w.must("s", `await kv.set(["orders", 42], 1, { expireIn: "1m" }); await kv.get(["orders", 42]); await kv.open("shop").delete(["x"]);
		await kv.atomic().sum(["n"], 1).commit(); await kv.list({ prefix: ["orders"] }).toArray()`)
	type row struct{ kind, target, class, args string }
	for i, want := range []row{
		{"kv.commit", `set ["orders",42]`, "idempotent write", `{"writes":[{"op":"set","key":["orders",42],"size":1,"expiresMs":1767323105000}]}`},
		{"kv.get", `get ["orders",42]`, "read", `{"keys":[["orders",42]]}`},
		{"kv.commit", `delete shop ["x"]`, "idempotent write", `{"namespace":"shop","writes":[{"op":"delete","key":["x"]}]}`},
		{"kv.commit", `atomic ["n"]`, "write", `{"writes":[{"op":"sum","key":["n"],"delta":1}]}`},
		{"kv.list", `list ["orders"]`, "read", `{"prefix":["orders"],"limit":100}`},
	} {
		c := w.calls[i]
		if got := (row{c.Kind, c.Target, c.Class.String(), string(c.Args)}); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestNamespaces(t *testing.T) {
	// A script has a namespace of its own; shared ones are found by name; the
	// two never meet, whatever they are called.
	w := newWorld(t)
	w.must("a", `await kv.set(["k"], "a's"); await kv.open("a").set(["k"], "shared a")`)
	w.must("b", `await kv.set(["k"], "b's")`)
	const read = `return [(await kv.get(["k"])).value, (await kv.open("a").get(["k"])).value, (await kv.open("b").get(["k"])).value]`
	expect(t, w.must("a", read), `["a's","shared a",null]`)
	expect(t, w.must("b", read), `["b's","shared a",null]`)
	for _, name := range []string{`""`, `"a b"`, `"ä"`, `"x".repeat(101)`, `"script:a"`} {
		_, err := w.run("b", `kv.open(`+name+`)`)
		expectError(t, err, call.CodeInvalidArgument, "shared namespace")
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	w.must("s", `await kv.set(["a"], 1, { expireIn: 5000 }); await kv.set(["b"], 2, { expireIn: "1h" }); await kv.atomic().sum(["n"], 1, { expireIn: "5s" }).commit()`)
	const read = `return (await kv.getMany([["a"], ["b"], ["n"]])).map((e) => e.value)`
	expect(t, w.must("s", read), `[1,2,1]`)
	w.now = w.now.Add(5 * time.Second)
	expect(t, w.must("s", read), `[null,2,null]`)
	expect(t, w.must("s", `return (await kv.atomic().check({ key: ["a"], versionstamp: null }).set(["a"], 3).commit()).ok`), `true`)
}

func TestAtomic(t *testing.T) {
	w := newWorld(t)
	// A check on absence lets one of two through.
	expect(t, w.must("s", `const take = () => kv.atomic().check({ key: ["seat"], versionstamp: null }).set(["seat"], 1).commit();
		const [a, b] = await Promise.all([take(), take()]); return [a.ok, b.ok, b]`), `[true,false,{"ok":false}]`)
	// An entry is a check; nothing is written when it does not hold.
	expect(t, w.must("s", `const seat = await kv.get(["seat"]); await kv.set(["seat"], 2);
		const r = await kv.atomic().check(seat).set(["seat"], 3).set(["other"], 3).commit();
		return [r, (await kv.get(["seat"])).value, (await kv.get(["other"])).value]`), `[{"ok":false},2,null]`)
	expect(t, w.must("s", `const seat = await kv.get(["seat"]);
		const r = await kv.atomic().check(seat, { key: ["other"], versionstamp: null }).delete(["seat"]).set(["other"], 3).commit();
		const [a, b] = await kv.getMany([["seat"], ["other"]]); return [r.ok, a.value, b.value, b.versionstamp === r.versionstamp]`), `[true,null,3,true]`)
	// Sums, of one key twice and of an absent one.
	expect(t, w.must("s", `await kv.set(["n"], 40); await kv.atomic().sum(["n"], 1).sum(["n"], 1).sum(["m"], -0.5).commit();
		return (await kv.getMany([["n"], ["m"]])).map((e) => e.value)`), `[42,-0.5]`)
	// Checks alone ask whether nothing has changed.
	expect(t, w.must("s", `return (await kv.atomic().check(await kv.get(["n"])).commit()).ok`), `true`)
}

func TestAtomicErrors(t *testing.T) {
	w := newWorld(t)
	w.must("s", `await kv.set(["word"], "x")`)
	for body, text := range map[string]string{
		`await kv.atomic().commit()`: "nothing to commit",
		`const a = kv.atomic().set(["a"], 1); await a.commit(); await a.commit()`: "has been committed",
		`const a = kv.atomic().set(["a"], 1); await a.commit(); a.set(["b"], 1)`:  "has been committed",
		`await kv.atomic().sum(["word"], 1).commit()`:                             "number",
		`kv.atomic().sum(["a"], "1")`:                                             "must be a number, not a string",
		`kv.atomic().sum(["a"], Infinity)`:                                        "finite",
		`kv.atomic().check()`:                                                     "not undefined",
		`kv.atomic().check({ key: ["a"] })`:                                       "versionstamp must be",
		`kv.atomic().check({ key: ["a"], versionstamp: "12" })`:                   "not a versionstamp",
		`kv.atomic().check({ key: ["a"], versionstamp: "0".repeat(20) })`:         "not a versionstamp",
		`kv.atomic().check({ key: ["a"], versionStamp: null })`:                   `knows no "versionStamp"`,
		`kv.atomic().set(["a"], 1, { expiresIn: 5 })`:                             `no option "expiresIn"`,
		`kv.atomic().set(["a"])`:                                                  "undefined is not one",
		`kv.atomic().set([], 1)`:                                                  "at least one part",
		`kv.atomic().set(["a"], 1, { expireIn: "soon" })`:                         "not a duration",
		`kv.atomic().set(["a"], 1, { expireIn: 0 })`:                              "at least 1 ms",
		`kv.atomic({ retry: 1 })`:                                                 "it takes none",
	} {
		_, err := w.run("s", body)
		expectError(t, err, call.CodeInvalidArgument, text)
	}
	_, err := w.run("s", `const { set } = kv.atomic(); set(["a"], 1)`)
	if err == nil || err.Name != "TypeError" {
		t.Errorf("a detached method: %v", err)
	}
	// A sum that fails writes nothing.
	expect(t, w.must("s", `try { await kv.atomic().set(["c"], 1).sum(["word"], 1).commit() } catch (e) {} return (await kv.get(["c"])).value`), `null`)
}

func TestArguments(t *testing.T) {
	w := newWorld(t)
	for body, text := range map[string]string{
		`kv.get("a")`:                              `must be an array such as ["orders", 42], not a string`,
		`kv.get()`:                                 "not undefined",
		`kv.get([])`:                               "at least one part",
		`kv.get([null])`:                           "part 1 of the key is null",
		`kv.get(["a", {}])`:                        "part 2 of the key is an object",
		`kv.get([,"a"])`:                           "part 1 of the key is undefined",
		`kv.get([NaN])`:                            "NaN",
		`kv.get(["\ud800"])`:                       "surrogate",
		`kv.get(["\ude00\ud83d"])`:                 "surrogate",
		`kv.get(["a"], { consistency: "weak" })`:   `kv.get has no option "consistency"; it takes none`,
		`kv.getMany(["a"])`:                        "key 1 must be an array",
		`kv.getMany("a")`:                          "takes an array of keys",
		`kv.set(["a"], 1, { ttl: 1 })`:             `no option "ttl"; it takes expireIn`,
		`kv.set(["a"], 1, 5)`:                      "must be an object",
		`kv.delete(["a"], {x: 1})`:                 "it takes none",
		`kv.list()`:                                "list needs a selector",
		`kv.list({})`:                              "list needs a selector",
		`kv.list({ prefx: [] })`:                   `no option "prefx"; it takes prefix, start, end`,
		`kv.list({ prefix: ["a"], start: ["b"] })`: "does not begin with the prefix",
		`kv.list({ prefix: ["a"], start: ["a"], end: ["a"] })`: "not with both",
		`kv.list({ prefix: [] }, { limit: 0 })`:                "limit must be a whole number from 1",
		`kv.list({ prefix: [] }, { limit: 1.5 })`:              "limit must be a whole number from 1",
		`kv.list({ prefix: [] }, { cursor: "???" })`:           "is not a cursor",
		`kv.list({ prefix: [] }, { cursor: 5 })`:               "cursor must be a string",
	} {
		_, err := w.run("s", body)
		expectError(t, err, call.CodeInvalidArgument, text)
	}
	// The length of a proxy is whatever its script says.
	for _, length := range []string{"-1", "undefined", "null", "'3'", "{}", "Symbol()", "-Infinity", "1n"} {
		list := "new Proxy([], { get: (t, k) => k === 'length' ? " + length + " : Reflect.get(t, k) })"
		for _, body := range []string{"kv.get(LIST)", "kv.getMany(LIST)", "kv.set(['a'], LIST)", "kv.set(LIST, 1)", "kv.list({ prefix: LIST })", "kv.atomic().check({ key: LIST, versionstamp: null })"} {
			body = strings.Replace(body, "LIST", list, 1)
			if _, err := w.run("s", body); err == nil || err.Code != string(call.CodeInvalidArgument) {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	expect(t, w.must("s", `await kv.set(["😀", "\u0000", -0], 1); return (await kv.get(["😀", "\u0000", 0])).value`), `1`)
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	for body, text := range map[string]string{
		`kv.get(["x".repeat(2047)])`:                                                                     "a key has at most 2048",
		`kv.get(Array(101).fill(1))`:                                                                     "101 parts",
		`kv.get([2n ** 20000n])`:                                                                         "bigint of 2501 bytes",
		`kv.getMany(Array(101).fill(["a"]))`:                                                             "at most 100",
		`kv.set(["a"], "x".repeat(1_000_000))`:                                                           "more than 1000000 bytes",
		`kv.set(["a"], "x".repeat(2_000_000))`:                                                           "more than 1000000 bytes",
		`kv.set(["a"], "é".repeat(500_000))`:                                                             "more than 1000000 bytes",
		`kv.set(["a"], Array.from({ length: 1100 }, () => "x".repeat(1000)))`:                            "more than 1000000 bytes",
		`const a = []; a.length = 4294967295; kv.set(["a"], a)`:                                          "more than 1000000 bytes",
		`kv.set(["a"], new Uint8Array(800_000))`:                                                         "more than 1000000 bytes",
		`kv.set(["a"], new Map(Array.from({ length: 1100 }, (_, i) => [i, "x".repeat(1000)])))`:          "more than 1000000 bytes",
		`let x = []; for (let i = 0; i < 40; i++) x = [x, x]; kv.set(["a"], x)`:                          "more than 1000000 bytes",
		`const a = kv.atomic(); for (let i = 0; i < 101; i++) a.set([i], i)`:                             "more than 100 writes",
		`const a = kv.atomic(); for (let i = 0; i < 101; i++) a.check({ key: [i], versionstamp: null })`: "more than 100 checks",
		`const a = kv.atomic(); for (let i = 0; i < 3; i++) a.set([i], "x".repeat(999_000))`:             "at most 2000000 together",
		`kv.list({ prefix: [] }, { batchSize: 1001 })`:                                                   "at most 1000",
	} {
		_, err := w.run("s", body)
		expectError(t, err, call.CodeKVLimit, text)
	}
	// The largest of everything fits.
	expect(t, w.must("s", `await kv.set(["a"], "x".repeat(999_998)); return (await kv.get(["a"])).value.length`), `999998`)
	expect(t, w.must("s", `return (await kv.set(["x".repeat(2046)], 1)).ok`), `true`)
	expect(t, w.must("s", `return (await kv.atomic().set([1], "x".repeat(999_900)).set([2], "x".repeat(999_900)).commit()).ok`), `true`)
	expect(t, w.must("s", `const a = kv.atomic(); for (let i = 0; i < 100; i++) a.check({ key: ["n", i], versionstamp: null }).set(["n", i], i); return (await a.commit()).ok`), `true`)
	// Too much to answer at once is an error that says so.
	w.must("s", `for (let i = 0; i < 9; i++) await kv.set(["big", i], "x".repeat(990_000))`)
	_, err := w.run("s", `await kv.getMany(Array.from({ length: 9 }, (_, i) => ["big", i]))`)
	expectError(t, err, call.CodeKVLimit, "ask for fewer keys")
}

func TestKeysOfUntouchedJSON(t *testing.T) {
	// JSON from outside is a proxy until the script looks inside; it is a key
	// like any other.
	w := newWorld(t)
	expect(t, w.must("s", `const key = new Proxy(["a", 1], {}); await kv.set(key, 1); return (await kv.getMany(new Proxy([key], {})))[0].value`), `1`)
}
