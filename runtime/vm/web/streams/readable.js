// ReadableStream, after the Streams Standard (https://streams.spec.whatwg.org/).
// A stream of bytes is one whose chunks are Uint8Arrays; there are no BYOB readers.

const noValue = Promise.resolve();

let readableOf; // the state of a ReadableStream, or undefined

class ReadableStream {
	#state;
	static { readableOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(source, strategy) {
		if (source === internal) {
			this.#state = newReadable(this, strategy);
			return;
		}
		if (source === undefined) source = {};
		if (!isObject(source)) throw new TypeError("new ReadableStream: the source must be an object");
		const { start, pull, cancel, type } = source;
		if (type !== undefined && `${type}` !== "bytes") throw new TypeError(`new ReadableStream: the type of a source is "bytes" or undefined, not ${type}`);
		const { highWaterMark, size } = readStrategy(strategy, type === undefined ? 1 : 0);
		if (type !== undefined && strategy?.size !== undefined) throw new RangeError("new ReadableStream: a stream of bytes has no size function");
		this.#state = newReadable(this, {
			bytes: type !== undefined, highWaterMark, size: type === undefined ? size : (chunk) => chunk.byteLength,
			pull: method(source, pull, "pull"), cancel: method(source, cancel, "cancel"),
		});
		const begin = method(source, start, "start");
		startReadable(this.#state, begin && begin(this.#state.controller));
	}

	static from(items) {
		const iterator = openIterator(items);
		return makeReadable({
			highWaterMark: 0,
			async pull(controller) {
				const { done, value } = await iterator.next();
				if (done) controller.close();
				else controller.enqueue(await value);
			},
			async cancel(reason) { await iterator.return?.(reason); },
		});
	}

	get locked() { return its(this, readableOf, "ReadableStream").reader !== undefined; }

	cancel(reason) {
		return settled(() => {
			const s = its(this, readableOf, "ReadableStream");
			if (s.reader) throw new TypeError("can not cancel a stream that a reader has locked; cancel the reader");
			return cancelReadable(s, reason);
		});
	}

	getReader(options) {
		const s = its(this, readableOf, "ReadableStream");
		if (options?.mode !== undefined) throw new TypeError(`getReader: there are no readers of mode ${options.mode}, only the default ones`);
		return new ReadableStreamDefaultReader(s.stream);
	}

	pipeThrough(pair, options) {
		const s = its(this, readableOf, "ReadableStream");
		const target = isObject(pair) ? its(pair.writable, writableOf, "WritableStream") : undefined;
		if (!target || !readableOf(pair.readable)) throw new TypeError("pipeThrough needs { readable, writable }, such as a TransformStream");
		if (s.reader || target.writer) throw new TypeError("pipeThrough: one of the streams is locked");
		handled(pipe(s, target, options));
		return pair.readable;
	}

	pipeTo(target, options) {
		return settled(() => {
			const from = its(this, readableOf, "ReadableStream"), to = its(target, writableOf, "WritableStream");
			if (from.reader || to.writer) throw new TypeError("pipeTo: one of the streams is locked");
			return pipe(from, to, options);
		});
	}

	tee() {
		const s = its(this, readableOf, "ReadableStream");
		return tee(s);
	}

	values({ preventCancel = false } = {}) {
		const reader = this.getReader();
		let ended = false, last = noValue;
		const next = async () => {
			if (ended) return { done: true, value: undefined };
			try {
				const result = await reader.read();
				if (result.done) leave();
				return result;
			} catch (error) {
				leave();
				throw error;
			}
		};
		const leave = () => { if (!ended) { ended = true; reader.releaseLock(); } };
		const finish = async (value) => {
			if (!ended) {
				const cancelled = preventCancel ? undefined : reader.cancel(value);
				leave();
				await cancelled;
			}
			return { done: true, value };
		};
		const inTurn = (step) => last = last.then(step, step);
		return {
			next: () => inTurn(next),
			return: (value) => inTurn(() => finish(value)),
			[asyncIterator]() { return this; },
		};
	}
}
Object.defineProperty(ReadableStream.prototype, asyncIterator, { value: ReadableStream.prototype.values, writable: true, configurable: true });

