// The assert module of the scripts in js/.
const show = (x) => typeof x === "string" ? JSON.stringify(x) : typeof x === "object" && x !== null ? JSON.stringify(x) ?? "object" : String(x);
function fail(message) { throw new Error("assertion failed: " + message); }
function same(a, b) {
	if (Object.is(a, b)) return true;
	if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
	const k = Object.keys(a), l = Object.keys(b);
	return k.length === l.length && k.every((x) => Object.hasOwn(b, x) && same(a[x], b[x]));
}
const assert = (ok, what = "not true") => { if (!ok) fail(what); };
assert.equal = (got, want, what = "") => { if (!Object.is(got, want)) fail(`${what} got ${show(got)}, want ${show(want)}`); };
assert.same = (got, want, what = "") => { if (!same(got, want)) fail(`${what} got ${show(got)}, want ${show(want)}`); };
function named(e, name, text) {
	if (e?.name !== name) fail(`threw ${e?.name}: ${e?.message}, want ${name}`);
	if (text && !e.message.includes(text)) fail(`message ${show(e.message)} does not contain ${show(text)}`);
}
assert.throws = (f, name, text) => {
	let threw = false, e;
	try { f(); } catch (x) { threw = true; e = x; }
	if (!threw) fail(`did not throw ${name}: ${f}`);
	named(e, name, text);
};
assert.rejects = async (p, name, text) => {
	let threw = false, e;
	try { await p; } catch (x) { threw = true; e = x; }
	if (!threw) fail(`did not reject with ${name}`);
	named(e, name, text);
};
assert.isClass = (C, ...args) => {
	assert.throws(() => C(...args), "TypeError", "without 'new'");
	const x = new C(...args);
	assert(x instanceof C, `${C.name}: instanceof`);
	assert.equal(Object.prototype.toString.call(x), `[object ${C.name}]`);
	class Sub extends C { #secret = 7; extra = 1; get secret() { return this.#secret; } }
	const y = new Sub(...args);
	assert(y instanceof Sub && y instanceof C, `${C.name}: subclass`);
	assert.equal(y.secret + y.extra, 8);
	assert.equal(Object.getPrototypeOf(C.prototype.constructor), Object.getPrototypeOf(C));
	for (const name of Object.getOwnPropertyNames(C.prototype)) {
		const d = Object.getOwnPropertyDescriptor(C.prototype, name);
		if (name === "constructor") continue;
		const f = d.get ?? d.value;
		if (typeof f !== "function" || name === "toString") continue;
		let result;
		try { result = f.call({}); } catch (e) { named(e, "TypeError"); continue; }
		if (!(result instanceof Promise)) fail(`${C.name}.${name} takes any receiver`);
		result.catch((e) => named(e, "TypeError"));
	}
	return x;
};
