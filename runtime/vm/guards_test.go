package vm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// everyWord is a text that asks for every guard: it makes code at run time.
const everyWord = `/* eval */ `

// describeBuiltins says all there is to see of built-ins.
const describeBuiltins = `(paths) => {
	const find = (path) => {
		const [first, ...rest] = path.split(".");
		let o = first === "%TypedArray%" ? Object.getPrototypeOf(Int8Array)
			: first === "%GeneratorPrototype%" ? Object.getPrototypeOf(function* () {}).prototype : globalThis[first];
		for (const name of rest) o = o[name];
		return o;
	};
	const attributes = (d) => [d.writable, d.enumerable, d.configurable, typeof d.get, typeof d.value].join();
	const show = (path) => {
		const f = find(path), at = path.lastIndexOf(".");
		const holder = at < 0 ? globalThis : find(path.slice(0, at)), name = path.slice(at + 1);
		const out = [path, attributes(Object.getOwnPropertyDescriptor(holder, name)), String(f), typeof f, f.name, f.length, Object.isExtensible(f)];
		for (const k of Reflect.ownKeys(f)) out.push(String(k) + ":" + attributes(Object.getOwnPropertyDescriptor(f, k)));
		out.push(Reflect.ownKeys(holder).filter((k) => typeof k === "string").join());
		out.push(Object.getPrototypeOf(f) === Function.prototype, "prototype" in f, f.prototype?.constructor === f);
		for (const use of [() => f.call(), () => new f(), () => Reflect.construct(Object, [], f)])
			try { use(); out.push("ok"); } catch (e) { out.push(e.name); }
		return out.join(" | ");
	};
	return paths.map(show);
}`

func TestGuardsLookLikeWhatTheyGuard(t *testing.T) {
	// Names, lengths, attributes, prototypes, what can be constructed and what a
	// function says of itself are those of the built-in.
	plain := goja.New()
	fn, err := plain.RunString("(" + describeBuiltins + ")")
	if err != nil {
		t.Fatal(err)
	}
	describe, _ := goja.AssertFunction(fn)
	want, err := describe(goja.Undefined(), plain.ToValue(vm.GuardedPaths()))
	if err != nil {
		t.Fatal(err)
	}
	v := patient(t, everyWord+"async (paths) => ("+describeBuiltins+")(paths)")
	quoted := `["` + strings.Join(vm.GuardedPaths(), `","`) + `"]`
	turn := begin(v, quoted)
	if turn.Err != nil {
		t.Fatal(turn.Err)
	}
	got, err := v.ParseJSON(turn.Value)
	if err != nil {
		t.Fatal(err)
	}
	for i := range vm.GuardedPaths() {
		g, w := got.ToObject(v.Runtime()).Get(itoa(i)).String(), want.ToObject(plain).Get(itoa(i)).String()
		if g != w {
			t.Errorf("guarded:\n%s\nbuilt-in:\n%s", g, w)
		}
	}
}

