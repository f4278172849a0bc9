package vm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"pgregory.net/rapid"

	"reprise/runtime/vm"
)

// jsonModule offers parse(text), which makes values at once, lazy(text), which
// makes them later, and write(value).
type jsonModule struct{}

func (jsonModule) Name() string { return "json" }

func (jsonModule) Exports(v *vm.VM) *goja.Object {
	o := v.Runtime().NewObject()
	reader := func(read func([]byte) (goja.Value, error)) func(goja.FunctionCall) goja.Value {
		return func(c goja.FunctionCall) goja.Value {
			value, err := read([]byte(v.Arg(c, 0).String()))
			if err != nil {
				panic(v.ErrorValue(err))
			}
			return value
		}
	}
	_ = o.Set("parse", reader(v.ParseJSON))
	_ = o.Set("lazy", reader(v.LazyJSON))
	_ = o.Set("write", func(c goja.FunctionCall) goja.Value {
		b, err := v.Stringify(v.Arg(c, 0))
		if err != nil {
			panic(v.ErrorValue(err))
		}
		return v.Runtime().ToValue(string(b))
	})
	return o
}

// evaluate runs an expression over parse, lazy, write and input.
func evaluate(t interface{ Fatal(...any) }, expr, input string) string {
	p, err := vm.Compile([]byte(`(async (__reprise) => { "use strict"; const { parse, lazy, write } = __reprise.module("json");
		__reprise.exports({ default: async (input) => { return `+expr+` } }); })`), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.New(p, vm.Config{Modules: []vm.Module{jsonModule{}}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(input)
	turn := v.Begin(vm.Start{Run: "r", Script: "s", Handler: vm.HandlerRun, Input: text, Now: epoch})
	if turn.Err != nil {
		return turn.Err.Error()
	}
	return string(turn.Value)
}

// long pads a document so that it is worth being lazy.
const long = `"padding":"` + `0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"`

// looks are what a script can do to a value; each must give the same result
// for a lazy one as for an ordinary one.
var looks = []string{
	`v`, `[v, v]`, `{ ...v }`, `[...Object.keys(v)]`, `Object.entries(v)`, `Array.isArray(v)`, `typeof v`, `v.a`, `v["b"]`, `v[0]`, `v.length`,
	`"a" in v`, `"toString" in v`, `Object.hasOwn(v, "a")`, `v.hasOwnProperty("0")`, `JSON.stringify(v)`, `JSON.stringify(v, null, 1)`,
	`JSON.stringify(v, (k, x) => (k === "a" ? 1 : x))`, `(v.x = 1, v)`, `(delete v.a, v)`, `(v[0] = "first", v)`, `v instanceof Object`, `v instanceof Array`,
	`Object.getPrototypeOf(v) === (Array.isArray(v) ? Array : Object).prototype`, `Object.getOwnPropertyDescriptor(v, "a")`,
	`Object.getOwnPropertyDescriptor(v, "length")`, `(Object.defineProperty(v, "z", { value: 9 }), v.z + Object.keys(v).length)`,
	`(Object.freeze(v), Object.isFrozen(v))`, `Object.prototype.toString.call(v)`, `String(v)`, `v == v`, `v.a === v.a`, `await v`, `await Promise.resolve([v])`,
	`(v.toJSON = () => 7, { v })`, `Object.isExtensible(v)`, `Reflect.ownKeys(v)`, `(() => { const out = []; for (const k in v) out.push(k); return out })()`,
	`Array.isArray(v) ? v.map((x) => x) : 0`, `Array.isArray(v) ? [...v] : 0`, `Array.isArray(v) ? v.concat([1]) : 0`, `Array.isArray(v) ? (v.push(1), v) : 0`,
	`(() => { const s = Symbol(); v[s] = 1; return v[s] })()`, `Object.assign({}, v)`, `v.then`, `v.toJSON`, `v.__proto__ === Object.prototype`, `Object.values(v).length`,
	`{ s: { toJSON() { return JSON.stringify(v) } } }`, `{ s: { toJSON() { return [v, v] } } }`,
}

var documents = []string{
	`{` + long + `}`, `{"a":1,"b":[1,2,{"c":null}],` + long + `}`, `[1,2,{` + long + `}]`, `[{"a":1},` + `{` + long + `}]`,
	` { "a" : 1.50 , ` + long + ` } `, `{"b":1,"a":2,"1":3,"0":4,` + long + `}`, `{"a":1,"a":2,` + long + `}`, `{"__proto__":{"x":1},"a":1,` + long + `}`,
	`{"toJSON":1,"a":2,` + long + `}`, `{"then":1,` + long + `}`, `{"t\u0068en":1,"a":"\u00e9\/",` + long + `}`, `{"a":"é\ud83d\ude00\ud800",` + long + `}`,
	`{"a":-0,"b":1e3,"c":0.0000001,"d":12345678901234567890,"e":1.10,` + long + `}`, `{"a":{"toJSON":5,"b":1},` + long + `}`, `"` + strings.Repeat("x", 300) + `"`,
}

func TestLazyValuesBehaveLikeOthers(t *testing.T) {
	for _, doc := range documents {
		for _, look := range looks {
			ordinary := evaluate(t, `(async (v) => (`+look+`))(parse(input))`, doc)
			lazy := evaluate(t, `(async (v) => (`+look+`))(lazy(input))`, doc)
			if ordinary != lazy {
				t.Errorf("%s of %.60s…\nordinary %s\nlazy     %s", look, doc, ordinary, lazy)
			}
			// And once more after a first touch.
			touched := evaluate(t, `(async (v) => (Object.keys(v), (`+look+`)))(lazy(input))`, doc)
			if ordinary != touched {
				t.Errorf("touched: %s of %.60s…\nordinary %s\nlazy     %s", look, doc, ordinary, touched)
			}
		}
	}
}

func TestUntouchedTextGoesOutAsItCame(t *testing.T) {
	// What the engine's own JSON.stringify writes of the parsed value, the
	// splice writes of the untouched one, for any document.
	rapid.Check(t, func(t *rapid.T) {
		doc := document(t, 0)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "spaces") {
			text, _ = json.MarshalIndent(doc, "", " ")
		}
		input := fmt.Sprintf(`{"d":%s,%s}`, text, long)
		want := evaluate(t, `JSON.stringify([1, JSON.parse(input), { x: JSON.parse(input) }])`, input)
		got := evaluate(t, `write([1, lazy(input), { x: lazy(input) }])`, input)
		if want != got {
			t.Fatalf("want %s\ngot  %s", want, got)
		}
	})
}

// document draws a JSON value.
func document(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 6).Draw(t, "kind")
	if depth > 3 && kind > 4 {
		kind = 0
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Float64().Draw(t, "float")
	case 3:
		return rapid.IntRange(-1e6, 1e9).Draw(t, "int")
	case 4:
		return rapid.String().Draw(t, "string")
	case 5:
		items := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "length") {
			items = append(items, document(t, depth+1))
		}
		return items
	}
	members := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "size") {
		members[rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,3}|[a-c]|toJSON|then`)).Draw(t, "key")] = document(t, depth+1)
	}
	return members
}

func TestToJSONMayWriteJSON(t *testing.T) {
	// A toJSON that writes JSON of its own meets no stand-ins, and neither does
	// what is written after it.
	doc := `{"a":1,` + long + `}`
	for _, expr := range []string{
		`{ x: lazy(input), y: { toJSON() { return [$(lazy(input)), 1] } }, z: lazy(input) }`,
		`{ y: { toJSON() { return JSON.parse($(lazy(input))) } }, z: lazy(input) }`,
		`{ y: { toJSON() { $({ deep: { toJSON() { return $(lazy(input)) } } }); return 1 } }, z: lazy(input) }`,
	} {
		want := evaluate(t, `((lazy) => JSON.stringify(`+strings.ReplaceAll(expr, "$", "JSON.stringify")+`))(JSON.parse)`, doc)
		got := evaluate(t, `write(`+strings.ReplaceAll(expr, "$", "write")+`)`, doc)
		if want != got {
			t.Errorf("%s\nwant %.300s\ngot  %.300s", expr, want, got)
		}
	}
	kept := evaluate(t, `write({ x: ((l) => ({ toJSON() { return this.kept ??= JSON.stringify(l) } }))(lazy(input)) })`, doc)
	if !strings.Contains(kept, "make that text anew") && !strings.Contains(kept, `padding`) {
		t.Errorf("a kept text: %.300s", kept)
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(d))
	}
	for _, s := range []string{`[1,]`, `{"a"}`, `01`, `-`, `1.`, `"\x"`, `"\u12"`, "\"\x01\"", `{"a":1}}`, ``, `nul`, `"\ud800"`, "\xef\xbb\xbf1"} {
		f.Add([]byte(s))
	}
	v := mustLoad(f, `async () => 1`)
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := v.ParseJSON(text)
		trimmed := strings.TrimPrefix(string(text), "\xef\xbb\xbf")
		if trimmed == "" {
			return
		}
		if valid := json.Valid([]byte(trimmed)); valid != (err == nil) && !strings.Contains(fmt.Sprint(err), "nested too deeply") {
			t.Fatalf("valid %v, err %v", valid, err)
		}
		lazy, lazyErr := v.LazyJSON(text)
		if (err == nil) != (lazyErr == nil) {
			t.Fatalf("err %v, lazily %v", err, lazyErr)
		}
		if err != nil {
			return
		}
		a, errA := v.Stringify(value)
		b, errB := v.Stringify(lazy)
		if string(a) != string(b) || (errA == nil) != (errB == nil) {
			t.Fatalf("%s, lazily %s (%v, %v)", a, b, errA, errB)
		}
	})
}

func BenchmarkLazyPassThrough(b *testing.B) {
	text := []byte(`{"id":"1","name":"service-1","ok":true,"price":19.95,"tags":["a","b","c"],"items":[` +
		strings.Repeat(`{"sku":"1-00001","qty":1,"unit":1.5,"note":"lorem ipsum dolor"},`, 13) + `{}],"total_1":1000}`)
	v := mustLoad(b, `async () => 1`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		value, err := v.LazyJSON(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Stringify(value); err != nil {
			b.Fatal(err)
		}
	}
}

func TestScriptsThatMakeJSONSeeNoStandIns(t *testing.T) {
	// A toJSON, getter or proxy that makes JSON of a value that was received,
	// while the engine writes JSON around it, gets that value's text.
	text := `{"text":"` + strings.Repeat("x", 300) + `","n":1}`
	size := fmt.Sprint(len(text))
	for name, expr := range map[string]string{
		"toJSON":       `write({ toJSON() { return JSON.stringify(value).length } })`,
		"async toJSON": `(() => { let n; write({ toJSON() { (async () => { n = JSON.stringify(value).length })(); } }); return n; })()`,
		"getter":       `write({ get a() { return JSON.stringify({ value }).length - 10 } }).slice(5, -1)`,
		"proxy":        `write(new Proxy({ value }, { get: (o, k) => k === "value" ? JSON.stringify(o.value).length : o[k] })).slice(9, -1)`,
		"write":        `write({ toJSON() { return write(value).length } })`,
		"the handler":  `JSON.stringify(value).length`,
	} {
		t.Run(name, func(t *testing.T) {
			got := evaluate(t, `((value) => `+expr+`)(lazy(input))`, text)
			if strings.Trim(got, `"`) != size {
				t.Errorf("got %s, want %s", got, size)
			}
		})
	}
	// Around it, the text still goes out as it came.
	got := evaluate(t, `((value) => write({ a: value, toJSON() { JSON.stringify(value); return { ...this, toJSON: undefined } } }).length)(lazy(input))`, text)
	if got != fmt.Sprint(len(text)+len(`{"a":}`)) {
		t.Errorf("length %s", got)
	}
}
