// What all kinds of streams need. internal is what only our own code can pass to
// the constructors that scripts can not call.

const internal = {};
const asyncIterator = Symbol.for("Symbol.asyncIterator");
const isObject = (value) => typeof value === "object" && value !== null || typeof value === "function";

const promiseThen = Promise.prototype.then;
const then = (promise, ok, failed) => Reflect.apply(promiseThen, promise, [ok, failed]);
// handled says that a rejection of the promise is nobody's mistake.
const handled = (promise) => { then(promise, undefined, () => {}); return promise; };
// settled is the promise of what f returns, or throws.
const settled = (f) => {
	try {
		return Promise.resolve(f());
	} catch (error) {
		return Promise.reject(error);
	}
};
const deferred = () => {
	const d = { isSettled: false };
	d.promise = new Promise((resolve, reject) => {
		d.resolve = (value) => { d.isSettled = true; resolve(value); };
		d.reject = (error) => { d.isSettled = true; reject(error); };
	});
	return d;
};

// its is the state of an object of ours, or throws.
const its = (value, of, name) => {
	const state = of(value);
	if (!state) throw new TypeError(`Illegal invocation: it takes a ${name}`);
	return state;
};

// method is a function of an object that a script gave, or undefined.
const method = (object, f, name) => {
	if (f === undefined) return undefined;
	if (typeof f !== "function") throw new TypeError(`${name} must be a function`);
	return (...args) => Reflect.apply(f, object, args);
};

const readStrategy = (strategy, highWaterMark) => {
	if (strategy === undefined || strategy === null) return { highWaterMark, size: () => 1 };
	const { size, highWaterMark: mark } = strategy;
	if (size !== undefined && typeof size !== "function") throw new TypeError("the size of a strategy must be a function");
	if (mark !== undefined) highWaterMark = Number(mark);
	if (Number.isNaN(highWaterMark) || highWaterMark < 0) throw new RangeError(`the highWaterMark of a strategy can not be ${mark}`);
	return { highWaterMark, size: size ? (chunk) => size(chunk) : () => 1 };
};

const chunkSize = (size) => {
	size = Number(size);
	if (Number.isNaN(size) || size < 0 || size === Infinity) throw new RangeError("the size of a chunk must be a finite number that is not negative");
	return size;
};

const bytesOf = (chunk, what) => {
	if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
	if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
	throw new TypeError(`${what} takes bytes, as a Uint8Array or an ArrayBuffer; text can go through a TextEncoderStream first`);
};

// openIterator begins an iteration, asynchronous if it can be.
const openIterator = (items) => {
	const open = isObject(items) || typeof items === "string" ? items[asyncIterator] ?? items[Symbol.iterator] : undefined;
	if (typeof open !== "function") throw new TypeError("ReadableStream.from takes something that can be iterated");
	return Reflect.apply(open, items, []);
};
