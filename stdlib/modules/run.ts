const m = __reprise.module("run");
const r = __reprise.module("retry");

export const current = m.current;
export const sleep = m.sleep;
export const waitFor = m.waitFor;
export const signal = m.signal;
export const start = m.start;
export const invoke = m.invoke;
export const publish = m.publish;
export const continueAs = m.continueAs;

// ask is two calls, so that the script can send the form's address in between.
export async function ask(options) {
	const form = m.ask(options);
	const { notify } = form;
	const url = await form.url;
	await notify?.(url);
	return await m.answer(form);
}

export async function step(name, fn, options) {
	const s = m.begin(name, fn, options, unwind);
	try {
		const policy = s.retry && r.policy(fn, s.retry);
		for (let attempt = 1; ; attempt++) {
			try {
				const result = await m.attempt(s, fn);
				m.succeeded(s, result);
				return result;
			} catch (error) {
				if (!policy) throw error;
				const delay = m.failing(s) ? undefined : r.delay(policy, error, attempt);
				if (delay === undefined || (policy.when && !(await policy.when(error, { attempt })))) {
					throw r.last(error, attempt);
				}
				await policy.onRetry?.(error, { attempt, delay });
				await m.within(s, () => r.pause(delay));
			}
		}
	} finally {
		m.end(s);
	}
}

// unwind is called when the handler has failed: undo what was done, newest first.
async function unwind() {
	await m.quiet();
	for (let undo; (undo = m.nextUndo()); ) {
		try {
			await m.undo(undo);
		} catch (error) {
			m.undoFailed(undo, error);
		}
	}
}
