// The side that the platform's own code uses.

// ofBytes is a stream of what next returns promises of: Uint8Arrays, and undefined
// at the end. It reads nothing ahead, so that it can be passed on unread.
const ofBytes = (next, cancel) => makeReadable({
	bytes: true, highWaterMark: 0, cancel,
	pull: (controller) => then(next(), (chunk) => {
		if (chunk === undefined) controller.close();
		else controller.enqueue(chunk);
	}),
});

// lock takes a stream for good, as a body that is passed on does.
const lock = (stream) => {
	const s = readableOf(stream);
	if (s.reader || s.disturbed) return undefined;
	s.disturbed = true;
	return acquire(s);
};

// each reads a locked stream to its end. take gets each chunk, and a promise it
// returns is waited for; if that fails the stream is cancelled.
const each = async (r, take) => {
	for (;;) {
		const { done, value } = await readChunk(r);
		if (done) return;
		try {
			const waiting = take(bytesOf(value, "the body of a message"));
			if (waiting) await waiting;
		} catch (error) {
			if (r.stream.status === "readable") handled(cancelReadable(r.stream, error));
			throw error;
		}
	}
};

// collect reads a locked stream whole, up to a number of bytes.
const collect = async (r, most) => {
	const list = [];
	let size = 0;
	await each(r, (chunk) => {
		size += chunk.byteLength;
		if (size > most) throw new RangeError(`a stream of more than ${most} bytes can not be read whole`);
		list.push(chunk.slice());
	});
	const bytes = new Uint8Array(size);
	let at = 0;
	for (const chunk of list) {
		bytes.set(chunk, at);
		at += chunk.byteLength;
	}
	return bytes;
};

const stateOf = (stream) => {
	const s = readableOf(stream);
	return s && { locked: s.reader !== undefined, disturbed: s.disturbed };
};

const classes = {
	ReadableStream, ReadableStreamDefaultReader, ReadableStreamDefaultController, WritableStream, WritableStreamDefaultWriter,
	WritableStreamDefaultController, TransformStream, TransformStreamDefaultController, TextEncoderStream, TextDecoderStream,
	CompressionStream, DecompressionStream, ByteLengthQueuingStrategy, CountQueuingStrategy,
};
for (const name of Object.keys(classes)) Object.defineProperty(classes[name].prototype, Symbol.toStringTag, { value: name, configurable: true });

return { ...classes, ofBytes, lock, each, collect, stateOf, tee: (stream) => tee(readableOf(stream)) };
