// The Web's streams, and what compresses and decodes on the way.
// Deviates: there are no BYOB readers, so that a stream of type "bytes" is one of Uint8Arrays.

interface QueuingStrategy<T = any> {
	/** How much may be waiting. Default: 1. */
	highWaterMark?: number;
	size?: (chunk: T) => number;
}

interface UnderlyingSource<R = any> {
	type?: "bytes";
	start?: (controller: ReadableStreamDefaultController<R>) => any;
	pull?: (controller: ReadableStreamDefaultController<R>) => any;
	cancel?: (reason?: any) => any;
}

interface ReadableStreamDefaultController<R = any> {
	readonly desiredSize: number | null;
	readonly byobRequest?: null;
	enqueue(chunk: R): void;
	close(): void;
	error(reason?: any): void;
}
declare var ReadableStreamDefaultController: { prototype: ReadableStreamDefaultController };

type ReadableStreamReadResult<T> = { done: false; value: T } | { done: true; value: undefined };

interface ReadableStreamDefaultReader<R = any> {
	readonly closed: Promise<undefined>;
	read(): Promise<ReadableStreamReadResult<R>>;
	cancel(reason?: any): Promise<void>;
	releaseLock(): void;
}
declare var ReadableStreamDefaultReader: {
	prototype: ReadableStreamDefaultReader;
	new <R>(stream: ReadableStream<R>): ReadableStreamDefaultReader<R>;
};

interface StreamPipeOptions {
	preventClose?: boolean;
	preventAbort?: boolean;
	preventCancel?: boolean;
	signal?: AbortSignal;
}

interface ReadableWritablePair<R = any, W = any> {
	readonly readable: ReadableStream<R>;
	readonly writable: WritableStream<W>;
}

interface ReadableStream<R = any> {
	readonly locked: boolean;
	cancel(reason?: any): Promise<void>;
	getReader(): ReadableStreamDefaultReader<R>;
	pipeThrough<T>(transform: ReadableWritablePair<T, R>, options?: StreamPipeOptions): ReadableStream<T>;
	pipeTo(destination: WritableStream<R>, options?: StreamPipeOptions): Promise<void>;
	tee(): [ReadableStream<R>, ReadableStream<R>];
	values(options?: { preventCancel?: boolean }): AsyncIterableIterator<R>;
	[Symbol.asyncIterator](options?: { preventCancel?: boolean }): AsyncIterableIterator<R>;
}
declare var ReadableStream: {
	prototype: ReadableStream;
	new <R = any>(source?: UnderlyingSource<R>, strategy?: QueuingStrategy<R>): ReadableStream<R>;
	from<R>(items: AsyncIterable<R> | Iterable<R | PromiseLike<R>>): ReadableStream<R>;
};

interface UnderlyingSink<W = any> {
	start?: (controller: WritableStreamDefaultController) => any;
	write?: (chunk: W, controller: WritableStreamDefaultController) => any;
	close?: () => any;
	abort?: (reason?: any) => any;
}

interface WritableStreamDefaultController {
	readonly signal: AbortSignal;
	error(reason?: any): void;
}
declare var WritableStreamDefaultController: { prototype: WritableStreamDefaultController };

interface WritableStreamDefaultWriter<W = any> {
	readonly closed: Promise<undefined>;
	readonly ready: Promise<undefined>;
	readonly desiredSize: number | null;
	write(chunk?: W): Promise<void>;
	close(): Promise<void>;
	abort(reason?: any): Promise<void>;
	releaseLock(): void;
}
declare var WritableStreamDefaultWriter: {
	prototype: WritableStreamDefaultWriter;
	new <W>(stream: WritableStream<W>): WritableStreamDefaultWriter<W>;
};

interface WritableStream<W = any> {
	readonly locked: boolean;
	abort(reason?: any): Promise<void>;
	close(): Promise<void>;
	getWriter(): WritableStreamDefaultWriter<W>;
}
declare var WritableStream: {
	prototype: WritableStream;
	new <W = any>(sink?: UnderlyingSink<W>, strategy?: QueuingStrategy<W>): WritableStream<W>;
};

interface Transformer<I = any, O = any> {
	start?: (controller: TransformStreamDefaultController<O>) => any;
	transform?: (chunk: I, controller: TransformStreamDefaultController<O>) => any;
	flush?: (controller: TransformStreamDefaultController<O>) => any;
	cancel?: (reason?: any) => any;
}

interface TransformStreamDefaultController<O = any> {
	readonly desiredSize: number | null;
	enqueue(chunk?: O): void;
	error(reason?: any): void;
	terminate(): void;
}
declare var TransformStreamDefaultController: { prototype: TransformStreamDefaultController };

interface TransformStream<I = any, O = any> extends ReadableWritablePair<O, I> {}
declare var TransformStream: {
	prototype: TransformStream;
	new <I = any, O = any>(transformer?: Transformer<I, O>, writableStrategy?: QueuingStrategy<I>, readableStrategy?: QueuingStrategy<O>): TransformStream<I, O>;
};

interface TextEncoderStream extends ReadableWritablePair<Uint8Array, string> {
	readonly encoding: "utf-8";
}
declare var TextEncoderStream: { prototype: TextEncoderStream; new (): TextEncoderStream };

interface TextDecoderStream extends ReadableWritablePair<string, ArrayBuffer | ArrayBufferView> {
	readonly encoding: string;
	readonly fatal: boolean;
	readonly ignoreBOM: boolean;
}
declare var TextDecoderStream: {
	prototype: TextDecoderStream;
	new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoderStream;
};

type CompressionFormat = "gzip" | "deflate" | "deflate-raw";

interface CompressionStream extends ReadableWritablePair<Uint8Array, ArrayBuffer | ArrayBufferView> {}
declare var CompressionStream: { prototype: CompressionStream; new (format: CompressionFormat): CompressionStream };

interface DecompressionStream extends ReadableWritablePair<Uint8Array, ArrayBuffer | ArrayBufferView> {}
declare var DecompressionStream: { prototype: DecompressionStream; new (format: CompressionFormat): DecompressionStream };

interface CountQueuingStrategy { readonly highWaterMark: number; readonly size: (chunk: any) => 1 }
declare var CountQueuingStrategy: { prototype: CountQueuingStrategy; new (init: { highWaterMark: number }): CountQueuingStrategy };

interface ByteLengthQueuingStrategy { readonly highWaterMark: number; readonly size: (chunk: ArrayBufferView) => number }
declare var ByteLengthQueuingStrategy: { prototype: ByteLengthQueuingStrategy; new (init: { highWaterMark: number }): ByteLengthQueuingStrategy };
