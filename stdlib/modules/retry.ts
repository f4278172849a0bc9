const m = __reprise.module("retry");

export async function retry(fn, options) {
	const policy = m.policy(fn, options);
	for (let attempt = 1; ; attempt++) {
		try {
			return await m.attempt(fn, attempt);
		} catch (error) {
			const delay = m.delay(policy, error, attempt);
			if (delay === undefined || (policy.when && !(await policy.when(error, { attempt })))) {
				throw m.last(error, attempt);
			}
			await policy.onRetry?.(error, { attempt, delay });
			await m.pause(delay);
		}
	}
}
