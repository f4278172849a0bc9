package kv_test

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"reprise/bindings/kv"
	"reprise/runtime/call"
)

func TestValuesAreStoredReadably(t *testing.T) {
	// What is stored for each value, and what comes back.
	w := newWorld(t)
	for _, tc := range []struct{ value, stored, back string }{
		{`null`, `null`, `v === null`},
		{`true`, `true`, `v === true`},
		{`-1.5e300`, `-1.5e+300`, `v === -1.5e300`},
		{`123456789012`, `123456789012`, `v === 123456789012`},
		{`0`, `0`, `Object.is(v, 0)`},
		{`-0`, `{"$number":"-0"}`, `Object.is(v, -0)`},
		{`[NaN, Infinity, -Infinity]`, `[{"$number":"NaN"},{"$number":"Infinity"},{"$number":"-Infinity"}]`, `Object.is(v[0], NaN) && v[1] === Infinity && v[2] === -Infinity`},
		{`"é\n\"<😀"`, `"é\n\"\u003c😀"`, `v === "é\n\"<😀"`},
		{`"\ud800x"`, `"\ud800\u0078"`, `v === "\ud800x"`},
		{`{ a: [1, { b: "x" }], "": null }`, `{"a":[1,{"b":"x"}],"":null}`, `v.a[1].b === "x" && v[""] === null`},
		{`{ a: undefined, b: [undefined, , 1] }`, `{"b":[null,null,1]}`, `!("a" in v) && v.b[0] === null && v.b[1] === null`},
		{`new Date(0)`, `{"$date":"1970-01-01T00:00:00.000Z"}`, `v instanceof Date && v.getTime() === 0`},
		{`2n ** 70n`, `{"$bigint":"1180591620717411303424"}`, `v === 2n ** 70n`},
		{`new Uint8Array([1, 2, 255])`, `{"$bytes":"AQL/"}`, `v instanceof Uint8Array && v.length === 3 && v[2] === 255`},
		{`new Uint8Array([1, 2, 3, 4]).subarray(1, 3)`, `{"$bytes":"AgM="}`, `v.length === 2 && v[0] === 2`},
		{`new Uint8Array(0)`, `{"$bytes":""}`, `v instanceof Uint8Array && v.length === 0`},
		{`new Map([["a", new Map([[1n, new Set([2])]])]])`, `{"$map":[["a",{"$map":[[{"$bigint":"1"},{"$set":[2]}]]}]]}`, `v.get("a").get(1n).has(2)`},
		{`new Set([new Date(5), 1])`, `{"$set":[{"$date":"1970-01-01T00:00:00.005Z"},1]}`, `[...v][0].getTime() === 5 && v.has(1)`},
		{`{ $date: "not one" }`, `{"$object":{"$date":"not one"}}`, `v.$date === "not one" && Object.keys(v).length === 1`},
		{`{ $object: { $set: [1n] } }`, `{"$object":{"$object":{"$object":{"$set":[{"$bigint":"1"}]}}}}`, `v.$object.$set[0] === 1n`},
		{`{ a: "é", b: [1n, "é"] }`, `{"a":"é","b":[{"$bigint":"1"},"é"]}`, `v.a === "é" && v.b[0] === 1n && v.b[1] === "é"`},
		{`{ $a: 1, $b: 2 }`, `{"$a":1,"$b":2}`, `v.$a === 1 && v.$b === 2`},
		{`{ toJSON() { return { day: new Date(0) } } }`, `{"day":{"$date":"1970-01-01T00:00:00.000Z"}}`, `v.day.getTime() === 0`},
		{`new (class Point { x = 1; #y = 2; get z() { return 3 } })()`, `{"x":1}`, `v.x === 1`},
		{`[new String("s"), new Number(1), new Boolean(false)]`, `["s",1,false]`, `v[0] === "s" && v[2] === false`},
		{`new Proxy({ a: new Proxy([1, new Date(0)], {}) }, {})`, `{"a":[1,{"$date":"1970-01-01T00:00:00.000Z"}]}`, `v.a[1] instanceof Date`},
		{`JSON.parse('{"__proto__":1}')`, `{"__proto__":1}`, `Object.hasOwn(v, "__proto__")`},
	} {
		got := w.must("s", `await kv.set(["v"], `+tc.value+`); const v = (await kv.get(["v"])).value; return `+tc.back)
		if got != "true" {
			t.Errorf("%s came back wrong: %s", tc.value, tc.back)
		}
		key, _ := kv.Key{"v"}.Encode()
		entries, err := w.store.Get(context.Background(), "script:s", key)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, string(entries[0].Value), tc.stored)
	}
}

