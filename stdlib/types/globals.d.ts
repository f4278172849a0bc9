// The Web globals that scripts have. The language itself is TypeScript's lib "es2023"; no other lib is needed, and "dom"
// would promise things that are not there. What differs from the standards is marked "Deviates".

// ---- Console ---------------------------------------------------------------------------------------------------------

/**
 * Prints to the live tail. A plain object after a message becomes the line's `fields`:
 * `console.log("reserved", { hold: "h_1" })`. Getters are not run, and output is bounded.
 */
interface Console {
	/** Prints at level `info`. Knows `%s %d %i %f %j %o %O %c`. */
	log(...data: unknown[]): void;
	info(...data: unknown[]): void;
	warn(...data: unknown[]): void;
	error(...data: unknown[]): void;
	debug(...data: unknown[]): void;
	/** Prints the stack at level `debug`. */
	trace(...data: unknown[]): void;
	/** Prints an object, looking deeper into it than `log`. */
	dir(value: unknown): void;
	table(rows: unknown, columns?: readonly string[]): void;
	group(...label: unknown[]): void;
	groupCollapsed(...label: unknown[]): void;
	groupEnd(): void;
	count(label?: string): void;
	countReset(label?: string): void;
	/** Starts a stopwatch by the script's clock, which stands still within a turn. */
	time(label?: string): void;
	timeLog(label?: string, ...data: unknown[]): void;
	timeEnd(label?: string): void;
	/** Prints at level `error` when the condition is false. */
	assert(condition?: unknown, ...data: unknown[]): void;
}
declare var console: Console;

// ---- Fetch -----------------------------------------------------------------------------------------------------------

type HeadersInit = Headers | Record<string, string> | Iterable<readonly [string, string]>;

/** The iterators of Headers, URLSearchParams and FormData. */
interface PairIterator<T> extends IteratorObject<T, undefined, unknown> {
	[Symbol.iterator](): PairIterator<T>;
}

interface Headers {
	append(name: string, value: string): void;
	delete(name: string): void;
	/** All values of a name, joined with ", ". */
	get(name: string): string | null;
	getSetCookie(): string[];
	has(name: string): boolean;
	set(name: string, value: string): void;
	forEach(callback: (value: string, name: string, headers: Headers) => void, thisArg?: unknown): void;
	keys(): PairIterator<string>;
	values(): PairIterator<string>;
	entries(): PairIterator<[string, string]>;
	[Symbol.iterator](): PairIterator<[string, string]>;
}
declare var Headers: {
	prototype: Headers;
	new (init?: HeadersInit): Headers;
};

type BodyInit = string | ArrayBuffer | ArrayBufferView | Blob | FormData | URLSearchParams | ReadableStream<Uint8Array>;

/** What Request and Response share. */
interface BodyMixin {
	readonly headers: Headers;
	/** What arrives, while it arrives. `new Response(upstream.body)` passes it on without reading it. */
	readonly body: ReadableStream<Uint8Array> | null;
	readonly bodyUsed: boolean;
	text(): Promise<string>;
	/** Rejects with an `InvalidJSONError` that shows how the text begins. */
	json<T = any>(): Promise<T>;
	arrayBuffer(): Promise<ArrayBuffer>;
	bytes(): Promise<Uint8Array>;
	blob(): Promise<Blob>;
	/** Reads `multipart/form-data` and `application/x-www-form-urlencoded`; rejects with a `TypeError` for what is neither. */
	formData(): Promise<FormData>;
}

// ---- Blob and forms --------------------------------------------------------------------------------------------------

type BlobPart = string | ArrayBuffer | ArrayBufferView | Blob;

interface BlobPropertyBag {
	type?: string;
	/** What becomes of line ends in strings: nothing ("transparent", the default), or they become "\n". */
	endings?: "transparent" | "native";
}

