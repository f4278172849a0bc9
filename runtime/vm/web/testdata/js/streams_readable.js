// All that is asserted here holds in Node 20 as well, the order of events included.
const iterator = Symbol.asyncIterator ?? Symbol.for("Symbol.asyncIterator");
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
	assert.equal(failed?.name ?? failed, name);
	if (text) assert(String(failed.message ?? failed).includes(text), failed.message);
};

// The order in which a source is asked, and when.
{
	const log = [];
	const s = new ReadableStream({
		start(c) { log.push("start " + c.desiredSize); c.enqueue("a"); },
		pull(c) { log.push("pull " + c.desiredSize); c.enqueue("b"); if (log.length > 4) c.close(); },
		cancel() { log.push("cancel"); },
	}, { highWaterMark: 2 });
	log.push("made");
	await null;
	log.push("later");
	assert.same(await drain(s), ["a", "b", "b"]);
	assert.same(log, ["start 2", "made", "pull 1", "later", "pull 1"]);
}

// Reads that wait, in order; close while they do.
{
	let c;
	const s = new ReadableStream({ start(controller) { c = controller; } }), r = s.getReader();
	assert.equal(s.locked, true);
	const reads = [r.read(), r.read(), r.read()], log = [];
	reads.forEach((p, i) => p.then(({ value, done }) => log.push(`${i} ${value} ${done}`)));
	r.closed.then(() => log.push("closed"));
	c.enqueue(1);
	c.enqueue(2);
	c.close();
	await Promise.all(reads);
	await r.closed;
	assert.same(log, ["0 1 false", "1 2 false", "closed", "2 undefined true"]);
	assert.throws(() => c.enqueue(3), "TypeError");
	assert.throws(() => c.close(), "TypeError");
	assert.equal(c.desiredSize, 0);
}

// Errors: what waits fails, and what comes later.
{
	let c;
	const s = new ReadableStream({ start(controller) { c = controller; } }), r = s.getReader();
	const first = r.read();
	c.error(new RangeError("broken"));
	await rejects(first, "RangeError", "broken");
	await rejects(r.read(), "RangeError");
	await rejects(r.closed, "RangeError");
	await rejects(r.cancel(), "RangeError");
	assert.equal(c.desiredSize, null);
	c.error("again");
	await rejects(new ReadableStream({ pull() { throw new TypeError("no"); } }).getReader().read(), "TypeError", "no");
	await rejects(new ReadableStream({ async start() { throw new TypeError("no"); } }).getReader().read(), "TypeError", "no");
	assert.throws(() => new ReadableStream({ start() { throw new RangeError("no"); } }), "RangeError");
}

// Locks.
{
	const s = new ReadableStream({ start(c) { c.enqueue(1); c.close(); } }), r = s.getReader();
	assert.throws(() => s.getReader(), "TypeError");
	assert.throws(() => s.tee(), "TypeError");
	assert.throws(() => new ReadableStreamDefaultReader(s), "TypeError");
	await rejects(s.cancel(), "TypeError");
	r.releaseLock();
	r.releaseLock();
	assert.equal(s.locked, false);
	await rejects(r.read(), "TypeError");
	await rejects(r.closed, "TypeError");
	assert.same(await drain(s), [1]);
	const waiting = new ReadableStream().getReader(), read = waiting.read();
	waiting.releaseLock();
	await rejects(read, "TypeError");
}

// Cancel.
{
	const log = [];
	const s = new ReadableStream({ pull(c) { c.enqueue(1); }, async cancel(why) { log.push(why); } });
	assert.equal(await s.cancel("enough"), undefined);
	assert.same(log, ["enough"]);
	await s.cancel("twice");
	assert.same(await drain(s), []);
	assert.same(log, ["enough"]);
	await rejects(new ReadableStream({ cancel() { throw new RangeError("x"); } }).cancel(), "RangeError");
}