func TestValuesThatCanNotBeStored(t *testing.T) {
	w := newWorld(t)
	for value, text := range map[string]string{
		`undefined`:              "undefined is not one",
		`() => 1`:                "the value is a function",
		`{ a: [1, { f() {} }] }`: "the value.a[1].f is a function",
		`Symbol("x")`:            "the value is a symbol",
		`Promise.resolve(1)`:     "the value is a Promise",
		`/x/`:                    "the value is a RegExp",
		`new Error("x")`:         "store its message",
		`new WeakMap()`:          "the value is a WeakMap",
		`new Uint16Array(1)`:     "the value is a Uint16Array",
		`new ArrayBuffer(1)`:     "the value is a ArrayBuffer",
		`new Date(NaN)`:          "an invalid Date",
		`kv.atomic()`:            "which can not be stored",
		`(() => { const a = {}; a.a = [a]; return a })()`:                           "the value.a[0] is an object that contains itself",
		`(() => { const m = new Map(); m.set(1, m); return m })()`:                  "contains itself",
		`(() => { let a = []; for (let i = 0; i < 300; i++) a = [a]; return a })()`: "nested deeper than 200",
		`{ toJSON() { return undefined } }`:                                         "toJSON returns undefined",
	} {
		_, err := w.run("s", `await kv.set(["v"], `+value+`)`)
		expectError(t, err, call.CodeInvalidArgument, text)
	}
	// What the script's own code throws goes on as it is.
	_, err := w.run("s", `await kv.set(["v"], { get a() { throw new RangeError("mine") } })`)
	if err == nil || err.Error() != "RangeError: mine" {
		t.Errorf("err = %v", err)
	}
	expect(t, w.must("s", `const same = { x: 1 }; await kv.set(["v"], [same, same]); return (await kv.get(["v"])).value`), `[{"x":1},{"x":1}]`)
}

func TestJSONValuesRoundTrip(t *testing.T) {
	// Whatever JSON.parse can make comes back equal.
	w := newWorld(t)
	var value func(depth int) *rapid.Generator[any]
	name := rapid.SampledFrom([]string{"a", "$date", "$map", "$object", "$", "__proto__", "é"})
	value = func(depth int) *rapid.Generator[any] {
		leaf := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Just[any](true), rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.StringN(0, 8, -1).AsAny(),
		}
		if depth > 0 {
			leaf = append(leaf, rapid.SliceOfN(value(depth-1), 0, 3).AsAny(), rapid.MapOfN(name, value(depth-1), 0, 2).AsAny())
		}
		return rapid.OneOf(leaf...)
	}
	var values []any
	rapid.Check(t, func(t *rapid.T) { values = append(values, value(3).Draw(t, "value")) })
	for len(values) > 0 {
		n := min(50, len(values))
		got := w.must("s", `const bad = []; for (const text of `+text(texts(values[:n]))+`) {
			await kv.set(["v"], JSON.parse(text)); const back = JSON.stringify((await kv.get(["v"])).value);
			if (back !== JSON.stringify(JSON.parse(text))) bad.push([text, back]); } return bad`)
		expect(t, got, `[]`)
		values = values[n:]
	}
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(v)
	}
	return out
}

func TestForeignValues(t *testing.T) {
	// The host lets nothing in that is not JSON; what has a wrong tag can not
	// be read, and says where it is.
	w := newWorld(t)
	for _, stored := range []string{`{"$date":5}x`, `{"$bytes":"!"}`, `{"$map":3}`, `{"$map":[1]}`, `{"$later":1}`, `{"$bigint":"1e5"}`, `{"$number":"x"}`, `{"$object":1}`} {
		args := text(kv.CommitArgs{Writes: []kv.Write{{Op: kv.OpSet, Key: kv.Key{"v"}, Size: len(stored)}}})
		o := w.perform("s", call.Call{Kind: kv.KindCommit, Args: []byte(args), Body: call.Bytes([]byte(stored))})
		if o.Err != nil {
			expectError(t, o.Err, call.CodeInvalidJSON, "is not JSON")
			continue
		}
		_, err := w.run("s", `await kv.get(["v"])`)
		expectError(t, err, call.CodeStore, `the value of ["v"] can not be read`)
	}
}