let controllerOf; // the state of the stream that a controller is for

class ReadableStreamDefaultController {
	#state;
	static { controllerOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(key, state) {
		if (key !== internal) throw new TypeError("Illegal constructor");
		this.#state = state;
	}

	get desiredSize() { return desiredSize(its(this, controllerOf, "ReadableStreamDefaultController")); }
	get byobRequest() { return its(this, controllerOf, "ReadableStreamDefaultController").bytes ? null : undefined; }
	close() {
		const s = its(this, controllerOf, "ReadableStreamDefaultController");
		if (!takesMore(s)) throw new TypeError("close: the stream is closed already, or has failed");
		closeSource(s);
	}
	enqueue(chunk) {
		const s = its(this, controllerOf, "ReadableStreamDefaultController");
		if (!takesMore(s)) throw new TypeError("enqueue: the stream is closed, or has failed");
		enqueue(s, s.bytes ? bytesOf(chunk, "enqueue") : chunk);
	}
	error(reason) { failSource(its(this, controllerOf, "ReadableStreamDefaultController"), reason); }
}

let readerOf; // the state of a reader

class ReadableStreamDefaultReader {
	#state;
	static { readerOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(stream) {
		const s = its(stream, readableOf, "ReadableStream");
		if (s.reader) throw new TypeError("the stream is locked by another reader");
		this.#state = acquire(s);
	}

	get closed() { return settled(() => its(this, readerOf, "ReadableStreamDefaultReader").closed.promise); }
	read() {
		return settled(() => {
			const r = its(this, readerOf, "ReadableStreamDefaultReader");
			if (!r.stream) throw new TypeError("read: the reader has released its stream");
			return readChunk(r);
		});
	}
	cancel(reason) {
		return settled(() => {
			const r = its(this, readerOf, "ReadableStreamDefaultReader");
			if (!r.stream) throw new TypeError("cancel: the reader has released its stream");
			return cancelReadable(r.stream, reason);
		});
	}
	releaseLock() {
		const r = its(this, readerOf, "ReadableStreamDefaultReader");
		if (r.stream) release(r);
	}
}

const newReadable = (stream, { bytes = false, highWaterMark = 1, size = () => 1, pull, cancel }) => {
	const s = {
		stream, bytes, highWaterMark, size, pull, cancel, status: "readable", error: undefined, reader: undefined, disturbed: false,
		queue: [], total: 0, started: false, pulling: false, pullAgain: false, ending: false, controller: undefined,
	};
	s.controller = new ReadableStreamDefaultController(internal, s);
	return s;
};

// makeReadable makes a stream of our own, and starts it.
const makeReadable = (source) => {
	const stream = new ReadableStream(internal, source);
	startReadable(readableOf(stream));
	return stream;
};

const startReadable = (s, began) => {
	then(Promise.resolve(began), () => { s.started = true; pullIfNeeded(s); }, (error) => failSource(s, error));
};

const desiredSize = (s) => s.status === "errored" ? null : s.status === "closed" ? 0 : s.highWaterMark - s.total;
const takesMore = (s) => s.status === "readable" && !s.ending;

const pullIfNeeded = (s) => {
	if (!takesMore(s) || !s.started || !(s.reader?.requests.length > 0 || desiredSize(s) > 0)) return;
	if (s.pulling) { s.pullAgain = true; return; }
	if (!s.pull) return;
	s.pulling = true;
	then(settled(() => s.pull(s.controller)), () => {
		s.pulling = false;
		if (s.pullAgain) { s.pullAgain = false; pullIfNeeded(s); }
	}, (error) => failSource(s, error));
};

const enqueue = (s, chunk) => {
	if (s.reader?.requests.length > 0) {
		s.reader.requests.shift().chunk(chunk);
	} else {
		let size;
		try {
			size = chunkSize(s.size(chunk));
		} catch (error) {
			failSource(s, error);
			throw error;
		}
		s.queue.push({ chunk, size });
		s.total += size;
	}
	pullIfNeeded(s);
};

const closeSource = (s) => {
	s.ending = true;
	if (s.queue.length === 0) closeReadable(s);
};

const closeReadable = (s) => {
	s.status = "closed";
	s.pull = s.cancel = undefined;
	const r = s.reader;
	if (!r) return;
	r.closed.resolve();
	for (const request of r.requests.splice(0)) request.done();
};

const failSource = (s, error) => {
	if (s.status !== "readable") return;
	s.status = "errored";
	s.error = error;
	s.queue = [], s.total = 0;
	s.pull = s.cancel = undefined;
	const r = s.reader;
	if (!r) return;
	r.closed.reject(error);
	for (const request of r.requests.splice(0)) request.fail(error);
};

const cancelReadable = (s, reason) => {
	s.disturbed = true;
	if (s.status === "closed") return noValue;
	if (s.status === "errored") return Promise.reject(s.error);
	const cancel = s.cancel;
	s.queue = [], s.total = 0;
	closeReadable(s);
	return then(settled(() => cancel?.(reason)), () => undefined);
};

const acquire = (s) => {
	const r = { stream: s, requests: [], closed: deferred() };
	handled(r.closed.promise);
	s.reader = r;
	if (s.status === "closed") r.closed.resolve();
	if (s.status === "errored") r.closed.reject(s.error);
	return r;
};

const release = (r) => {
	const gone = new TypeError("the reader has released its stream");
	if (r.stream.status !== "readable") r.closed = deferred();
	r.closed.reject(gone);
	handled(r.closed.promise);
	r.stream.reader = undefined;
	r.stream = undefined;
	for (const request of r.requests.splice(0)) request.fail(gone);
};

// read asks for the next chunk.
const read = (r, request) => {
	const s = r.stream;
	s.disturbed = true;
	if (s.status === "closed") return request.done();
	if (s.status === "errored") return request.fail(s.error);
	if (s.queue.length === 0) {
		r.requests.push(request);
		pullIfNeeded(s);
		return;
	}
	const { chunk, size } = s.queue.shift();
	s.total = s.queue.length === 0 ? 0 : s.total - size;
	if (s.ending && s.queue.length === 0) closeReadable(s);
	else pullIfNeeded(s);
	request.chunk(chunk);
};

const readChunk = (r) => new Promise((resolve, reject) => read(r, {
	chunk: (value) => resolve({ done: false, value }),
	done: () => resolve({ done: true, value: undefined }),
	fail: reject,
}));

const tee = (s) => {
	if (s.reader) throw new TypeError("tee: the stream is locked");
	const r = acquire(s), cancelled = deferred();
	const ends = [{ gone: false }, { gone: false }];
	let reading = false, again = false;
	const live = () => ends.filter((end) => !end.gone);
	const pull = () => {
		if (reading) { again = true; return; }
		reading = true;
		read(r, {
			chunk: (value) => queueMicrotask(() => {
				again = false;
				for (const end of live()) if (takesMore(end.state)) enqueue(end.state, value);
				reading = false;
				if (again) pull();
			}),
			done: () => {
				reading = false;
				for (const end of live()) if (takesMore(end.state)) closeSource(end.state);
				if (live().length > 0) cancelled.resolve();
			},
			fail: () => { reading = false; },
		});
	};
	for (const end of ends) {
		end.stream = makeReadable({
			pull, bytes: s.bytes,
			cancel: (reason) => {
				end.gone = true;
				end.reason = reason;
				if (live().length === 0) cancelled.resolve(cancelReadable(s, ends.map((e) => e.reason)));
				return cancelled.promise;
			},
		});
		end.state = readableOf(end.stream);
	}
	then(r.closed.promise, undefined, (error) => {
		for (const end of ends) failSource(end.state, error);
		if (live().length > 0) cancelled.resolve();
	});
	return ends.map((end) => end.stream);
};
