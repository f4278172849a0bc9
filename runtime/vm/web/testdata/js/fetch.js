// The test's host answers /echo with what it got, /fail with an error.
const got = await (await fetch("http://h/echo?x=1", { method: "PUT", body: "data", headers: { b: "1", a: "2" }, redirect: "error" })).json();
assert.same(got, { class: "idempotent write", target: "PUT http://h/echo", body: "data",
	args: { method: "PUT", url: "http://h/echo?x=1", headers: [["b", "1"], ["a", "2"], ["content-type", "text/plain;charset=UTF-8"]], redirect: "error" } });
const plain = await fetch("http://h/echo");
assert.same([plain.status, plain.ok, plain.url, plain.type, plain.headers.get("x-many")], [200, true, "http://h/echo", "basic", "1, 2"]);
assert.throws(() => plain.headers.delete("x-many"), "TypeError");
assert.same((await plain.json()).args, { method: "GET", url: "http://h/echo" });
const viaRequest = await fetch(new Request("http://h/echo", { method: "POST", body: new URLSearchParams("a=b") }), { headers: { "X-New": "1" } });
assert.same((await viaRequest.json()).args.headers, [["X-New", "1"]]);
await assert.rejects(fetch("http://h/fail"), "ConnectError", "refused");
await assert.rejects(fetch("nonsense"), "TypeError");
await assert.rejects(fetch(), "TypeError");
await assert.rejects(fetch("http://h/", { headers: { "a b": "" } }), "TypeError");
const held = await fetch("http://h/held");
assert.equal(await held.text(), "from the host");
const passed = await fetch("http://h/echo", { method: "POST", body: (await fetch("http://h/held")).body });
assert.equal((await passed.json()).body, "handle:h1");
// Signals.
const k = new AbortController();
k.abort();
await assert.rejects(fetch("http://h/echo", { signal: k.signal }), "AbortError");
const k2 = new AbortController(), p = fetch("http://h/never", { signal: k2.signal });
k2.abort(new RangeError("mine"));
await assert.rejects(p, "RangeError", "mine");
assert.equal((await (await fetch("http://h/aborts")).json()).length, 1, "aborts reach the host");
await assert.rejects(fetch("http://h/never", { signal: AbortSignal.timeout(50) }), "TimeoutError", "50 ms");
const k3 = new AbortController(), done = await fetch("http://h/echo", { signal: k3.signal });
k3.abort();
assert.equal(done.ok, true);
assert.equal((await (await fetch("http://h/aborts")).json()).length, 2, "an answered call is not aborted");
assert.equal(fetch.name, "fetch");
// Large JSON is made of its text only when it is looked into; nothing shows that.
const big = (await (await fetch("http://h/echo", { method: "POST", body: "x".repeat(300) })).json());
const big2 = (await (await fetch("http://h/echo", { method: "POST", body: "x".repeat(300) })).json());
console.log("big", big);
//> info|big|BIG
assert.same(Object.keys(structuredClone(big2)), Object.keys(big2));
const big3 = (await (await fetch("http://h/echo", { method: "POST", body: "x".repeat(300) })).json());
assert.equal(Response.json({ big3 }).status, 200);
assert(JSON.stringify(big3).includes("xxx"));
