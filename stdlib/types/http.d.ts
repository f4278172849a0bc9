declare module "reprise:http" {
	import type { Auth } from "reprise:auth";

	type Method = "get" | "post" | "put" | "patch" | "delete" | "head" | "options" | (string & {});
	type Primitive = string | number | boolean | Date | null | undefined;
	/** A list repeats its name; null and undefined are left out. */
	type Params = Record<string, Primitive | readonly Primitive[]> | URLSearchParams | readonly (readonly [string, Primitive])[] | string;

	/** When a call is tried again. */
	export interface HTTPRetryOptions {
		/** How often to try in all, 1 to 100. Default 3. */
		attempts?: number;
		/** The pause before the second attempt. Default 250 ms. */
		delay?: number | string;
		/** How much longer each next pause is. Default 2. */
		factor?: number;
		/** The longest pause. A `Retry-After` beyond it is not waited for. Default one minute. */
		maxDelay?: number | string;
		/** Draw each pause at random, up to what it would be. Default true. */
		jitter?: boolean;
		/** The statuses to try again on. Default 408, 425, 429, 500, 502, 503, 504. */
		statuses?: readonly number[];
	}

	/** Options that calls and clients have in common. */
	export interface CommonOptions {
		headers?: HeadersInit;
		query?: Params;
		/** How long each attempt may take, up to the last byte: milliseconds, or text such as "5s". Default 30 s. */
		timeout?: number | string;
		/**
		 * How many times to try again (0 or false: never), or a policy. Default 2, for GET, HEAD, PUT, DELETE and
		 * keyed writes. A POST or PATCH without a key is tried again only when connecting failed or on 429.
		 */
		retry?: number | boolean | HTTPRetryOptions;
		/** Throw an `HTTPError` for a status outside 200-299. Default true. */
		throwHttpErrors?: boolean;
		/** Default "follow", ten times at most; credentials stay behind when the host changes. */
		redirect?: "follow" | "error" | "manual";
		/** From `reprise:auth`. Null takes a client's away. */
		auth?: Auth | null;
		/** The API ignores repetitions of this write, so it may be tried again. */
		idempotent?: boolean;
		/**
		 * What to do when the server died while this write was on its way, and nobody knows whether the API got it:
		 * pause the run until someone decides, send it again, or throw an `InDoubtError`. Default "pause". Of no
		 * importance to reads and to writes that are keyed: they are sent again.
		 */
		inDoubt?: "pause" | "retry" | "fail" | null;
	}

	export interface HTTPOptions extends CommonOptions {
		/** Values for the names in braces of the URL's path, each escaped: `get("/contacts/{id}", { path: { id } })`. */
		path?: Readonly<Record<string, string | number | boolean>>;
		/** The body as JSON: exactly what JSON.stringify makes. */
		json?: unknown;
		/** The body as a form, URL-encoded. */
		form?: Params;
		/**
		 * Gives the response as soon as its head is there, while the body is still arriving: `for await (const chunk of res.body)`. Event streams, JSON lines and what is longer than 1 MiB
		 * arrive so anyway. In a durable run it changes nothing: bodies are kept whole.
		 */
		stream?: boolean;
		/** The body as text or bytes, a `Blob`, `FormData` or a stream. A stream is read whole first, up to 64 MiB. */
		body?: BodyInit | null;
		signal?: AbortSignal | null;
		/** Sent as `Idempotency-Key`. It makes a write keyed: it may be tried again. */
		idempotencyKey?: string;
	}

	export interface ClientOptions extends CommonOptions {
		/** What paths are below. An absolute URL must be at the same host. */
		baseURL?: string | URL;
	}

	/** A promise of a Response that can be read at once: `await http.get(url).json()`. */
	export interface ResponsePromise<Result = any> extends Promise<Response> {
		/** The body as JSON; undefined when there is none. */
		json(): Promise<Result>;
		json<T>(): Promise<T>;
		text(): Promise<string>;
		bytes(): Promise<Uint8Array>;
		arrayBuffer(): Promise<ArrayBuffer>;
		blob(): Promise<Blob>;
		formData(): Promise<FormData>;
	}

	export interface HTTPClient {
		get(url: string | URL, options?: HTTPOptions): ResponsePromise;
		post(url: string | URL, options?: HTTPOptions): ResponsePromise;
		put(url: string | URL, options?: HTTPOptions): ResponsePromise;
		patch(url: string | URL, options?: HTTPOptions): ResponsePromise;
		delete(url: string | URL, options?: HTTPOptions): ResponsePromise;
		head(url: string | URL, options?: HTTPOptions): ResponsePromise;
		request(method: Method, url: string | URL, options?: HTTPOptions): ResponsePromise;
		request(url: string | URL, options?: HTTPOptions & { method?: Method }): ResponsePromise;
		/** A client with these options on top of this one's. */
		extend(options: ClientOptions): HTTPClient;
		/** A client with these options and none of this one's. */
		create(options?: ClientOptions): HTTPClient;
	}

	/** What `env.NAME` is for a connection: paths are below its base URL. */
	export interface Connection extends HTTPClient {
		/**
		 * As the global fetch, with a path or a URL below the base: no retry option, no HTTPError. It can be given to packages; the connection's credentials replace their `Authorization`.
		 */
		readonly fetch: (input: Request | URL | string, init?: RequestInit & Pick<HTTPOptions, "inDoubt">) => Promise<Response>;
	}

	// What a description says of a call: its options path, query and json, and its result.
	type DescribedPath<P, Verb extends string> = { [U in keyof P]: Verb extends keyof P[U] ? U : never }[keyof P] & string;
	type Flat<T> = { [K in keyof T]: T[K] };
	type Needed<Options> = {} extends Options ? [options?: Options] : [options: Options];
	type DescribedOptions<P, Verb extends string, U> = U extends keyof P
		? Verb extends keyof P[U] ? Needed<Flat<Omit<P[U][Verb], "result"> & Omit<HTTPOptions, "path" | "query" | "json">>> : [notDescribed: never]
		: U extends `${string}{${string}` ? [notDescribed: never] : [options?: HTTPOptions];
	type DescribedResult<P, Verb extends string, U> = U extends keyof P ? Verb extends keyof P[U] ? P[U][Verb] extends { result: infer R } ? R : any : any : any;
	type DescribedCall<P, Verb extends string> = <const U extends DescribedPath<P, Verb> | (string & {}) | URL>(
		url: U,
		...options: DescribedOptions<P, Verb, U>
	) => ResponsePromise<DescribedResult<P, Verb, U>>;

	/**
	 * A connection with a description of its API (`openapi` in reprise.yaml): its paths, with their names in braces, have types.
	 * Any other URL can be called as with every connection. The types are in `reprise.connections.d.ts`.
	 *
	 * @example
	 * const contact = await env.crm.get("/contacts/{id}", { path: { id } }).json();
	 */
	export interface DescribedConnection<P> extends Omit<Connection, "get" | "post" | "put" | "patch" | "delete" | "head"> {
		readonly get: DescribedCall<P, "get">;
		readonly post: DescribedCall<P, "post">;
		readonly put: DescribedCall<P, "put">;
		readonly patch: DescribedCall<P, "patch">;
		readonly delete: DescribedCall<P, "delete">;
		readonly head: DescribedCall<P, "head">;
	}

	/** Makes requests. Every option has a default; see `docs/reference/http.md`. */
	export const http: HTTPClient;

	/** The upstream answered with a status outside 200-299. */
	export class HTTPError extends Error {
		private constructor();
		readonly name: "HTTPError";
		readonly code: "HTTP_ERROR";
		readonly status: number;
		readonly statusText: string;
		readonly method: string;
		/** Without the query. */
		readonly url: string;
		/** The body's first 2 KB, where it is text. */
		readonly body?: string;
		/** The body, where it is JSON. */
		readonly data?: any;
		/** The header of that name. */
		readonly retryAfter?: string;
		readonly headers: Headers;
		readonly response: Response;
	}
}