/** Bytes with a type, which do not change; 64 MiB at most. */
interface Blob {
	readonly size: number;
	readonly type: string;
	slice(start?: number, end?: number, contentType?: string): Blob;
	stream(): ReadableStream<Uint8Array>;
	text(): Promise<string>;
	arrayBuffer(): Promise<ArrayBuffer>;
	bytes(): Promise<Uint8Array>;
	readonly [Symbol.toStringTag]: string;
}
declare var Blob: {
	prototype: Blob;
	new (parts?: Iterable<BlobPart>, options?: BlobPropertyBag): Blob;
};

interface FilePropertyBag extends BlobPropertyBag {
	/** Default: now, by the script's clock. */
	lastModified?: number;
}

interface File extends Blob {
	readonly name: string;
	readonly lastModified: number;
}
declare var File: {
	prototype: File;
	new (parts: Iterable<BlobPart>, name: string, options?: FilePropertyBag): File;
};

type FormDataEntryValue = File | string;

/** The fields of a form. As a body it is `multipart/form-data`. */
interface FormData {
	append(name: string, value: string | Blob): void;
	append(name: string, value: Blob, filename?: string): void;
	delete(name: string): void;
	get(name: string): FormDataEntryValue | null;
	getAll(name: string): FormDataEntryValue[];
	has(name: string): boolean;
	set(name: string, value: string | Blob): void;
	set(name: string, value: Blob, filename?: string): void;
	forEach(callback: (value: FormDataEntryValue, name: string, form: FormData) => void, thisArg?: unknown): void;
	keys(): PairIterator<string>;
	values(): PairIterator<FormDataEntryValue>;
	entries(): PairIterator<[string, FormDataEntryValue]>;
	[Symbol.iterator](): PairIterator<[string, FormDataEntryValue]>;
}
declare var FormData: {
	prototype: FormData;
	new (): FormData;
};

type RequestRedirect = "follow" | "error" | "manual";

interface RequestInit {
	/** Default "GET". */
	method?: string;
	headers?: HeadersInit;
	body?: BodyInit | null;
	redirect?: RequestRedirect;
	signal?: AbortSignal | null;
}

interface Request extends BodyMixin {
	readonly method: string;
	readonly url: string;
	readonly redirect: RequestRedirect;
	readonly signal: AbortSignal;
	clone(): Request;
}
declare var Request: {
	prototype: Request;
	new (input: Request | URL | string, init?: RequestInit): Request;
};

interface ResponseInit {
	/** Default 200. */
	status?: number;
	statusText?: string;
	headers?: HeadersInit;
}

interface Response extends BodyMixin {
	readonly status: number;
	/** Whether the status is 200 to 299. */
	readonly ok: boolean;
	readonly statusText: string;
	readonly url: string;
	readonly redirected: boolean;
	readonly type: "basic" | "default" | "error";
	clone(): Response;
}
declare var Response: {
	prototype: Response;
	new (body?: BodyInit | null, init?: ResponseInit | Response): Response;
	json(data: unknown, init?: ResponseInit): Response;
	redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;
	error(): Response;
};

/**
 * Calls an http(s) API. Deviates: it rejects with `ConnectError`, `NetworkError`, `TimeoutError` and the like, which say
 * what happened; in a durable run the whole body is stored before the promise resolves.
 */
declare function fetch(input: Request | URL | string, init?: RequestInit): Promise<Response>;

// ---- URL -------------------------------------------------------------------------------------------------------------

interface URL {
	href: string;
	readonly origin: string;
	protocol: string;
	username: string;
	password: string;
	host: string;
	hostname: string;
	port: string;
	pathname: string;
	search: string;
	hash: string;
	readonly searchParams: URLSearchParams;
	toString(): string;
	toJSON(): string;
}
declare var URL: {
	prototype: URL;
	new (url: string | URL, base?: string | URL): URL;
	canParse(url: string | URL, base?: string | URL): boolean;
	parse(url: string | URL, base?: string | URL): URL | null;
};

