declare module "reprise:retry" {
	export interface RetryOptions {
		/** How often to try in all. Default 3. */
		attempts?: number;
		/** The pause before the second attempt: milliseconds, or text such as "2s". Default 250 ms. */
		delay?: number | string;
		/** How much longer each next pause is. Default 2. */
		factor?: number;
		/** The longest pause, also for an upstream's `Retry-After`. Default one minute. */
		maxDelay?: number | string;
		/** Draw each pause at random, up to what it would be. Default true. */
		jitter?: boolean;
		/**
		 * Whether an error is worth another attempt. Without it, everything is but an `HTTPError` with a status
		 * 4xx other than 408, 425 and 429. Aborts, cancellation and wrong arguments are never tried again.
		 */
		when?: (error: any, info: { attempt: number }) => boolean | Promise<boolean>;
		/** Called before each pause, which is in milliseconds. */
		onRetry?: (error: any, info: { attempt: number; delay: number }) => void | Promise<void>;
	}

	/**
	 * Calls `fn` until it succeeds. Calls made inside try once by default, so that retries do not multiply.
	 * The last error is thrown as it is, with the property `attempts` added.
	 *
	 * @example
	 * const page = await retry(() => http.get(url).json(), { attempts: 5, delay: "1s" });
	 */
	export function retry<T>(fn: (info: { attempt: number }) => T | Promise<T>, options?: RetryOptions): Promise<T>;
}
