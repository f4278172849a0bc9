declare module "reprise:run" {
	import type { RetryOptions } from "reprise:retry";

	/** Waits: milliseconds, text such as "5s" or "3 days", or until a Date. */
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

	/** The run that this code is part of. At the top level, where there is none, reading it throws. */
	export const current: {
		readonly id: string;
		readonly script: string;
		readonly revision: string;
		readonly handler: "run" | "fetch" | "scheduled";
	};
}