interface URLSearchParams {
	readonly size: number;
	append(name: string, value: string): void;
	delete(name: string, value?: string): void;
	get(name: string): string | null;
	getAll(name: string): string[];
	has(name: string, value?: string): boolean;
	set(name: string, value: string): void;
	sort(): void;
	toString(): string;
	forEach(callback: (value: string, name: string, params: URLSearchParams) => void, thisArg?: unknown): void;
	keys(): PairIterator<string>;
	values(): PairIterator<string>;
	entries(): PairIterator<[string, string]>;
	[Symbol.iterator](): PairIterator<[string, string]>;
}
declare var URLSearchParams: {
	prototype: URLSearchParams;
	new (init?: string | URLSearchParams | Record<string, string> | Iterable<readonly [string, string]>): URLSearchParams;
};

// ---- Events and abort ------------------------------------------------------------------------------------------------

interface EventInit {
	bubbles?: boolean;
	cancelable?: boolean;
}

interface Event {
	readonly type: string;
	readonly target: EventTarget | null;
	readonly currentTarget: EventTarget | null;
	readonly bubbles: boolean;
	readonly cancelable: boolean;
	readonly composed: boolean;
	readonly defaultPrevented: boolean;
	readonly eventPhase: number;
	readonly isTrusted: boolean;
	readonly timeStamp: number;
	preventDefault(): void;
	stopPropagation(): void;
	stopImmediatePropagation(): void;
	composedPath(): EventTarget[];
}
declare var Event: {
	prototype: Event;
	new (type: string, init?: EventInit): Event;
};

interface CustomEventInit<T = unknown> extends EventInit {
	detail?: T;
}

interface CustomEvent<T = any> extends Event {
	readonly detail: T;
}
declare var CustomEvent: {
	prototype: CustomEvent;
	new <T>(type: string, init?: CustomEventInit<T>): CustomEvent<T>;
};

type EventListener = (event: Event) => void;
interface EventListenerObject {
	handleEvent(event: Event): void;
}

interface EventListenerOptions {
	capture?: boolean;
}

interface AddEventListenerOptions extends EventListenerOptions {
	once?: boolean;
	passive?: boolean;
	signal?: AbortSignal;
}

interface EventTarget {
	addEventListener(
		type: string,
		listener: EventListener | EventListenerObject | null,
		options?: AddEventListenerOptions | boolean,
	): void;
	removeEventListener(
		type: string,
		listener: EventListener | EventListenerObject | null,
		options?: EventListenerOptions | boolean,
	): void;
	dispatchEvent(event: Event): boolean;
}
declare var EventTarget: {
	prototype: EventTarget;
	new (): EventTarget;
};

interface AbortSignal extends EventTarget {
	readonly aborted: boolean;
	readonly reason: any;
	onabort: ((this: AbortSignal, event: Event) => void) | null;
	throwIfAborted(): void;
}
declare var AbortSignal: {
	prototype: AbortSignal;
	abort(reason?: unknown): AbortSignal;
	/** Aborts with a `TimeoutError` after that many milliseconds. */
	timeout(milliseconds: number): AbortSignal;
	any(signals: Iterable<AbortSignal>): AbortSignal;
};

interface AbortController {
	readonly signal: AbortSignal;
	abort(reason?: unknown): void;
}
declare var AbortController: {
	prototype: AbortController;
	new (): AbortController;
};

interface DOMException extends Error {
	readonly code: number;
}
declare var DOMException: {
	prototype: DOMException;
	new (message?: string, name?: string): DOMException;
};

// ---- Text and data ---------------------------------------------------------------------------------------------------

interface TextEncoder {
	readonly encoding: "utf-8";
	encode(text?: string): Uint8Array;
	encodeInto(text: string, destination: Uint8Array): { read: number; written: number };
}
declare var TextEncoder: {
	prototype: TextEncoder;
	new (): TextEncoder;
};

interface TextDecoderOptions {
	fatal?: boolean;
	ignoreBOM?: boolean;
}

