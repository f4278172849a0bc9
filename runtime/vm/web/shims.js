// What the language has and goja has not, plus DOMException. Each is a factory
// of one function; the Go side defines it where it belongs, see shims.go.
({
	DOMException: () => {
		const codes = { IndexSizeError: 1, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10, InvalidStateError: 11,
			SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14, InvalidAccessError: 15, TypeMismatchError: 17,
			SecurityError: 18, NetworkError: 19, AbortError: 20, URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23,
			InvalidNodeTypeError: 24, DataCloneError: 25 };
		return class DOMException extends Error {
			constructor(message = "", name = "Error") {
				super(message);
				Object.defineProperty(this, "name", { value: `${name}`, configurable: true });
			}
			get code() { return Object.hasOwn(codes, this.name) ? codes[this.name] : 0; }
		};
	},
	"Promise.withResolvers": () => ({
		withResolvers() {
			let resolve, reject;
			const promise = new this((a, b) => { resolve = a; reject = b; });
			return { promise, resolve, reject };
		},
	}).withResolvers,
	"Promise.try": () => ({
		try(callback, ...args) { return new this((resolve) => resolve(callback(...args))); },
	}).try,
	"Object.groupBy": () => function groupBy(items, callback) {
		const out = Object.create(null);
		let i = 0;
		for (const item of items) {
			let key = callback(item, i++);
			if (typeof key !== "symbol") key = `${key}`;
			if (Object.hasOwn(out, key)) out[key].push(item); else out[key] = [item];
		}
		return out;
	},
	"Map.groupBy": () => function groupBy(items, callback) {
		const out = new Map();
		let i = 0;
		for (const item of items) {
			const key = callback(item, i++), group = out.get(key);
			if (group) group.push(item); else out.set(key, [item]);
		}
		return out;
	},
	"Array.fromAsync": () => { const asyncIterator = Symbol.for("Symbol.asyncIterator"); return ({
		async fromAsync(items, map, self) {
			if (map !== undefined && typeof map !== "function") throw new TypeError("Array.fromAsync: the mapper must be a function");
			const out = typeof this === "function" && this !== Array ? new this() : [];
			let i = 0;
			const add = async (item) => { out[i] = map ? await map.call(self, item, i) : item; i++; };
			const open = items[asyncIterator] ?? items[Symbol.iterator];
			if (open == null) {
				for (const n = Math.min(Math.trunc(items.length) || 0, 2 ** 32 - 1); i < n;) await add(await items[i]);
				out.length = i;
				return out;
			}
			const sync = items[asyncIterator] == null, iterator = open.call(items);
			let finished = false;
			try {
				for (;;) {
					const step = sync ? iterator.next() : await iterator.next();
					if (step.done) { finished = true; break; }
					await add(sync ? await step.value : step.value);
				}
			} finally {
				if (!finished) await iterator.return?.();
			}
			out.length = i;
			return out;
		},
	}).fromAsync; },
	// The engine's own takes objects only, and strings are what it is mostly given.
	"Uint8Array.__proto__.from": () => {
		const own = Object.getPrototypeOf(Uint8Array).from;
		return ({
			from(items, ...rest) { return Reflect.apply(own, this, [typeof items === "string" ? [...items] : items, ...rest]); },
		}).from;
	},
	"String.prototype.isWellFormed": () => ({
		isWellFormed() {
			const s = `${this}`;
			for (let i = 0; i < s.length; i++) {
				const c = s.charCodeAt(i), d = s.charCodeAt(i + 1);
				if (c < 0xD800 || c > 0xDFFF) continue;
				if (c > 0xDBFF || !(d >= 0xDC00 && d <= 0xDFFF)) return false;
				i++;
			}
			return true;
		},
	}).isWellFormed,
	"String.prototype.toWellFormed": () => ({
		toWellFormed() {
			const s = `${this}`;
			let out = "";
			for (let i = 0; i < s.length; i++) {
				const c = s.charCodeAt(i), d = s.charCodeAt(i + 1);
				if (c < 0xD800 || c > 0xDFFF) out += s[i];
				else if (c < 0xDC00 && d >= 0xDC00 && d <= 0xDFFF) out += s[i] + s[++i];
				else out += "\uFFFD";
			}
			return out;
		},
	}).toWellFormed,
	"Error.captureStackTrace": () => function captureStackTrace(target) {
		Object.defineProperty(target, "stack", { value: new Error(target.message).stack, writable: true, configurable: true });
	},
	"RegExp.escape": () => function escape(text) {
		if (typeof text !== "string") throw new TypeError("RegExp.escape takes a string");
		const hex = (c) => "\\x" + c.charCodeAt(0).toString(16).padStart(2, "0");
		const control = { "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r" };
		let out = "";
		for (const c of text) {
			if (out === "" && /[0-9A-Za-z]/.test(c)) out += hex(c);
			else if ("^$\\.*+?()[]{}|/".includes(c)) out += "\\" + c;
			else if (control[c]) out += control[c];
			else if (",-=<>#&!%:;@~'`\" \u00A0".includes(c)) out += hex(c);
			else if (/[\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF\u1680]/.test(c) || c.length === 1 && c >= "\uD800" && c <= "\uDFFF") out += "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
			else out += c;
		}
		return out;
	},
	"Number.prototype.toLocaleString": () => ({
		toLocaleString(locale, options = {}) {
			const n = Number(this);
			if (!Number.isFinite(n)) return Number.isNaN(n) ? "NaN" : n < 0 ? "-∞" : "∞";
			const least = options.minimumFractionDigits ?? 0, most = options.maximumFractionDigits ?? Math.max(3, least);
			let [whole, part = ""] = Math.abs(n).toFixed(most).split(".");
			while (part.length > least && part.endsWith("0")) part = part.slice(0, -1);
			if (options.useGrouping !== false) whole = whole.replace(/\B(?=(\d{3})+$)/g, ",");
			return (n < 0 ? "-" : "") + whole + (part && "." + part);
		},
	}).toLocaleString,
	"Iterator": () => {
		const proto = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
		const callable = (f) => { if (typeof f !== "function") throw new TypeError("an iterator helper takes a function"); };
		const count = (n) => {
			n = Number(n);
			if (Number.isNaN(n) || n < 0) throw new RangeError("an iterator helper takes a number that is not negative");
			return Math.trunc(n);
		};
		const lazy = (make, check) => function (arg) { check(arg); return make(this, arg); };
		const each = (it) => ({ [Symbol.iterator]: () => ({ next: () => it.next(), return: () => it.return?.() ?? {} }) });
		const opened = (x) => x[Symbol.iterator] ? x[Symbol.iterator]() : x;
		const methods = {
			map: lazy(function* (it, f) { let i = 0; for (const x of each(it)) yield f(x, i++); }, callable),
			filter: lazy(function* (it, f) { let i = 0; for (const x of each(it)) if (f(x, i++)) yield x; }, callable),
			take: lazy(function* (it, n) {
				n = count(n);
				if (n === 0) { it.return?.(); return; }
				for (const x of each(it)) { yield x; if (--n <= 0) break; }
			}, count),
			drop: lazy(function* (it, n) { n = count(n); for (const x of each(it)) if (n > 0) n--; else yield x; }, count),
			flatMap: lazy(function* (it, f) { let i = 0; for (const x of each(it)) for (const y of each(opened(f(x, i++)))) yield y; }, callable),
			reduce(f, ...start) {
				callable(f);
				let i = 0, sum = start[0], some = start.length > 0;
				for (const x of each(this)) { sum = some ? f(sum, x, i) : x; some = true; i++; }
				if (!some) throw new TypeError("reduce of an empty iterator with no initial value");
				return sum;
			},
			toArray() { return [...each(this)]; },
			forEach(f) { callable(f); let i = 0; for (const x of each(this)) f(x, i++); },
			some(f) { callable(f); let i = 0; for (const x of each(this)) if (f(x, i++)) return true; return false; },
			every(f) { callable(f); let i = 0; for (const x of each(this)) if (!f(x, i++)) return false; return true; },
			find(f) { callable(f); let i = 0; for (const x of each(this)) if (f(x, i++)) return x; },
		};
		for (const name of Object.keys(methods)) {
			Object.defineProperty(methods[name], "name", { value: name, configurable: true });
			if (!Object.hasOwn(proto, name)) Object.defineProperty(proto, name, { value: methods[name], writable: true, configurable: true });
		}
		function Iterator() {
			if (new.target === undefined || new.target === Iterator) throw new TypeError("Iterator is abstract; extend it");
		}
		const from = (x) => {
			const it = opened(x);
			if (proto.isPrototypeOf(it)) return it;
			return Object.assign(Object.create(proto), { next: () => it.next(), return: () => it.return?.() ?? { done: true, value: undefined } });
		};
		Object.defineProperty(Iterator, "from", { value: from, writable: true, configurable: true });
		Object.defineProperty(Iterator, "prototype", { value: proto, writable: false });
		Object.defineProperty(proto, "constructor", { value: Iterator, writable: true, configurable: true });
		return Iterator;
	},
})
