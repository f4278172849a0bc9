// All that is asserted here holds in Node 20 as well, the order of events included.
const rejects = async (promise, name, text = "") => {
	let failed;
	try { await promise; } catch (error) { failed = error; }
	assert(failed !== undefined, "it must fail");
	assert.equal(failed?.name ?? failed, name);
	if (text) assert(String(failed.message ?? failed).includes(text), failed.message);
};
const ticks = async (n) => { for (let i = 0; i < n; i++) await null; };
const slow = () => {
	const jobs = [];
	return { jobs, work: () => new Promise((resolve, reject) => jobs.push({ resolve, reject })) };
};

// One write at a time, and room is told.
{
	const log = [], sink = slow();
	const s = new WritableStream({ start() { log.push("start"); }, write(chunk) { log.push("write " + chunk); return sink.work(); }, close() { log.push("close"); } }, { highWaterMark: 2 });
	const w = s.getWriter();
	assert.equal(s.locked, true);
	assert.equal(w.desiredSize, 2);
	const writes = [w.write("a"), w.write("b")];
	assert.equal(w.desiredSize, 0);
	w.ready.then(() => log.push("ready"));
	writes.forEach((p, i) => p.then(() => log.push("wrote " + i)));
	await ticks(5);
	assert.same(log, ["start", "write a"]);
	sink.jobs[0].resolve();
	await ticks(5);
	assert.same(log, ["start", "write a", "write b", "wrote 0", "ready"]);
	const closed = w.close();
	await rejects(w.write("c"), "TypeError");
	await rejects(w.close(), "TypeError");
	sink.jobs[1].resolve();
	await closed;
	await w.closed;
	assert.same(log.slice(5), ["close", "wrote 1"]);
	assert.equal(w.desiredSize, 0);
	if (!globalThis.process) await rejects(w.write("d"), "TypeError"); // Node 20 has a fault there
}

// A sink that fails.
{
	const s = new WritableStream({ write(chunk) { if (chunk === "bad") throw new RangeError("sink"); } }), w = s.getWriter();
	await w.write("good");
	await rejects(w.write("bad"), "RangeError", "sink");
	await rejects(w.write("later"), "RangeError");
	await rejects(w.closed, "RangeError");
	await rejects(w.ready, "RangeError");
	assert.equal(w.desiredSize, null);
	w.releaseLock();
	await rejects(s.getWriter().closed, "RangeError");
	await rejects(new WritableStream({ close() { throw new RangeError("x"); } }).close(), "RangeError");
	await rejects(new WritableStream({ async start() { throw new RangeError("x"); } }).getWriter().closed, "RangeError");
	let c;
	const t = new WritableStream({ start(controller) { c = controller; } }), u = t.getWriter();
	c.error("told");
	await rejects(u.write(1), "told");
}

// Abort.
{
	const log = [], sink = slow();
	let c;
	const s = new WritableStream({ start(controller) { c = controller; }, write() { return sink.work(); }, abort(why) { log.push("abort " + why); } }), w = s.getWriter();
	await w.ready;
	const first = w.write(1), second = w.write(2);
	second.catch((why) => log.push("second " + why));
	const aborted = w.abort("why");
	aborted.then(() => log.push("aborted"));
	assert.equal(c.signal.aborted, true);
	assert.equal(c.signal.reason, "why");
	await ticks(5);
	assert.same(log, [], "what is under way ends first");
	sink.jobs[0].resolve();
	await first;
	await aborted;
	assert.same(log, ["abort why", "second why", "aborted"]);
	await rejects(w.closed, "why");
	await w.abort("twice");
	await rejects(w.write(3), "why");
	await new WritableStream({ abort() { log.push("never"); } }).close();
	assert.equal(log.length, 3);
	await rejects(new WritableStream({ abort() { throw new RangeError("x"); } }).abort(), "RangeError");
}

// Locks and brands.
{
	const s = new WritableStream(), w = s.getWriter();
	assert.throws(() => s.getWriter(), "TypeError");
	await rejects(s.close(), "TypeError");
	await rejects(s.abort(), "TypeError");
	w.releaseLock();
	w.releaseLock();
	await rejects(w.write(1), "TypeError");
	await rejects(w.closed, "TypeError");
	await rejects(w.ready, "TypeError");
	assert.throws(() => w.desiredSize, "TypeError");
	assert.equal(s.locked, false);
	assert.throws(() => new WritableStream({ type: "bytes" }), "RangeError");
	assert.throws(() => new WritableStream({ write: 1 }), "TypeError");
	assert.throws(() => new WritableStream({}, { size: () => 1, highWaterMark: -1 }), "RangeError");
	assert.throws(() => new WritableStreamDefaultController(), "TypeError");
	await rejects(new WritableStream({}, { size() { throw new RangeError("s"); } }).getWriter().write(1), "RangeError");
}

// pipeTo.
const numbers = (n, log = []) => new ReadableStream({ pull(c) { this.i = (this.i ?? 0) + 1; if (this.i > n) c.close(); else c.enqueue(this.i); }, cancel(why) { log.push("cancel " + (why?.message ?? why)); } });
{
	const log = [];
	const sink = () => new WritableStream({ write(chunk) { log.push(chunk); }, close() { log.push("close"); }, abort(why) { log.push("abort " + (why?.message ?? why)); } });
	const from = numbers(3), to = sink(), piped = from.pipeTo(to);
	assert.same([from.locked, to.locked], [true, true]);
	assert.equal(await piped, undefined);
	assert.same([from.locked, to.locked], [false, false]);
	assert.same(log.splice(0), [1, 2, 3, "close"]);
	const open = sink();
	await numbers(1).pipeTo(open, { preventClose: true });
	await numbers(1).pipeTo(open);
	assert.same(log.splice(0), [1, 1, "close"]);
	await rejects(numbers(1).pipeTo(open), "TypeError");
	await rejects(numbers(1).pipeTo({}), "TypeError");

	const failing = () => new ReadableStream({ pull(c) { c.error(new RangeError("source")); } });
	await rejects(failing().pipeTo(sink()), "RangeError", "source");
	assert.same(log.splice(0), ["abort source"]);
	const spared = sink();
	await rejects(failing().pipeTo(spared, { preventAbort: true }), "RangeError");
	await spared.close();
	assert.same(log.splice(0), ["close"]);

	await rejects(numbers(9, log).pipeTo(new WritableStream({ write(chunk) { if (chunk === 2) throw new RangeError("sink"); } })), "RangeError", "sink");
	assert.same(log.splice(0), ["cancel sink"]);
	const stopped = new AbortController(), full = numbers(1e9, log).pipeTo(new WritableStream({ write() { if (this.n = (this.n ?? 0) + 1, this.n === 3) stopped.abort(new RangeError("stop")); }, abort(why) { log.push("abort " + why.message); } }), { signal: stopped.signal });
	await rejects(full, "RangeError", "stop");
	assert.same(log.splice(0).sort(), ["abort stop", "cancel stop"]);
}

// A slow sink is not run over.
{
	let made = 0, written = 0, most = 0;
	const from = new ReadableStream({ pull(c) { if (++made > 50) c.close(); else c.enqueue(made); } });
	await from.pipeTo(new WritableStream({ async write() { await ticks(20); written++; most = Math.max(most, made - written); } }));
	assert.equal(written, 50);
	assert(most <= 4, `${most} were read ahead`);
}
