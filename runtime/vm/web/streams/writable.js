// WritableStream and what joins it to a ReadableStream, after the Streams Standard.

let writableOf; // the state of a WritableStream, or undefined

class WritableStream {
	#state;
	static { writableOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(sink, strategy) {
		if (sink === internal) {
			this.#state = newWritable(this, strategy);
			return;
		}
		if (sink === undefined) sink = {};
		if (!isObject(sink)) throw new TypeError("new WritableStream: the sink must be an object");
		const { start, write, close, abort, type } = sink;
		if (type !== undefined) throw new RangeError("new WritableStream: a sink has no type");
		this.#state = newWritable(this, {
			...readStrategy(strategy, 1),
			write: method(sink, write, "write"), close: method(sink, close, "close"), abort: method(sink, abort, "abort"),
		});
		const begin = method(sink, start, "start");
		startWritable(this.#state, begin && begin(this.#state.controller));
	}

	get locked() { return its(this, writableOf, "WritableStream").writer !== undefined; }
	abort(reason) {
		return settled(() => {
			const s = its(this, writableOf, "WritableStream");
			if (s.writer) throw new TypeError("can not abort a stream that a writer has locked; abort the writer");
			return abortWritable(s, reason);
		});
	}
	close() {
		return settled(() => {
			const s = its(this, writableOf, "WritableStream");
			if (s.writer) throw new TypeError("can not close a stream that a writer has locked; close the writer");
			return closeWritable(s);
		});
	}
	getWriter() { return new WritableStreamDefaultWriter(its(this, writableOf, "WritableStream").stream); }
}

let sinkOf; // the state of the stream that a controller is for

