const text = (chunk) => new TextDecoder().decode(chunk);
const drain = async (stream) => {
	const reader = stream.getReader(), list = [];
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return list;
		list.push(text(value));
	}
};
const of = (...list) => new ReadableStream({ start(c) { list.forEach((x) => c.enqueue(new TextEncoder().encode(x))); c.close(); } });

// .body of bytes.
const r = new Response("abc");
assert(r.body instanceof ReadableStream);
assert.equal(r.body, r.body);
assert.same([r.bodyUsed, r.body.locked], [false, false]);
assert.same(await drain(r.body), ["abc"]);
assert.same([r.bodyUsed, r.body.locked], [true, true]);
await assert.rejects(r.text(), "TypeError", "already been read");
const cancelled = new Response("abc");
await cancelled.body.cancel();
assert.equal(cancelled.bodyUsed, true);
assert.equal(new Response(null).body, null);
assert.same(await drain(new Response("").body), []);
const read = new Response("abc");
await read.text();
assert.equal(read.body.locked, true);

// The incoming request has one.
assert.same(await drain(request.body), ["in"]);

// A stream of the script's is a body.
assert.equal(await new Response(of("a", "b")).text(), "ab");
assert.same(await new Response(of('{"a":', "1}")).json(), { a: 1 });
assert.same([...await new Response(of("az")).bytes()], [97, 122]);
assert.equal(new Response(of("a")).headers.get("content-type"), null);
const own = of("x"), of1 = new Response(own);
assert.equal(of1.body, own);
await of1.text();
assert.equal(of1.bodyUsed, true);
assert.throws(() => new Response(own), "TypeError", "already");
const locked = of("x");
locked.getReader();
assert.throws(() => new Response(locked), "TypeError", "locked");
await assert.rejects(new Response(new ReadableStream({ start(c) { c.enqueue("text"); } })).text(), "TypeError", "TextEncoderStream");
await assert.rejects(new Response(new ReadableStream({ pull(c) { c.error(new RangeError("broke")); } })).text(), "RangeError", "broke");

// What passes through is not read, and its old owner can not read it.
const from = new Response("whole"), to = new Response(from.body);
assert.equal(await to.text(), "whole");
await assert.rejects(from.text(), "TypeError");
const handle = (await fetch("http://h/held")).body;
assert.equal((await (await fetch("http://h/echo", { method: "POST", body: handle })).json()).body, "handle:h1");
assert.equal(handle.locked, true);
const part = new Response("abc");
part.body.getReader().releaseLock();
assert.equal(await new Response(part.body).text(), "abc");

// What the host keeps, and what is still arriving.
assert.same(await drain((await fetch("http://h/held")).body), ["from the host"]);
assert.same(await drain((await fetch("http://h/live")).body), ["live 1\n", "live 2\n", "live 3\n"]);
const left = await fetch("http://h/live");
await left.body.getReader().read();
await left.body.cancel().catch(() => {});
const gone = await fetch("http://h/live");
await gone.body.cancel("enough");
assert.same(await drain((await fetch("http://h/live")).body.pipeThrough(new TransformStream({ transform(chunk, c) { c.enqueue(chunk.subarray(5, 6)); } }))), ["1", "2", "3"]);

// clone() reads one source for both.
const live = await fetch("http://h/live"), twin = live.clone();
assert.equal(await live.text(), "live 1\nlive 2\nlive 3\n");
assert.equal(await twin.text(), "live 1\nlive 2\nlive 3\n");
const a = new Response(of("x", "y")), b = a.clone();
assert.same([await b.text(), await a.text()], ["xy", "xy"]);

// A request that a stream makes is put together first.
const echo = async (init) => (await (await fetch("http://h/echo", { method: "POST", ...init })).json()).body;
assert.equal(await echo({ body: of("up", "load"), duplex: "half" }), "upload");
assert.equal(await new Request("http://h/", { method: "POST", body: of("q") }).text(), "q");
await assert.rejects(echo({ body: new ReadableStream({ start(c) { c.error(new RangeError("no")); } }) }), "RangeError", "no");
assert.throws(() => new Request("http://h/", { body: of("q") }), "TypeError", "can not have a body");

//> body.drop|{"handle":"live-1"}|
