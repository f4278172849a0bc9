// Every line printed must be the next comment of the form LEVEL|MESSAGE|FIELDS.
console.log("hello", 1, true, null, undefined, 10n, -0, Symbol("s"));
//> info|hello 1 true null undefined 10n -0 Symbol(s)|
console.info("reserved", { hold: "h_1", n: 2 });
//> info|reserved|{"hold":"h_1","n":2}
console.log({ hold: "h_1" });
//> info|{ hold: 'h_1' }|
console.warn("%s is %d and %i and %f %% %j %o %c!", "a", "42", 1.9, 1.5, { a: 1 }, [1], "color: red");
//> warn|a is 42 and 1 and 1.5 % {"a":1} [ 1 ] !|
console.log("%s", { a: 1 });
//> info|{ a: 1 }|
console.log("%s", "x", { a: 1 });
//> info|x|{"a":1}
console.log("100%", "x", "%d");
//> info|100% x %d|
console.debug("d", [1, , "x", { y: [[1]] }], { f: 1 }.f);
//> debug|d [ 1, <1 empty>, 'x', { y: [ [ 1 ] ] } ] 1|
console.error(new Map([["a", { b: 1 }], [1, new Set(["x"])]]), new Uint8Array([1, 2]), new ArrayBuffer(2), new Date(0), /x/g);
//> error|Map(2) { 'a' => { b: 1 }, 1 => Set(1) { 'x' } } Uint8Array(2) [ 1, 2 ] ArrayBuffer { <0000>, byteLength: 2 } 1970-01-01T00:00:00.000Z /x/g|
const cyclic = { name: "c" }; cyclic.self = cyclic;
console.log(cyclic);
//> info|{ name: 'c', self: [Circular] }|
let touched = false;
console.log({ get a() { touched = true; return 1; }, set b(x) {}, "c-d": "it's" });
//> info|{ a: [Getter], b: [Setter], 'c-d': "it's" }|
console.log("fields", { get a() { touched = true; return 1; }, n: NaN, d: new Date(0), m: new Map([[1, 2]]), u: undefined, big: 5n });
//> info|fields|{"a":"[Getter]","n":"NaN","d":"1970-01-01T00:00:00.000Z","m":"Map(1) { 1 => 2 }","big":"5"}
assert.equal(touched, false);
console.log(function f() {}, () => 1, class A {}, class extends Array {}, Object.assign(() => 1, { p: 1 }));
//> info|[Function: f] [Function (anonymous)] [class A] [class (anonymous)] [Function (anonymous)] { p: 1 }|
console.log(new (class Foo { x = 1; })(), Object.create(null), new (class Bar extends Map {})([[1, 2]]), Object("s"));
//> info|Foo { x: 1 } [Object: null prototype] {} Bar(1) { 1 => 2 } [String: 's']|
console.log(Promise.resolve(1), new Promise(() => {}), (() => { const p = Promise.reject(2); p.catch(() => {}); return p; })());
//> info|Promise { 1 } Promise { <pending> } Promise { <rejected> 2 }|
console.log(new Proxy({}, { ownKeys() { throw 1; }, get() { throw 2; } }), new WeakMap());
//> info|[Proxy] WeakMap {}|
console.error(Object.assign(new TypeError("bad", { cause: new RangeError("why") }), { code: "E_X" }));
//> error|TypeError: bad { code: 'E_X' }\n  cause: RangeError: why|
console.error("failed:", new Error("x"));
//> error|failed: Error: x|
console.error("failed", { error: new Error("x") });
//> error|failed|{"error":"Error: x"}
console.log(new Headers({ B: "1" }), new URL("http://a/b"), new URLSearchParams("a=b"));
//> info|Headers { b: '1' } URL { 'http://a/b' } URLSearchParams { a: 'b' }|
console.log(new Response("x", { status: 201 }));
//> info|Response {\n  status: 201,\n  statusText: '',\n  url: '',\n  headers: Headers { 'content-type': 'text/plain;charset=UTF-8' },\n  bodyUsed: false\n}|
console.group("outer"); console.log("in\nside"); console.group(); console.log("deeper"); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log("out");
//> info|outer|
//> info|  in\n  side|
//> info|    deeper|
//> info|out|
console.count(); console.count(); console.count("x"); console.countReset(); console.count();
//> info|default: 1|
//> info|default: 2|
//> info|x: 1|
//> info|default: 1|
console.time("t"); await new Promise((r) => setTimeout(r, 40)); console.timeLog("t", "more"); console.timeEnd("t"); console.timeEnd("t");
//> info|t: 40 ms more|
//> info|t: 40 ms|
//> warn|console.time was not called for 't'|
console.assert(true, "no"); console.assert(false); console.assert(false, "is %s", "bad", { n: 1 });
//> error|Assertion failed|
//> error|Assertion failed: is bad|{"n":1}
console.dir({ a: { b: { c: { d: { e: 1 } } } } });
//> info|{ a: { b: { c: { d: { e: 1 } } } } }|
console.log({ a: { b: { c: { d: { e: 1 } } } } });
//> info|{ a: { b: { c: { d: [Object] } } } }|
console.table([{ a: 1, b: "x" }, { a: 2 }]);
//> info|│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n│ 1       │ 2 │     │|
console.table([1, "two"]);
//> info|│ (index) │ Values │\n├─────────┼────────┤\n│ 0       │ 1      │\n│ 1       │ 'two'  │|
console.trace("here");
//> debug|Trace: here|
console.log();
//> info||
console.log("", { a: 1 });
//> info||{"a":1}
const { log } = console; log("detached");
//> info|detached|
const wide = Object.fromEntries(Array.from({ length: 500 }, (_, i) => ["k" + i, i]));
const hostile = [{ get length() { throw 1; } }, Object.create({ get constructor() { throw 1; } }), Object.defineProperty(new Error("q"), "message", { get() { throw 1; } }), Object.create(new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } }))];
for (const x of hostile) assert.equal(console.dir(x), undefined);
//> info|{ length: [Getter] }|
//> info|{}|
//> info|Error|
//> info|[a value that can not be shown]|