// Strategies.
{
	const s = new ReadableStream({ start(c) { c.enqueue("abc"); assert.equal(c.desiredSize, 7); c.enqueue("d"); assert.equal(c.desiredSize, 6); c.close(); } }, { highWaterMark: 10, size: (x) => x.length });
	assert.same(await drain(s), ["abc", "d"]);
	assert.throws(() => new ReadableStream({}, { highWaterMark: -1 }), "RangeError");
	assert.throws(() => new ReadableStream({}, { highWaterMark: "x" }), "RangeError");
	assert.throws(() => new ReadableStream({}, { size: 1 }), "TypeError");
	const bad = new ReadableStream({ start(c) { assert.throws(() => c.enqueue(1), "RangeError"); } }, { size: () => -1 });
	await rejects(bad.getReader().read(), "RangeError");
	assert.same([new ByteLengthQueuingStrategy({ highWaterMark: 5 }).size(new Uint8Array(3)), new CountQueuingStrategy({ highWaterMark: 2 }).size("xyz"), new CountQueuingStrategy({ highWaterMark: 2 }).highWaterMark], [3, 1, 2]);
	assert.throws(() => new CountQueuingStrategy(), "TypeError");
}

// Iteration.
{
	const log = [];
	const numbers = () => new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.enqueue(3); c.close(); }, cancel(why) { log.push("cancel " + why); } });
	const it = numbers()[iterator]();
	assert.same([await it.next(), await it.next(), await it.next(), await it.next(), await it.next()], [{ done: false, value: 1 }, { done: false, value: 2 }, { done: false, value: 3 }, { done: true, value: undefined }, { done: true, value: undefined }]);
	const s = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(why) { log.push("cancel " + why); } }), half = s.values();
	await half.next();
	assert.same(await half.return("why"), { done: true, value: "why" });
	assert.equal(s.locked, false);
	const t = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel() { log.push("never"); } }), kept = t.values({ preventCancel: true });
	await kept.next();
	await kept.return();
	assert.equal(t.locked, false);
	assert.same(log, ["cancel why"]);
	assert.same(await drain(ReadableStream.from(["a", "b"])), ["a", "b"]);
	assert.same(await drain(ReadableStream.from([Promise.resolve(1), 2])), [1, 2]);
	await rejects(drain(ReadableStream.from({ [iterator]: () => ({ async next() { throw new RangeError("x"); } }) })), "RangeError");
	assert.throws(() => ReadableStream.from(5), "TypeError");
	assert.throws(() => ReadableStream.from({}), "TypeError");
}

// Tee: both ends see everything, the slower one too; the source is cancelled when
// both have had enough.
{
	const log = [];
	const s = new ReadableStream({ pull(c) { log.push("pull"); c.enqueue(log.length); if (log.length === 3) c.close(); }, cancel(why) { log.push(JSON.stringify(why)); } }, { highWaterMark: 0 });
	const [a, b] = s.tee();
	assert.equal(s.locked, true);
	assert.same([await drain(a), await drain(b)], [[1, 2, 3], [1, 2, 3]]);
	const forever = new ReadableStream({ pull(c) { c.enqueue(0); }, cancel(why) { log.push(JSON.stringify(why)); } });
	const [x, y] = forever.tee();
	const one = x.cancel("x");
	await y.cancel("y");
	await one;
	assert.same(log, ["pull", "pull", "pull", '["x","y"]']);
	const [p, q] = new ReadableStream({ start(c) { c.error(new RangeError("z")); } }).tee();
	await rejects(drain(p), "RangeError");
	await rejects(drain(q), "RangeError");
}

// Bytes.
{
	const s = new ReadableStream({ type: "bytes", pull(c) { c.enqueue(new Uint8Array([1, 2, 3]).subarray(1)); c.close(); } });
	assert.same((await drain(s)).map((chunk) => [...chunk]), [[2, 3]]);
	assert.throws(() => new ReadableStream({ type: "other" }), "TypeError");
	assert.throws(() => new ReadableStream({ type: "bytes" }, { size: () => 1 }), "RangeError");
}

// Brands.
{
	assert.throws(() => new ReadableStream(5), "TypeError");
	assert.throws(() => new ReadableStream({ pull: 5 }), "TypeError");
	assert.throws(() => new ReadableStreamDefaultController(), "TypeError");
	assert.throws(() => Object.getOwnPropertyDescriptor(ReadableStream.prototype, "locked").get.call({}), "TypeError");
	await rejects(ReadableStream.prototype.cancel.call({}), "TypeError");
	await rejects(ReadableStreamDefaultReader.prototype.read.call({}), "TypeError");
	assert.equal(Object.prototype.toString.call(new ReadableStream()), "[object ReadableStream]");
}