interface TextDecoder {
	readonly encoding: string;
	readonly fatal: boolean;
	readonly ignoreBOM: boolean;
	decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
declare var TextDecoder: {
	prototype: TextDecoder;
	/** Knows utf-8, utf-16le and windows-1252 (latin1), by all their labels. */
	new (label?: string, options?: TextDecoderOptions): TextDecoder;
};

declare function atob(data: string): string;
declare function btoa(data: string): string;

/** Copies data, cycles included. What is transferred is copied too, and then detached. */
declare function structuredClone<T>(value: T, options?: { transfer?: Iterable<ArrayBuffer> }): T;

// ---- Time and randomness ---------------------------------------------------------------------------------------------

/** Under 1 ms the callback runs in the same turn; otherwise the wait is a call, and a durable run may sleep through it. */
declare function setTimeout<A extends unknown[]>(callback: (...args: A) => void, milliseconds?: number, ...args: A): number;
declare function setInterval<A extends unknown[]>(callback: (...args: A) => void, milliseconds?: number, ...args: A): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;

interface PerformanceEntry {
	readonly name: string;
	readonly entryType: "mark" | "measure";
	readonly startTime: number;
	readonly duration: number;
	readonly detail: any;
}

interface Performance {
	/** The script's clock in milliseconds. Deviates: it stands still within a turn, and `timeOrigin` is 0. */
	now(): number;
	readonly timeOrigin: number;
	mark(name: string, options?: { startTime?: number; detail?: unknown }): PerformanceEntry;
	measure(name: string, start?: string | number, end?: string | number): PerformanceEntry;
	measure(name: string, options: { start?: string | number; end?: string | number; detail?: unknown }): PerformanceEntry;
	getEntries(): PerformanceEntry[];
	getEntriesByName(name: string): PerformanceEntry[];
	getEntriesByType(type: "mark" | "measure"): PerformanceEntry[];
	clearMarks(name?: string): void;
	clearMeasures(name?: string): void;
}
declare var performance: Performance;

/** Random bytes of the run's own stream: a replayed run draws the same. */
interface Crypto {
	readonly subtle: SubtleCrypto;
	randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
	getRandomValues<T extends Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array>(array: T): T;
}
declare var Crypto: {
	prototype: Crypto;
};
declare var crypto: Crypto;

type BufferSource = ArrayBuffer | ArrayBufferView;
type KeyType = "secret" | "public" | "private";
type KeyUsage = "encrypt" | "decrypt" | "sign" | "verify" | "deriveKey" | "deriveBits" | "wrapKey" | "unwrapKey";
type KeyFormat = "raw" | "spki" | "pkcs8" | "jwk";
type NamedCurve = "P-256" | "P-384" | "P-521";

interface Algorithm {
	name: string;
}
type AlgorithmIdentifier = Algorithm | string;
type HashAlgorithmIdentifier = AlgorithmIdentifier;

interface JsonWebKey {
	alg?: string;
	crv?: string;
	d?: string;
	dp?: string;
	dq?: string;
	e?: string;
	ext?: boolean;
	k?: string;
	key_ops?: string[];
	kty?: string;
	n?: string;
	oth?: { d?: string; r?: string; t?: string }[];
	p?: string;
	q?: string;
	qi?: string;
	use?: string;
	x?: string;
	y?: string;
}

interface HmacImportParams extends Algorithm {
	hash: HashAlgorithmIdentifier;
	/** In bits, a multiple of 8. */
	length?: number;
}
interface HmacKeyGenParams extends HmacImportParams {}
interface AesKeyGenParams extends Algorithm {
	length: 128 | 192 | 256;
}
interface AesDerivedKeyParams extends AesKeyGenParams {}
interface AesGcmParams extends Algorithm {
	/** 12 bytes, and never the same twice with one key. */
	iv: BufferSource;
	additionalData?: BufferSource;
	/** In bits; default 128. */
	tagLength?: number;
}
interface AesCbcParams extends Algorithm {
	/** 16 bytes. */
	iv: BufferSource;
}
interface EcKeyGenParams extends Algorithm {
	namedCurve: NamedCurve;
}
interface EcKeyImportParams extends EcKeyGenParams {}
interface EcdsaParams extends Algorithm {
	hash: HashAlgorithmIdentifier;
}
interface RsaHashedImportParams extends Algorithm {
	hash: HashAlgorithmIdentifier;
}
interface RsaHashedKeyGenParams extends RsaHashedImportParams {
	/** Deviates: only keys of 2048 bits can be generated. */
	modulusLength: number;
	/** `new Uint8Array([1, 0, 1])` */
	publicExponent: Uint8Array;
}
interface RsaPssParams extends Algorithm {
	/** In bytes; usually the length of the hash. Deviates: it can not be 0. */
	saltLength: number;
}
interface RsaOaepParams extends Algorithm {
	label?: BufferSource;
}
interface Pbkdf2Params extends Algorithm {
	hash: HashAlgorithmIdentifier;
	salt: BufferSource;
	/** At most 1,000,000. */
	iterations: number;
}
interface HkdfParams extends Algorithm {
	hash: HashAlgorithmIdentifier;
	salt: BufferSource;
	info: BufferSource;
}
type ImportParams = AlgorithmIdentifier | HmacImportParams | EcKeyImportParams | RsaHashedImportParams;
type CipherParams = AesGcmParams | AesCbcParams | RsaOaepParams;

interface KeyAlgorithm {
	name: string;
	hash?: { name: string };
	/** In bits. */
	length?: number;
	namedCurve?: NamedCurve;
	/** In bits. */
	modulusLength?: number;
	publicExponent?: Uint8Array;
}

/** A key for `crypto.subtle`. */
interface CryptoKey {
	readonly type: KeyType;
	readonly extractable: boolean;
	readonly algorithm: KeyAlgorithm;
	readonly usages: KeyUsage[];
	readonly [Symbol.toStringTag]: "CryptoKey";
}
declare var CryptoKey: {
	prototype: CryptoKey;
};

interface CryptoKeyPair {
	publicKey: CryptoKey;
	privateKey: CryptoKey;
}

/**
 * The Web Cryptography API. It computes in the turn and makes no calls; what it makes at random is the same when the run
 * is replayed. Errors have the standard's names and reject the promise.
 */
interface SubtleCrypto {
	/** SHA-1, SHA-256, SHA-384, SHA-512. */
	digest(algorithm: AlgorithmIdentifier, data: BufferSource): Promise<ArrayBuffer>;
	generateKey(algorithm: "Ed25519" | { name: "Ed25519" }, extractable: boolean, keyUsages: readonly KeyUsage[]): Promise<CryptoKeyPair>;
	generateKey(algorithm: RsaHashedKeyGenParams | EcKeyGenParams, extractable: boolean, keyUsages: readonly KeyUsage[]): Promise<CryptoKeyPair>;
	generateKey(algorithm: AesKeyGenParams | HmacKeyGenParams, extractable: boolean, keyUsages: readonly KeyUsage[]): Promise<CryptoKey>;
	importKey(format: "jwk", keyData: JsonWebKey, algorithm: ImportParams, extractable: boolean, keyUsages: readonly KeyUsage[]): Promise<CryptoKey>;
	importKey(format: "raw" | "spki" | "pkcs8", keyData: BufferSource, algorithm: ImportParams, extractable: boolean, keyUsages: readonly KeyUsage[]): Promise<CryptoKey>;
	exportKey(format: "jwk", key: CryptoKey): Promise<JsonWebKey>;
	exportKey(format: "raw" | "spki" | "pkcs8", key: CryptoKey): Promise<ArrayBuffer>;
	/** HMAC, ECDSA (as RFC 6979), Ed25519, RSASSA-PKCS1-v1_5, RSA-PSS. */
	sign(algorithm: AlgorithmIdentifier | EcdsaParams | RsaPssParams, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
	verify(algorithm: AlgorithmIdentifier | EcdsaParams | RsaPssParams, key: CryptoKey, signature: BufferSource, data: BufferSource): Promise<boolean>;
	/** AES-GCM, AES-CBC, RSA-OAEP. */
	encrypt(algorithm: CipherParams, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
	decrypt(algorithm: CipherParams, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
	/** PBKDF2, HKDF. */
	deriveBits(algorithm: Pbkdf2Params | HkdfParams, baseKey: CryptoKey, length: number): Promise<ArrayBuffer>;
	deriveKey(
		algorithm: Pbkdf2Params | HkdfParams,
		baseKey: CryptoKey,
		derivedKeyType: AesDerivedKeyParams | HmacImportParams,
		extractable: boolean,
		keyUsages: readonly KeyUsage[],
	): Promise<CryptoKey>;
	wrapKey(format: KeyFormat, key: CryptoKey, wrappingKey: CryptoKey, wrapAlgorithm: CipherParams): Promise<ArrayBuffer>;
	unwrapKey(
		format: KeyFormat,
		wrappedKey: BufferSource,
		unwrappingKey: CryptoKey,
		unwrapAlgorithm: CipherParams,
		unwrappedKeyAlgorithm: ImportParams,
		extractable: boolean,
		keyUsages: readonly KeyUsage[],
	): Promise<CryptoKey>;
}
declare var SubtleCrypto: {
	prototype: SubtleCrypto;
};

/** The same as `globalThis`. */
declare var self: typeof globalThis;

// ---- The language beyond ES2023 --------------------------------------------------------------------------------------

interface PromiseWithResolvers<T> {
	promise: Promise<T>;
	resolve: (value: T | PromiseLike<T>) => void;
	reject: (reason?: any) => void;
}

interface PromiseConstructor {
	withResolvers<T>(): PromiseWithResolvers<T>;
	try<T, A extends unknown[]>(callback: (...args: A) => T | PromiseLike<T>, ...args: A): Promise<Awaited<T>>;
}

interface ObjectConstructor {
	groupBy<K extends PropertyKey, T>(items: Iterable<T>, keySelector: (item: T, index: number) => K): Partial<Record<K, T[]>>;
}

interface MapConstructor {
	groupBy<K, T>(items: Iterable<T>, keySelector: (item: T, index: number) => K): Map<K, T[]>;
}

interface ArrayConstructor {
	fromAsync<T>(items: AsyncIterable<T> | Iterable<T | PromiseLike<T>> | ArrayLike<T | PromiseLike<T>>): Promise<T[]>;
	fromAsync<T, U>(
		items: AsyncIterable<T> | Iterable<T> | ArrayLike<T>,
		map: (value: Awaited<T>, index: number) => U,
		thisArg?: unknown,
	): Promise<Awaited<U>[]>;
}

interface String {
	isWellFormed(): boolean;
	toWellFormed(): string;
}

interface RegExpConstructor {
	escape(text: string): string;
}

interface ErrorConstructor {
	captureStackTrace(target: object, constructor?: Function): void;
}

interface IteratorObject<T, TReturn, TNext> {
	map<U>(callback: (value: T, index: number) => U): IteratorObject<U, undefined, unknown>;
	filter<S extends T>(predicate: (value: T, index: number) => value is S): IteratorObject<S, undefined, unknown>;
	filter(predicate: (value: T, index: number) => unknown): IteratorObject<T, undefined, unknown>;
	take(limit: number): IteratorObject<T, undefined, unknown>;
	drop(count: number): IteratorObject<T, undefined, unknown>;
	flatMap<U>(callback: (value: T, index: number) => Iterator<U, unknown, undefined> | Iterable<U, unknown, undefined>): IteratorObject<U, undefined, unknown>;
	reduce(callback: (sum: T, value: T, index: number) => T): T;
	reduce<U>(callback: (sum: U, value: T, index: number) => U, initial: U): U;
	toArray(): T[];
	forEach(callback: (value: T, index: number) => void): void;
	some(predicate: (value: T, index: number) => unknown): boolean;
	every(predicate: (value: T, index: number) => unknown): boolean;
	find<S extends T>(predicate: (value: T, index: number) => value is S): S | undefined;
	find(predicate: (value: T, index: number) => unknown): T | undefined;
}
