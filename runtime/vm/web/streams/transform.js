// TransformStream and the transforms that every platform has.

let transformOf; // the state of a TransformStream, or undefined

class TransformStream {
	#state;
	static { transformOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(transformer, writableStrategy, readableStrategy) {
		if (transformer === undefined) transformer = {};
		if (!isObject(transformer)) throw new TypeError("new TransformStream: the transformer must be an object");
		const { start, transform, flush, cancel } = transformer;
		const begin = method(transformer, start, "start");
		this.#state = newTransform({
			transform: method(transformer, transform, "transform"), flush: method(transformer, flush, "flush"), cancel: method(transformer, cancel, "cancel"),
			begin, in: readStrategy(writableStrategy, 1), out: readStrategy(readableStrategy, 0),
		});
	}

	get readable() { return its(this, transformOf, "TransformStream").readable; }
	get writable() { return its(this, transformOf, "TransformStream").writable; }
}

let transformerOf; // the state of the transform that a controller is for

class TransformStreamDefaultController {
	#state;
	static { transformerOf = (value) => isObject(value) && #state in value ? value.#state : undefined; }

	constructor(key, state) {
		if (key !== internal) throw new TypeError("Illegal constructor");
		this.#state = state;
	}

	get desiredSize() { return desiredSize(its(this, transformerOf, "TransformStreamDefaultController").out); }
	enqueue(chunk) { emit(its(this, transformerOf, "TransformStreamDefaultController"), chunk); }
	error(reason) { failTransform(its(this, transformerOf, "TransformStreamDefaultController"), reason); }
	terminate() {
		const t = its(this, transformerOf, "TransformStreamDefaultController");
		if (takesMore(t.out)) closeSource(t.out);
		failInput(t, new TypeError("the transform has been terminated"));
	}
}

// newTransform makes the two sides. What is written waits until the readable side
// has room: change is the promise of that.
const newTransform = ({ transform, flush, cancel, begin, in: input, out: output }) => {
	const t = { readable: undefined, writable: undefined, out: undefined, in: undefined, blocked: true, change: deferred(), controller: undefined, ending: undefined };
	const run = async (chunk) => {
		if (t.blocked) {
			await t.change.promise;
			if (t.in.status === "erroring") throw t.in.error;
		}
		try {
			await (transform ? transform(chunk, t.controller) : emit(t, chunk));
		} catch (error) {
			failTransform(t, error);
			throw error;
		}
	};
	const end = (act) => t.ending ??= settled(act);
	t.writable = new WritableStream(internal, {
		...input,
		write: run,
		close: () => end(async () => {
			try {
				await flush?.(t.controller);
			} catch (error) {
				failTransform(t, error);
				throw error;
			}
			if (t.out.status === "errored") throw t.out.error;
			if (takesMore(t.out)) closeSource(t.out);
		}),
		abort: (reason) => end(async () => {
			try {
				await cancel?.(reason);
			} catch (error) {
				failSource(t.out, error);
				throw error;
			}
			if (t.out.status === "errored") throw t.out.error;
			failSource(t.out, reason);
		}),
	});
	t.in = writableOf(t.writable);
	t.readable = new ReadableStream(internal, {
		...output,
		pull: () => { block(t, false); return t.change.promise; },
		cancel: (reason) => end(async () => {
			try {
				await cancel?.(reason);
			} catch (error) {
				failInput(t, error);
				throw error;
			}
			if (t.in.status === "errored") throw t.in.error;
			failInput(t, reason);
		}),
	});
	t.out = readableOf(t.readable);
	t.controller = new TransformStreamDefaultController(internal, t);
	const began = begin && begin(t.controller);
	startWritable(t.in, began);
	startReadable(t.out, began);
	return t;
};

const block = (t, blocked) => {
	if (t.blocked === blocked) return;
	t.change.resolve();
	t.change = deferred();
	t.blocked = blocked;
};

const emit = (t, chunk) => {
	if (!takesMore(t.out)) throw new TypeError("enqueue: the readable side is closed, or has failed");
	try {
		enqueue(t.out, chunk);
	} catch (error) {
		failInput(t, error);
		throw t.out.error;
	}
	const full = !(t.out.reader?.requests.length > 0 || desiredSize(t.out) > 0);
	if (full) block(t, true);
};

const failTransform = (t, error) => {
	failSource(t.out, error);
	failInput(t, error);
};

const failInput = (t, error) => {
	if (t.in.status === "writable") startErroring(t.in, error);
	block(t, false);
};

// The transforms below hold one TransformStream.
const pairOf = new WeakMap();
const inner = (value) => {
	const pair = isObject(value) ? pairOf.get(value) : undefined;
	if (!pair) throw new TypeError("Illegal invocation");
	return pair;
};
class Pair {
	get readable() { return inner(this).readable; }
	get writable() { return inner(this).writable; }
}
const sidesOf = (proto) => { for (const name of ["readable", "writable"]) Object.defineProperty(proto, name, Object.getOwnPropertyDescriptor(Pair.prototype, name)); };

class TextEncoderStream {
	constructor() {
		const encoder = new TextEncoder();
		let high = "";
		pairOf.set(this, new TransformStream({
			transform(chunk, controller) {
				let text = high + chunk;
				const last = text.charCodeAt(text.length - 1);
				high = last >= 0xd800 && last <= 0xdbff ? text[text.length - 1] : "";
				if (high) text = text.slice(0, -1);
				if (text) controller.enqueue(encoder.encode(text));
			},
			flush(controller) { if (high) controller.enqueue(encoder.encode(high)); },
		}));
	}
	get encoding() { inner(this); return "utf-8"; }
}

const decoders = new WeakMap();
class TextDecoderStream {
	constructor(label, options) {
		const decoder = new TextDecoder(label, options);
		decoders.set(this, decoder);
		const put = (controller, text) => { if (text) controller.enqueue(text); };
		pairOf.set(this, new TransformStream({
			transform(chunk, controller) { put(controller, decoder.decode(bytesOf(chunk, "TextDecoderStream"), { stream: true })); },
			flush(controller) { put(controller, decoder.decode()); },
		}));
	}
	get encoding() { inner(this); return decoders.get(this).encoding; }
	get fatal() { inner(this); return decoders.get(this).fatal; }
	get ignoreBOM() { inner(this); return decoders.get(this).ignoreBOM; }
}

// codecStream makes the two classes that stand for a native coder: write takes
// bytes and returns bytes, end returns the last ones.
const codecStream = (coder) => new TransformStream({
	transform(chunk, controller) {
		const out = coder.write(bytesOf(chunk, "a compression stream"));
		if (out.byteLength > 0) controller.enqueue(out);
	},
	flush(controller) {
		const out = coder.end();
		if (out.byteLength > 0) controller.enqueue(out);
	},
});
class CompressionStream {
	constructor(format) { pairOf.set(this, codecStream(compressor(`${format}`))); }
}
class DecompressionStream {
	constructor(format) { pairOf.set(this, codecStream(decompressor(`${format}`))); }
}
for (const { prototype } of [TextEncoderStream, TextDecoderStream, CompressionStream, DecompressionStream]) sidesOf(prototype);

class ByteLengthQueuingStrategy {
	#mark;
	constructor(init) { this.#mark = markOf(init); }
	get highWaterMark() { return this.#mark; }
	get size() { return byteLengthOf; }
}
const byteLengthOf = { size(chunk) { return chunk.byteLength; } }.size;

class CountQueuingStrategy {
	#mark;
	constructor(init) { this.#mark = markOf(init); }
	get highWaterMark() { return this.#mark; }
	get size() { return one; }
}
const one = { size() { return 1; } }.size;
const markOf = (init) => {
	if (!isObject(init) || init.highWaterMark === undefined) throw new TypeError("a queuing strategy needs { highWaterMark }");
	return Number(init.highWaterMark);
};
