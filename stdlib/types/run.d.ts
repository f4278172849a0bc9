declare module "reprise:run" {
	import type { RetryOptions } from "reprise:retry";

	/** The run that this code is part of. At the top level, where there is none, reading it throws. */
	export const current: {
		readonly id: string;
		readonly script: string;
		readonly revision: string;
		readonly handler: "run" | "fetch" | "scheduled";
	};

	/** Waits: milliseconds, text such as "5s" or "3 days", or until a Date. In a durable run it may be years. */
	export function sleep(time: number | string | Date): Promise<void>;

	export interface StepOptions<T> {
		/** Try the whole step again when it fails. Calls inside then try once by default. */
		retry?: RetryOptions;
		/** How long an attempt may take: milliseconds or text such as "10s". Then it stops where it stands, and fails with a TimeoutError. */
		timeout?: number | string;
		/** How to take the step back, should the handler fail later on. Undos are called newest first, each after the one before. */
		undo?: (result: T) => unknown;
	}

	/**
	 * Names a piece of work. Its calls show the name in the log; with options it is tried again, timed out, or
	 * undone when the handler fails.
	 *
	 * @example
	 * const hold = await step("reserve", () => env.self.post("/holds", { json: items }).json(), {
	 *   timeout: "10s",
	 *   undo: (hold) => env.self.delete(`/holds/${hold.id}`),
	 * });
	 */
	export function step<T>(name: string, fn: () => T | PromiseLike<T>, options?: StepOptions<NoInfer<T>>): Promise<T>;

	export interface WaitOptions {
		/** How long to wait: milliseconds or text such as "7 days". Then it fails with a TimeoutError. Default: for ever. */
		timeout?: number | string;
	}

	/**
	 * Waits for a signal to this run, from the API or from `signal` in another script, and gives its value. Signals
	 * of a name are taken in the order they came; one that came before it was waited for is kept.
	 * Only in durable runs.
	 *
	 * @example
	 * const { by } = await waitFor<{ by: string }>("approval", { timeout: "7 days" });
	 */
	export function waitFor<T = any>(name: string, options?: WaitOptions): Promise<T>;

	export interface KeyOptions {
		/** The same key again has no further effect: 1 to 256 bytes. */
		idempotencyKey?: string;
	}

	/**
	 * Sends a signal to a run, with any JSON as its value. Given an `idempotencyKey`, it counts once however often
	 * it is sent.
	 *
	 * @example
	 * await signal(runId, "approval", { by: "Ada" });
	 */
	export function signal(run: string, name: string, value?: unknown, options?: KeyOptions): Promise<void>;

	export interface AskOptions extends WaitOptions {
		/** What is asked, in a line. */
		title: string;
		/** What one has to know to answer. */
		description?: string;
		/** The JSON Schema of the answer, of which the form is made. */
		schema?: object;
		/** Called with the address of the form before the answer is awaited: send it to whoever should answer. */
		notify?: (url: string) => unknown;
	}

	/**
	 * Asks a human: makes a form under an address that cannot be guessed, and gives what is answered there.
	 * Only in durable runs.
	 *
	 * @example
	 * const { ok } = await ask<{ ok: boolean }>({
	 *   title: `Refund ${amount} to ${name}?`,
	 *   schema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
	 *   timeout: "2 days",
	 *   notify: (url) => env.chat.post("/messages", { json: { text: url } }),
	 * });
	 */
	export function ask<T = any>(options: AskOptions): Promise<T>;

	/**
	 * Starts a run of another script, which then goes on by itself. With an `idempotencyKey` the script gets one
	 * run for it, whoever starts it.
	 *
	 * @example
	 * const { id } = await start("orders/fulfil", order, { idempotencyKey: order.id });
	 */
	export function start(script: string, input?: unknown, options?: KeyOptions): Promise<{ readonly id: string }>;

	/**
	 * Starts a run of another script, waits for its end, and gives its output. The run belongs to this one and is
	 * cancelled with it. When it fails, a `RunFailedError` is thrown: `err.run` is its id, `err.cause` its error.
	 *
	 * @example
	 * const label = await invoke<{ id: string }>("shipping/label", { order: order.id });
	 */
	export function invoke<T = any>(script: string, input?: unknown): Promise<T>;

	/**
	 * Shows how far the run has got, in the studio, the API and the tail: any JSON up to 64 KiB. Of an object,
	 * `percent` (0 to 100) and `message` are shown specially. Only in durable runs.
	 *
	 * @example
	 * await publish({ percent: 40, message: "4 of 10 pages" });
	 */
	export function publish<T>(state: T extends { percent?: unknown } | { message?: unknown } ? T & { percent?: number; message?: string } : T): Promise<void>;

	/**
	 * Ends this run as succeeded and starts its successor: the same script with this input and an empty journal.
	 * Nothing after it is executed: its promise never settles. Only in durable runs.
	 *
	 * @example
	 * if (page % 100 === 0) await continueAs({ page: page + 1 });
	 */
	export function continueAs(input?: unknown): Promise<never>;
}
