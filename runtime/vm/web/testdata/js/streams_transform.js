// All that is asserted here holds in Node 20 as well, but for the errors of
// DecompressionStream: the standard wants TypeErrors, and one for what follows the end.
const drain = async (stream) => {
	const reader = stream.getReader(), list = [];
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return list;
		list.push(value);
	}
};
const rejects = async (promise, name, text = "") => {
	let failed;
	try { await promise; } catch (error) { failed = error; }
	assert(failed !== undefined, "it must fail");
	if (!String(failed?.code).startsWith("Z_")) assert.equal(failed?.name ?? failed, name);
	if (text) assert(String(failed.message ?? failed).includes(text), failed.message);
};
const of = (...list) => new ReadableStream({ start(c) { list.forEach((x) => c.enqueue(x)); c.close(); } });

assert.same(await drain(of(1, 2, 3).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x * 2); if (x === 2) c.enqueue("two"); }, flush(c) { c.enqueue("end"); } }))), [2, 4, "two", 6, "end"]);
assert.same(await drain(of(1, 2).pipeThrough(new TransformStream())), [1, 2]);
assert.same(await drain(of(1, 2).pipeThrough(new TransformStream({ start(c) { c.enqueue("first"); } }))), ["first", 1, 2]);
assert.same(await drain(of(1, 2, 3).pipeThrough(new TransformStream({ async transform(x, c) { await null; c.enqueue(x); if (x === 2) c.terminate(); } }))), [1, 2]);
await rejects(drain(of(1).pipeThrough(new TransformStream({ transform() { throw new RangeError("t"); } }))), "RangeError", "t");
await rejects(drain(of(1).pipeThrough(new TransformStream({ flush() { throw new RangeError("f"); } }))), "RangeError", "f");
await rejects(drain(of(1).pipeThrough(new TransformStream({ async start() { throw new RangeError("s"); } }))), "RangeError", "s");
assert.throws(() => new TransformStream({ start() { throw new RangeError("s"); } }), "RangeError");
assert.throws(() => new TransformStream({ transform: 1 }), "TypeError");
assert.throws(() => of(1).pipeThrough({}), "TypeError");
assert.throws(() => new TransformStreamDefaultController(), "TypeError");

// What is written waits until somebody reads.
{
	const { readable, writable } = new TransformStream(), w = writable.getWriter(), log = [];
	w.write("a").then(() => log.push("written"));
	for (let i = 0; i < 10; i++) await null;
	assert.same(log, []);
	const r = readable.getReader();
	assert.same(await r.read(), { done: false, value: "a" });
	await w.ready;
	w.close();
	assert.same(await r.read(), { done: true, value: undefined });
	assert.same(log, ["written"]);
}

// Failures go both ways.
{
	const one = new TransformStream(), w = one.writable.getWriter();
	await one.readable.cancel("enough");
	await rejects(w.write(1), "enough");
	const two = new TransformStream(), r = two.readable.getReader();
	two.writable.abort(new RangeError("gone")).catch(() => {});
	await rejects(r.read(), "RangeError", "gone");
}

// Text.
{
	const bytes = (...list) => of(...list.map((x) => new Uint8Array(x)));
	assert.same(await drain(bytes([0xe2, 0x82], [0xac, 0x41]).pipeThrough(new TextDecoderStream())), ["\u20acA"]);
	assert.same((await drain(bytes([0xe2, 0x82]).pipeThrough(new TextDecoderStream()))).join(""), "\ufffd");
	await rejects(drain(bytes([0xff]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))), "TypeError");
	await rejects(drain(of("text").pipeThrough(new TextDecoderStream())), "TypeError");
	const encoded = await drain(of("a\ud83d", "\ude00b", "\ud83d").pipeThrough(new TextEncoderStream()));
	assert.same(encoded.flatMap((x) => [...x]), [97, 0xf0, 0x9f, 0x98, 0x80, 98, 0xef, 0xbf, 0xbd]);
	assert.equal(new TextDecoderStream("latin1").encoding, "windows-1252");
	assert.equal(new TextEncoderStream().encoding, "utf-8");
	assert.throws(() => new TextDecoderStream("nope"), "RangeError");
	assert.throws(() => Object.getOwnPropertyDescriptor(TextEncoderStream.prototype, "readable").get.call({}), "TypeError");
}

// Compression: what one packs the other unpacks, in any chunks; what others packed too.
{
	const text = "hello streams, ".repeat(300), bytes = new TextEncoder().encode(text);
	const joined = async (stream) => {
		const list = await drain(stream), out = new Uint8Array(list.reduce((n, x) => n + x.length, 0));
		let at = 0;
		for (const x of list) { out.set(x, at); at += x.length; }
		return out;
	};
	const cut = (b, n) => { const list = []; for (let i = 0; i < b.length; i += n) list.push(b.slice(i, i + n)); return of(...list); };
	for (const format of ["gzip", "deflate", "deflate-raw"]) {
		const packed = await joined(cut(bytes, 700).pipeThrough(new CompressionStream(format)));
		assert(packed.length < bytes.length / 10, format);
		for (const n of [1, 1e6]) {
			assert.equal(new TextDecoder().decode(await joined(cut(packed, n).pipeThrough(new DecompressionStream(format)))), text);
		}
		await rejects(drain(cut(packed.slice(0, -3), 50).pipeThrough(new DecompressionStream(format))), "TypeError");
		if (!globalThis.process) await rejects(drain(of(new Uint8Array([...packed, 1])).pipeThrough(new DecompressionStream(format))), "TypeError");
		await rejects(drain(of(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])).pipeThrough(new DecompressionStream(format))), "TypeError");
	}
	const foreign = Uint8Array.from(atob("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), (c) => c.charCodeAt(0));
	assert.equal(new TextDecoder().decode(await joined(of(foreign.buffer).pipeThrough(new DecompressionStream("gzip")))), "hello");
	await rejects(drain(of("text").pipeThrough(new CompressionStream("gzip"))), "TypeError");
	assert.throws(() => new CompressionStream("br"), "TypeError");
}

// Of a Blob.
assert.same([...(await drain(new Blob(["abc"]).stream()))[0]], [97, 98, 99]);
assert.same(await drain(new Blob([]).stream()), []);