class WritableStreamDefaultController {
	#state;
	static { sinkOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(key, state) {
		if (key !== internal) throw new TypeError("Illegal constructor");
		this.#state = state;
	}

	get signal() {
		const s = its(this, sinkOf, "WritableStreamDefaultController");
		s.abortion ??= new AbortController();
		if (s.aborted && !s.abortion.signal.aborted) s.abortion.abort(s.aborted.reason);
		return s.abortion.signal;
	}
	error(reason) {
		const s = its(this, sinkOf, "WritableStreamDefaultController");
		if (s.status === "writable") startErroring(s, reason);
	}
}

let writerOf; // the state of a writer

class WritableStreamDefaultWriter {
	#state;
	static { writerOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(stream) {
		const s = its(stream, writableOf, "WritableStream");
		if (s.writer) throw new TypeError("the stream is locked by another writer");
		this.#state = acquireWriter(s);
	}

	get closed() { return settled(() => its(this, writerOf, "WritableStreamDefaultWriter").closed.promise); }
	get ready() { return settled(() => its(this, writerOf, "WritableStreamDefaultWriter").ready.promise); }
	get desiredSize() {
		const w = its(this, writerOf, "WritableStreamDefaultWriter");
		return roomIn(held(w, "desiredSize"));
	}
	write(chunk) { return settled(() => writeTo(held(its(this, writerOf, "WritableStreamDefaultWriter"), "write"), chunk)); }
	close() { return settled(() => closeWritable(held(its(this, writerOf, "WritableStreamDefaultWriter"), "close"))); }
	abort(reason) { return settled(() => abortWritable(held(its(this, writerOf, "WritableStreamDefaultWriter"), "abort"), reason)); }
	releaseLock() {
		const w = its(this, writerOf, "WritableStreamDefaultWriter");
		if (w.stream) releaseWriter(w);
	}
}

// held is the stream a writer has, or throws.
const held = (w, what) => {
	if (!w.stream) throw new TypeError(`${what}: the writer has released its stream`);
	return w.stream;
};

const newWritable = (stream, { highWaterMark, size, write, close, abort }) => {
	const s = {
		stream, highWaterMark, size, sink: { write, close, abort }, status: "writable", error: undefined, writer: undefined,
		queue: [], total: 0, started: false, full: false, writing: undefined, closing: undefined, closingNow: undefined,
		aborting: undefined, controller: undefined, abortion: undefined, aborted: undefined,
	};
	s.full = roomIn(s) <= 0;
	s.controller = new WritableStreamDefaultController(internal, s);
	return s;
};

const startWritable = (s, began) => {
	then(Promise.resolve(began), () => { s.started = true; advance(s); }, (error) => { s.started = true; rejectWrites(s, error); });
};

const roomIn = (s) => s.status === "errored" || s.status === "erroring" ? null : s.status === "closed" ? 0 : s.highWaterMark - s.total;
const isClosing = (s) => s.closing !== undefined || s.closingNow !== undefined;

const acquireWriter = (s) => {
	const w = { stream: s, closed: deferred(), ready: deferred() };
	s.writer = w;
	handled(w.closed.promise);
	handled(w.ready.promise);
	if (s.status === "writable") {
		if (isClosing(s) || !s.full) w.ready.resolve();
	} else if (s.status === "erroring") {
		w.ready.reject(s.error);
	} else if (s.status === "closed") {
		w.ready.resolve();
		w.closed.resolve();
	} else {
		w.ready.reject(s.error);
		w.closed.reject(s.error);
	}
	return w;
};

const releaseWriter = (w) => {
	const gone = new TypeError("the writer has released its stream");
	failReady(w, gone);
	if (w.closed.isSettled) w.closed = deferred();
	w.closed.reject(gone);
	handled(w.closed.promise);
	w.stream.writer = undefined;
	w.stream = undefined;
};

const failReady = (w, error) => {
	if (w.ready.isSettled) w.ready = deferred();
	w.ready.reject(error);
	handled(w.ready.promise);
};

const setFull = (s, full) => {
	const w = s.writer;
	if (w && full !== s.full) {
		if (full) {
			w.ready = deferred();
			handled(w.ready.promise);
		} else {
			w.ready.resolve();
		}
	}
	s.full = full;
};

const writeTo = (s, chunk) => {
	let size;
	try {
		size = chunkSize(s.size(chunk));
	} catch (error) {
		if (s.status === "writable") startErroring(s, error);
		throw error;
	}
	if (s.status === "errored" || s.status === "erroring") throw s.error;
	if (isClosing(s) || s.status === "closed") throw new TypeError("write: the stream is closed, or about to be");
	const done = deferred();
	s.queue.push({ chunk, size, done });
	s.total += size;
	if (!isClosing(s)) setFull(s, roomIn(s) <= 0);
	advance(s);
	return done.promise;
};

const closeWritable = (s) => {
	if (s.status === "closed" || s.status === "errored" && !s.aborting) throw new TypeError(`close: the stream is ${s.status}`);
	if (isClosing(s)) throw new TypeError("close: the stream is about to be closed already");
	if (s.status === "errored") throw s.error;
	s.closing = deferred();
	const { promise } = s.closing;
	if (s.writer && s.full && s.status === "writable") s.writer.ready.resolve();
	advance(s);
	return promise;
};

const abortWritable = (s, reason) => {
	if (s.status === "closed" || s.status === "errored") return noValue;
	s.aborted = { reason };
	s.abortion?.abort(reason);
	if (s.status === "closed" || s.status === "errored") return noValue;
	if (s.aborting) return s.aborting.done.promise;
	const wasErroring = s.status === "erroring";
	s.aborting = { done: deferred(), reason: wasErroring ? undefined : reason, wasErroring };
	const { promise } = s.aborting.done;
	if (!wasErroring) startErroring(s, reason);
	return promise;
};

const startErroring = (s, error) => {
	s.status = "erroring";
	s.error = error;
	if (s.writer) failReady(s.writer, error);
	if (!s.writing && !s.closingNow && s.started) finishErroring(s);
};

const finishErroring = (s) => {
	s.status = "errored";
	for (const { done } of s.queue.splice(0)) done.reject(s.error);
	s.total = 0;
	const request = s.aborting;
	s.aborting = undefined;
	if (!request) return rejectClosed(s);
	if (request.wasErroring) {
		request.done.reject(s.error);
		return rejectClosed(s);
	}
	const { abort } = s.sink;
	s.sink = {};
	then(settled(() => abort?.(request.reason)), () => { request.done.resolve(); rejectClosed(s); }, (error) => { request.done.reject(error); rejectClosed(s); });
};

const rejectClosed = (s) => {
	if (s.closing) {
		s.closing.reject(s.error);
		s.closing = undefined;
	}
	if (s.writer) {
		s.writer.closed.reject(s.error);
		handled(s.writer.closed.promise);
	}
};

// rejectWrites is for a sink that failed.
const rejectWrites = (s, error) => {
	if (s.status === "writable") startErroring(s, error);
	else if (s.status === "erroring") finishErroring(s);
};

// advance gives the sink what is next, if it is idle.
const advance = (s) => {
	if (!s.started || s.writing) return;
	if (s.status === "erroring") return finishErroring(s);
	if (s.status !== "writable") return;
	if (s.queue.length > 0) writeNext(s);
	else if (s.closing && !s.closingNow) closeNext(s);
};

const writeNext = (s) => {
	const item = s.queue[0];
	s.writing = item;
	then(settled(() => s.sink.write?.(item.chunk, s.controller)), () => {
		s.writing = undefined;
		item.done.resolve();
		s.queue.shift();
		s.total = s.queue.length === 0 ? 0 : s.total - item.size;
		if (s.status === "writable" && !isClosing(s)) setFull(s, roomIn(s) <= 0);
		advance(s);
	}, (error) => {
		s.writing = undefined;
		s.queue.shift();
		item.done.reject(error);
		rejectWrites(s, error);
	});
};

const closeNext = (s) => {
	s.closingNow = s.closing;
	s.closing = undefined;
	const { close } = s.sink;
	s.sink = {};
	then(settled(() => close?.()), () => {
		s.closingNow.resolve();
		s.closingNow = undefined;
		if (s.status === "erroring") {
			s.error = undefined;
			s.aborting?.done.resolve();
			s.aborting = undefined;
		}
		s.status = "closed";
		s.writer?.closed.resolve();
	}, (error) => {
		s.closingNow.reject(error);
		s.closingNow = undefined;
		s.aborting?.done.reject(error);
		s.aborting = undefined;
		rejectWrites(s, error);
	});
};

// pipe is pipeTo: it reads while there is room, and passes on how either side ends.
const pipe = (from, to, options) => {
	const { preventClose = false, preventAbort = false, preventCancel = false, signal } = options ?? {};
	const r = acquire(from), w = acquireWriter(to), result = deferred();
	from.disturbed = true;
	let over = false, last = noValue;
	const finish = (failed, error) => {
		releaseWriter(w);
		release(r);
		signal?.removeEventListener("abort", aborted);
		if (failed) result.reject(error);
		else result.resolve();
	};
	// shutdown ends the pipe once what was read has been written.
	const shutdown = (action, failed, error) => {
		if (over) return;
		over = true;
		const act = () => {
			if (!action) return finish(failed, error);
			then(settled(action), () => finish(failed, error), (other) => finish(true, other));
		};
		if (to.status === "writable" && !isClosing(to)) then(last, act, act);
		else act();
	};
	const aborted = () => shutdown(() => Promise.all([
		preventAbort || to.status !== "writable" ? undefined : abortWritable(to, signal.reason),
		preventCancel || from.status !== "readable" ? undefined : cancelReadable(from, signal.reason),
	]), true, signal.reason);
	const sourceFailed = () => shutdown(preventAbort ? undefined : () => abortWritable(to, from.error), true, from.error);
	const targetFailed = () => shutdown(preventCancel ? undefined : () => cancelReadable(from, to.error), true, to.error);
	const sourceClosed = () => shutdown(preventClose ? undefined : () => isClosing(to) || to.status === "closed" ? undefined : to.status === "errored" ? Promise.reject(to.error) : closeWritable(to), false);
	const step = () => {
		if (over) return;
		then(w.ready.promise, () => {
			if (over) return;
			read(r, {
				chunk: (chunk) => {
					last = settled(() => writeTo(to, chunk));
					handled(last);
					queueMicrotask(step);
				},
				done: () => {},
				fail: () => {},
			});
		}, () => {});
	};
	if (signal) {
		if (signal.aborted) { aborted(); return result.promise; }
		signal.addEventListener("abort", aborted);
	}
	if (from.status === "errored") sourceFailed();
	else then(r.closed.promise, undefined, () => { if (r.stream) sourceFailed(); });
	if (to.status === "errored" || to.status === "erroring") targetFailed();
	else then(w.closed.promise, undefined, () => { if (w.stream) targetFailed(); });
	if (from.status === "closed") sourceClosed();
	else then(r.closed.promise, () => { if (r.stream) sourceClosed(); }, () => {});
	if (isClosing(to) || to.status === "closed") {
		const closed = new TypeError("pipeTo: the stream that is written to is closed");
		shutdown(preventCancel ? undefined : () => cancelReadable(from, closed), true, closed);
	}
	step();
	return result.promise;
};