// patient is mustLoad for what may take its time, on a machine that is busy.
func patient(t *testing.T, expr string) *vm.VM {
	t.Helper()
	was := vm.LimitTurns(time.Minute)
	t.Cleanup(func() { vm.LimitTurns(was) })
	v, err := load(t, vm.Config{TurnBudget: time.Minute}, expr)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func itoa(i int) string { return goja.New().ToValue(i).String() }

func TestEveryGuardIsMade(t *testing.T) {
	// A text that makes code at run time has them all; one that mentions nothing
	// has none.
	probe := `async (paths) => { const seen = new Set(); for (const f of [String.prototype.repeat, Array.prototype.fill, Reflect.apply, ArrayBuffer, JSON["par" + "se"]]) seen.add(f); return seen.size }`
	if turn := begin(patient(t, everyWord+probe), `[]`); string(turn.Value) != "5" {
		t.Fatalf("turn = %+v", turn)
	}
	for _, tc := range []struct {
		text    string
		guarded bool
	}{
		{`async () => "x"["rep" + "eat"](2 ** 26).length`, false},
		{`async () => "x".repeat(2 ** 26).length`, true},
		{`async () => { /* eval */ return "x"["rep" + "eat"](2 ** 26).length }`, true},
	} {
		turn := begin(patient(t, tc.text), "")
		if guarded := turn.Err != nil && turn.Err.Name == "RangeError"; guarded != tc.guarded {
			t.Errorf("%s: err = %v, value %s", tc.text, turn.Err, turn.Value)
		}
	}
}

func TestGuardsRefuseWhatIsTooMuch(t *testing.T) {
	// Each throws a RangeError that the script can catch, and that says what the
	// most is; the VM lives on.
	for _, expr := range []string{
		`"x".repeat(2 ** 40)`,
		`"xy".repeat(2 ** 62)`,
		`"x".padStart(2 ** 33)`,
		`"x".padEnd(2 ** 53 - 1, "ab")`,
		`"x".repeat(2 ** 24).concat("y".repeat(2 ** 24), "z")`,
		"\"a\".repeat(1e6).replace(/a/g, \"$`\")",
		`"a".repeat(1e6).replaceAll("a", "$'")`,
		`"a".repeat(1e6).replaceAll("a", "b".repeat(1e6))`,
		`"x".repeat(2 ** 24).split("")`,
		`String.raw({ raw: { length: 2 ** 53 - 1 } })`,
		`new Array(2 ** 32 - 1).fill(0)`,
		`Array(2 ** 20).join("x".repeat(2 ** 20))`,
		`String(new Array(2 ** 31))`,
		`new Array(2 ** 25).toLocaleString()`,
		`(() => { const a = Array(5e6); return [].concat(a, a) })()`,
		`(() => { const a = []; a.length = 2 ** 32 - 1; return a.indexOf(1) })()`,
		`Array.prototype.map.call({ length: 2 ** 53 - 1 }, String)`,
		`Array.from({ length: 2 ** 32 })`,
		`Math.max.apply(null, { length: 2 ** 30 })`,
		`Reflect.apply(Math.max, null, { length: 2 ** 30 })`,
		`Reflect.construct(Array, { length: 2 ** 30 })`,
		`new ArrayBuffer(2 ** 34)`,
		`new ArrayBuffer(2 ** 46)`,
		`new Float64Array(2 ** 24)`,
		`new Uint8Array({ length: 2 ** 40 })`,
		`Uint8Array.from({ length: 2 ** 40 })`,
		`new (class extends Uint8Array {})(2 ** 40)`,
		`new (new Uint8Array(1).constructor)(2 ** 40)`,
		`JSON.parse("[".repeat(1e5))`,
		`JSON.parse("{\"a\":".repeat(1e5), (k, v) => v)`,
		`JSON.stringify({}, (() => { const r = []; r.length = 2 ** 32 - 1; return r })())`,
		`JSON.stringify(new Array(2 ** 31))`,
		`(() => { let o = {}; for (let i = 0; i < 20000; i++) o = { a: o }; return JSON.stringify(o, null, 10) })()`,
		`(() => { let o = []; for (let i = 0; i < 5000; i++) o = [o]; return String(o) })()`,
		`(() => { function* g() { yield* g() } return g().next() })()`,
		`(() => { function* w(i) { yield* i } let g = w([1]); for (let i = 0; i < 5000; i++) g = w(g); return g.next() })()`,
	} {
		v := patient(t, `async () => { try { `+expr+`; return "done" } catch (e) { return [e instanceof RangeError, e.name, e.message] } }`)
		turn := begin(v, "")
		if turn.Err != nil || !strings.HasPrefix(string(turn.Value), `[true,"RangeError","`) || v.Dead() != nil {
			t.Errorf("%s: %.200s, %v", expr, turn.Value, turn.Err)
		}
	}
}

func TestGuardsLetThroughWhatIsNot(t *testing.T) {
	// What a guard calls does what the built-in does.
	for _, expr := range []string{
		`"ab".repeat(3)`, `"ab".repeat("2")`, `"ab".repeat()`, `"ab".repeat(Infinity)`, `"ab".repeat(-1)`, `"".repeat(2 ** 30)`, `String.prototype.repeat.call(12, 2)`,
		`String.prototype.repeat.call(null, 2)`, `String.prototype.repeat.call(Symbol("s"), 2)`, `"ab".repeat(2n)`, `"a".repeat(Symbol("s"))`,
		`"ab".padStart(5, "xy") + "ab".padEnd(5)`, `"ab".padEnd(NaN, 1) + "x".padStart("3", null)`, `"ab".padStart(2 ** 40, "")`,
		`"a".concat(1, null, undefined, { toString() { return "o" } })`, `"a".concat(Symbol("s"))`, `String.prototype.concat.call([1, 2], 3)`,
		`"aXbX".replace("X", "[$&]") + "aXbX".replaceAll("X", "$$")`,
		`"x".replace(/(x)/, (m, a, i, s) => m + a + i + s)`, `"x".replace({ [Symbol.replace]: (s, w) => s + w }, "w")`,
		`"a,b".split(",", 1).concat("abc".split(""))`, `"abc".split("", -1)`, `"abc".split()`, "String.raw`a\\n${1}b`", `String.raw({ raw: "abc" }, 1, 2)`,
		`[1, , 3].join("-") + [[1, [2]], null, undefined] + [1, 2].join(undefined)`, `(() => { const a = [1]; a.push(a); return String(a) })()`,
		`[1, [2]].concat(3, [4, [5]], { length: 1, 0: 6, [Symbol.isConcatSpreadable]: true })`, `Array.from({ length: 3 }, (_, i) => i * 2)`,
		`Array.from("abc").concat(Array.from(new Set([1])))`, `Array.from.call(class extends Array {}, [1]).constructor.name`,
		`Array(3).fill(1).map((x, i) => x + i)`, `Array.prototype.map.call("abc", (c) => c + c)`, `Array.prototype.filter.call({ length: 2, 0: 1, 1: 2 }, (x) => x > 1)`,
		`Array.prototype.indexOf.call(null, 1)`, `Math.max.apply(null, [1, 5, 3])`, `Math.max.apply(null, { length: 2, 0: 7, 1: 8 })`, `Math.max.apply(null)`,
		`Reflect.apply(Math.min, null, [4, 2])`, `Reflect.construct(Date, [0], Array) instanceof Array`,
		`(() => { class V extends Array {} return [V.from([1]).map((x) => x) instanceof V, new V(1, 2).concat(3) instanceof V, new V(3).slice(0, 1) instanceof V] })()`,
		`Object.prototype.toString.call(new ArrayBuffer(8)) + new ArrayBuffer("8").byteLength + new ArrayBuffer().byteLength`, `new ArrayBuffer(-1)`, `ArrayBuffer(8)`, `Uint8Array(8)`,
		`new ArrayBuffer(8).slice(2).byteLength + ArrayBuffer.isView(new DataView(new ArrayBuffer(1)))`, `new Uint8Array([1, 300, "7"])`, `new Uint8Array(new Uint16Array([1, 258]))`,
		`new Uint16Array(new ArrayBuffer(8), 2, 2).length`, `new Uint16Array(new ArrayBuffer(8), 1)`, `new Float64Array(new Set([1.5, 2]))[1]`, `new Uint8Array("3").length`, `new Uint8Array(null).length`,
		`new Uint8Array(Symbol("s"))`, `new Uint8Array(1n)`, `new Uint8Array({ length: 2, 0: 5 })`,
		`new Uint8Array([1, 2, 3]).map((x) => x * 2).subarray(1) instanceof Uint8Array`, `new Uint8Array(1).constructor === Uint8Array`, `Uint8Array.prototype.constructor.name + Uint8Array.BYTES_PER_ELEMENT`,
		`(() => { class B extends Uint8Array { sum() { return this[0] + this[1] } } const b = B.of(1, 2); return [b instanceof B, b instanceof Uint8Array, b.map((x) => x).sum(), new B(3).length, B.from([4, 5]).sum()] })()`,
		`(() => { class P extends Uint8Array { static get [Symbol.species]() { return Uint16Array } } return new P([1]).map(() => 300)[0] })()`,
		`(() => { class B extends ArrayBuffer {} return [new B(4) instanceof B, new B(4).slice(1) instanceof B, new B(4).byteLength] })()`,
		`Reflect.construct(Uint8Array, [2], Array) instanceof Array`, `Object.getPrototypeOf(Uint8Array) === Object.getPrototypeOf(Int16Array)`, `Uint8Array[Symbol.species] === Uint8Array && ArrayBuffer[Symbol.species] === ArrayBuffer`,
		`Uint8Array.from([1, 2], (x) => x * 2)`, `Uint8Array.of(1, 2)`, `new Uint8Array(4).fill(7).join("")`,
		`JSON.parse("[1,\"a\",{\"__proto__\":2}]")`, `JSON.parse("{\"a\":{\"b\":1}}", (k, v) => typeof v === "number" ? v + 1 : v)`, `JSON.parse(" 1 ")`, `JSON.parse("null")`, `JSON.parse({ toString() { return "[2]" } })`,
		`JSON.parse(Symbol("s"))`, `JSON.parse("[1]", 5)`, `Object.keys(JSON.parse("{\"b\":1,\"2\":1,\"a\":1,\"1\":1,\"b\":2}"))`, `Object.is(JSON.parse("-0"), -0)`,
		`JSON.stringify({ a: [1, { b: 2 }] }, null, 2)`, `JSON.stringify({ a: 1, b: 2 }, ["b"])`, `JSON.stringify({ a: 1 }, (k, v) => k ? v + 1 : v, "\t")`, `JSON.stringify(undefined, null, 1)`,
		`JSON.stringify({ toJSON() { return 5 } }, null, 1)`, `JSON.stringify({ get a() { return 1 } }, null, 1)`, `JSON.stringify(1, null, 1)`,
		`(() => { function* a() { const x = yield 1; yield* b(); return x } function* b() { yield 2; yield* [3, 4] } const g = a(); g.next(); return [g.next("x"), ...g] })()`,
		`(() => { function* a() { try { yield* b() } catch (e) { yield e } } function* b() { try { yield 1 } finally { yield 2 } } const g = a(); return [g.next(), g.throw(9), g.next(), g.next()] })()`,
		`(() => { function* a() { yield 1 } return a.prototype.next.call({}) })()`,
		`(() => { function* a(n) { if (n) yield* a(n - 1); yield n } return [...a(200)].length })()`,
	} {
		run := `(() => { try { const r = (` + expr + `); return typeof r === "object" ? JSON.stringify(r) : String(r) } catch (e) { return e.name } })()`
		want, err := goja.New().RunString(run)
		if err != nil {
			t.Fatal(err)
		}
		turn := begin(patient(t, everyWord+`async () => `+run), "")
		if got, _ := goja.New().RunString(string(turn.Value)); turn.Err != nil || got.String() != want.String() {
			t.Errorf("%s: guarded %s, built-in %q (%v)", expr, turn.Value, want, turn.Err)
		}
	}
}

func TestGuardsConvertOnce(t *testing.T) {
	// What is converted in order to look is not asked again: the second answer
	// would not be looked at.
	for expr, want := range map[string]string{
		`"x".repeat(twice(1, 2 ** 40))`:                                       `"x"`,
		`"x".padStart(twice(2, 2 ** 40))`:                                     `" x"`,
		`"x".padEnd(twice(2, 2 ** 40), "y")`:                                  `"xy"`,
		`String.prototype.repeat.call(twice("a", "b".repeat(1e7)), 4)`:        `"aaaa"`,
		`"x".concat(twice("a", "b"), twice("c", "d"))`:                        `"xac"`,
		`new ArrayBuffer(twice(8, 2 ** 40)).byteLength`:                       `8`,
		`[1, 2].join(twice("-", "+".repeat(1e7)))`:                            `"1-2"`,
		`JSON.parse(twice("[1]", "[".repeat(1e6)))`:                           `[1]`,
		`JSON.parse(twice("[1]", "[".repeat(1e6)), (k, v) => v)`:              `[1]`,
		`Array.prototype.indexOf.call({ length: twice(1, 2 ** 53 - 1) }, 5)`:  `-1`,
		`Math.max.apply(null, { 0: 3, get length() { return twice(1, 9) } })`: `3`,
		`new Uint8Array({ length: twice(1, 2 ** 40) }).length`:                `1`,
		`Array.from({ length: twice(2, 2 ** 40) }).length`:                    `2`,
	} {
		v := patient(t, everyWord+`async () => { let asked = 0;
			const twice = (a, b) => { let n = 0; const once = () => { asked++; return n++ ? b : a }; return { valueOf: once, toString: once } };
			const r = `+expr+`; return [r, asked] }`)
		turn := begin(v, "")
		asked := "1"
		if strings.Count(expr, "twice") == 2 {
			asked = "2"
		}
		if turn.Err != nil || string(turn.Value) != "["+want+","+asked+"]" {
			t.Errorf("%s: %s, %v", expr, turn.Value, turn.Err)
		}
	}
}

func TestReplacementsMeanWhatTheyMean(t *testing.T) {
	// A replacement that could grow too much is put in by us, and must be what
	// the engine would have put in.
	long := strings.Repeat("-", 1<<14)
	for _, with := range []string{
		"$$", "$&", "$`", "$'", "$1$2$3", "$0", "$10", "$01", "$001", "$99", "$<a>", "$<b>", "$<none>", "$<a", "$", "$$$&", "a$", "$x", "é$&é", "𝒜$'", "$11x",
	} {
		for _, pattern := range []string{`/(?<a>x)(?<b>y)?/g`, `/(x)(y)?/g`, `/(x)/`, `"xy"`, `/é/g`, `/()/g`, `/x/y`} {
			for _, method := range []string{"replace", "replaceAll"} {
				subject := `"éxy" + "` + long + `" + "xyx"`
				if pattern == `/()/g` {
					subject = `"xyé"`
				}
				// The text is made long enough to be taken over, by what makes no difference.
				call := func(with string) string {
					return `(() => { try { return (` + subject + `).` + method + `(` + pattern + `, ` + with + `) } catch (e) { return e.name } })()`
				}
				plain := goja.New()
				text := plain.ToValue(with + strings.Repeat(".", 1<<12) + with)
				quoted, _ := text.(goja.String)
				_ = plain.Set("with_", quoted)
				want, err := plain.RunString(call("with_"))
				if err != nil {
					t.Fatal(err)
				}
				v := patient(t, everyWord+`async (with_) => `+call("with_"))
				input, _ := plain.RunString("JSON.stringify(with_)")
				turn := begin(v, input.String())
				got, err := v.ParseJSON(turn.Value)
				if turn.Err != nil || err != nil || got.String() != want.String() {
					t.Errorf("%s(%s, %q): guarded %.80q, built-in %.80q (%v)", method, pattern, with, got, want, turn.Err)
				}
			}
		}
	}
}

// BenchmarkNewWithEveryGuard is what a VM costs whose text asks for every guard.
func BenchmarkNewWithEveryGuard(b *testing.B) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { /* eval */ __reprise.exports({ default: async (i) => ({ ok: i.a }) }); })`), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vm.New(p, vm.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGuardedCalls compares calls with and without guards: the word eval
// makes the difference.
func BenchmarkGuardedCalls(b *testing.B) {
	for name, text := range map[string]string{"plain": "", "guarded": everyWord} {
		for method, expr := range map[string]string{
			"map":       `a.map(f)`,
			"join":      `a.join(",")`,
			"indexOf":   `a.indexOf(3)`,
			"repeat":    `"ab".repeat(3)`,
			"replace":   `"a-b".replace("-", "+")`,
			"parse":     `JSON.parse(text)`,
			"stringify": `JSON.stringify(o)`,
			"bytes":     `new Uint8Array(8)`,
			"generator": `g.next()`,
		} {
			b.Run(method+"/"+name, func(b *testing.B) {
				mention := ""
				if text != "" {
					mention = "\"map join indexOf repeat replace parse\";"
				} else { // no word that asks for a guard
					for _, w := range []string{"map", "join", "indexOf", "repeat", "replace", "parse", "stringify"} {
						expr = strings.ReplaceAll(expr, "."+w+"(", `["`+w[:1]+`" + "`+w[1:]+`"](`)
					}
					expr = strings.ReplaceAll(expr, "new Uint8Array", `new globalThis["Uint8" + "Array"]`)
				}
				v := mustLoad(b, text+`async (n) => { `+mention+` const a = [1, 2, 3], f = (x) => x, o = { a: 1, b: [1, 2] }, text = '{"a":1,"b":[1,2]}';
					function* w() { for (;;) yield 1 } const g = w();
					for (let i = 0; i < 1000; i++) `+expr+`; return 1 }`)
				for b.Loop() {
					if turn := begin(v, "1"); turn.Err != nil {
						b.Fatal(turn.Err)
					}
					v.End()
				}
			})
		}
	}
}

// BenchmarkNewWithCommonWords is what a VM costs whose text has the words that
// ordinary scripts have.
func BenchmarkNewWithCommonWords(b *testing.B) {
	p, err := vm.Compile([]byte(`(async (__reprise) => { __reprise.exports({ default: async (i) => "a-b".split("-").map((x) => JSON.stringify(x)).concat(JSON.parse("[1]")).join().replace("a", "b") }); })`), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v, err := vm.New(p, vm.Config{})
		if err != nil {
			b.Fatal(err)
		}
		if turn := begin(v, "1"); turn.Err != nil {
			b.Fatal(turn.Err)
		}
	}
}

// BenchmarkGuardsFor reads a large bundle for what it asks for, which happens
// once for each program.
func BenchmarkGuardsFor(b *testing.B) {
	text := strings.Repeat("function add(items, more) { for (const item of more) items.push({ ...item, at: item.length - 1 }); return items.map((x) => x.id); }\n", 8000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if vm.GuardsFor(text) > 1 {
			b.Fatal("it asks for nothing")
		}
	}
}
