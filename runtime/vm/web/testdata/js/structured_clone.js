const a = { n: 1, s: "x", big: 10n, u: undefined, nil: null, d: new Date(5), bad: new Date(NaN), r: /a+/gi, list: [1, , 3], nested: { y: [true] } };
a.self = a; a.map = new Map([["k", a], [a, 1]]); a.set = new Set([1, a]);
const b = structuredClone(a);
assert(b !== a && b.self === b && b.map.get("k") === b && b.map.get(b) === 1 && b.set.has(b) && b.set.size === 2);
assert.same([b.n, b.s, b.u, b.nil, b.d.getTime(), b.r.source, b.r.flags, b.nested.y[0]], [1, "x", undefined, null, 5, "a+", "gi", true]);
assert(b.big === 10n && b.d instanceof Date && Number.isNaN(b.bad.getTime()) && "u" in b);
assert(b.list.length === 3 && !(1 in b.list));
const buf = new ArrayBuffer(8), views = { x: new Uint8Array(buf, 2, 3), y: new Float64Array(buf), z: new DataView(buf, 1) };
views.x[0] = 9;
const v = structuredClone(views);
assert(v.x.buffer === v.y.buffer && v.x.buffer !== buf && v.x[0] === 9 && v.x.length === 3 && v.x.byteOffset === 2 && v.y.length === 1 && v.z.byteLength === 7);
const e = structuredClone(Object.assign(new TypeError("m", { cause: new Error("c") }), { extra: 1 }));
assert(e instanceof TypeError && e.message === "m" && e.cause.message === "c" && e.extra === undefined);
class Mine extends Error { get name() { return "Mine"; } }
assert.equal(structuredClone(new Mine("q")).constructor, Error);
class P { constructor() { this.a = 1; } get b() { return 2; } }
const p = structuredClone(new P());
assert(Object.getPrototypeOf(p) === Object.prototype && p.a === 1 && !("b" in p));
assert.equal(structuredClone({ get g() { return 4; } }).g, 4);
assert.equal(structuredClone(Object(3)) + 1, 4);
assert.equal(typeof structuredClone(Object("x")), "object");
for (const bad of [() => 1, Symbol("s"), Promise.resolve(), { f() {} }, [Symbol()], new Proxy({}, {}), new Response("x"), new Map([[1, () => 1]])])
	assert.throws(() => structuredClone(bad), "DataCloneError");
assert.throws(() => structuredClone({ get x() { throw new RangeError("mine"); } }), "RangeError");
const moved = new ArrayBuffer(4), copy = structuredClone({ moved }, { transfer: [moved] });
assert.same([copy.moved.byteLength, moved.byteLength], [4, 0]);
assert.throws(() => structuredClone(1, { transfer: [moved] }), "DataCloneError");
assert.throws(() => structuredClone(1, { transfer: [{}] }), "DataCloneError");
let deep = {}; for (let i = 0; i < 5000; i++) deep = { deep };
assert.throws(() => structuredClone(deep), "DataCloneError", "levels");
assert.equal(structuredClone({ ["__proto__"]: 1 }).__proto__, 1);
