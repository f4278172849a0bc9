declare module "reprise:flow" {
	import type { RetryOptions } from "reprise:retry";

	/** What became of a task: look at `ok`, and TypeScript knows which of the two is there. */
	export type Settled<T> =
		| { readonly ok: true; readonly value: T; readonly error?: undefined }
		| { readonly ok: false; readonly error: any; readonly value?: undefined };

	/** What a task is given: a signal that aborts when nobody waits for it any longer. Pass it on to its calls. */
	export interface TaskInfo {
		readonly signal: AbortSignal;
	}

	/** A promise, or a function that is called at once. */
	export type Task = PromiseLike<unknown> | ((info: TaskInfo) => unknown);

	/** What each task gives. */
	export type Results<T> = { -readonly [K in keyof T]: Settled<T[K] extends (...args: any[]) => infer R ? Awaited<R> : Awaited<T[K]>> };

	export interface SettleOptions {
		/** How long to wait: milliseconds, or text such as "2s". What is not there by then has failed with a `TimeoutError`. Default: as long as it takes. */
		timeout?: number | string;
		/** Ends the wait: what is not there yet has failed with the signal's reason. */
		signal?: AbortSignal | null;
	}

	/**
	 * Waits for several tasks and gives what became of each, under the same keys. It does not fail when they do;
	 * only when the run was cancelled.
	 *
	 * @example
	 * const { stock, sales } = await settle({
	 *   stock: ({ signal }) => env.self.get("/shop/inventory/items", { signal }).json<{ items: Item[] }>(),
	 *   sales: ({ signal }) => env.self.get("/shop/payments/charges", { signal }).json<{ count: number }>(),
	 * }, { timeout: "2s" });
	 * const items = stock.ok ? stock.value.items : [];
	 */
	export function settle<T extends readonly Task[] | []>(tasks: T, options?: SettleOptions): Promise<Results<T>>;
	export function settle<T extends Record<string, Task>>(tasks: T, options?: SettleOptions): Promise<Results<T>>;

	export interface MapOptions {
		/** How many items may be under way at the same time, 1 to 1000. Default 8. */
		concurrency?: number;
		/** Begin no further item once one has failed, abort the others, and fail with its error. Default true. */
		stopOnError?: boolean;
		/** Stops as a failure does, with the signal's reason. */
		signal?: AbortSignal | null;
	}

	type Items<T> = Iterable<T> | AsyncIterable<T>;
	type Each<T, R> = (item: T, index: number, info: TaskInfo) => R | PromiseLike<R>;

	/**
	 * Calls `fn` for each item, a few at a time, and gives the results in the order of the items. Items are taken as
	 * they are needed, of an async iterable too.
	 *
	 * @example
	 * const orders = await map(ids, { concurrency: 4 }, (id, _index, { signal }) => env.self.get(`/orders/${id}`, { signal }).json());
	 */
	export function map<T, R>(items: Items<T>, fn: Each<T, R>): Promise<R[]>;
	export function map<T, R>(items: Items<T>, options: MapOptions & { stopOnError: false }, fn: Each<T, R>): Promise<Settled<R>[]>;
	export function map<T, R>(items: Items<T>, options: MapOptions & { stopOnError?: true } | null | undefined, fn: Each<T, R>): Promise<R[]>;

	export interface SagaStepOptions {
		/** As in `step` of `reprise:run`. */
		retry?: RetryOptions;
		timeout?: number | string;
	}

	/** Steps that are undone together. */
	export interface Saga {
		/** A step of `reprise:run`, and how to take it back. */
		step<T>(name: string, fn: () => T | PromiseLike<T>, undo?: (result: NoInfer<T>) => unknown, options?: SagaStepOptions): Promise<T>;
		/** Takes back every step that has succeeded, newest first, and gives the errors of undos that failed. Then no further step begins. */
		undo(): Promise<unknown[]>;
	}

	/**
	 * Steps that are undone, newest first, as soon as one of them fails, and not only when the handler does. The error
	 * is thrown as it is; what could not be undone is in its `undoErrors`. With a function, it is the function's
	 * failure that counts.
	 *
	 * @example
	 * const label = await saga(async (s) => {
	 *   const hold = await s.step("reserve", () => reserve(order), (hold) => release(hold));
	 *   return await s.step("ship", () => ship(order, hold), (label) => cancel(label));
	 * });
	 */
	export function saga(): Saga;
	export function saga<T>(fn: (saga: Saga) => T | PromiseLike<T>): Promise<T>;
}
