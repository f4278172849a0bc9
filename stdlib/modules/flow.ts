import { step } from "reprise:run";

const m = __reprise.module("std");

// concurrencyMax keeps a map far below the 10,000 calls and timers that a run may have open; 64 calls are performed at
// a time, so that more than a few hundred only wait.
const concurrencyMax = 1000;

// A cancelled run has no partial results: its CancelledError always goes on.
const isCancel = (error) => error?.code === "CANCELLED_ERROR";

export async function settle(tasks, options) {
	const { timeout, signal } = m.options(options, "settle", ["timeout", "signal"]);
	const limit = timeout == null ? undefined : m.milliseconds(timeout, "timeout");
	const isList = Array.isArray(tasks);
	if (typeof tasks !== "object" || tasks === null || (!isList && (tasks[Symbol.iterator] || typeof tasks.then === "function"))) {
		throw m.error("INVALID_ARGUMENT_ERROR", `settle takes an object or an array of promises and functions, not ${tasks?.then ? "a promise" : m.typeOf(tasks)}`);
	}
	const names = isList ? Array.from(tasks, (_, i) => i) : Object.keys(tasks);
	const results = await settled(names.map((name) => tasks[name]), {
		limit, signal, within: typeof timeout === "string" ? timeout : `${timeout} ms`, nameOf: (i) => (isList ? `task ${i}` : names[i]),
	});
	const cancelled = results.find((result) => !result.ok && isCancel(result.error));
	if (cancelled) throw cancelled.error;
	return isList ? results : Object.fromEntries(results.map((result, i) => [names[i], result]));
}

// settled promises what became of each task, in their order. Those that are not there in time, or when the signal
// aborts, count as failed, and the signal that they were given aborts.
function settled(tasks, { limit, signal, within, nameOf }) {
	if (tasks.length === 0) return Promise.resolve([]);
	return new Promise((resolve) => {
		const results = new Array(tasks.length);
		const controller = new AbortController();
		let open = tasks.length;
		let timer;
		const finish = (i, result) => {
			if (results[i]) return;
			results[i] = result;
			if (--open > 0) return;
			clearTimeout(timer);
			signal?.removeEventListener("abort", onAbort);
			resolve(results);
		};
		const giveUp = (reason, errorOf) => {
			for (let i = 0; i < tasks.length; i++) if (!results[i]) finish(i, { ok: false, error: errorOf(i) });
			controller.abort(reason);
		};
		const onAbort = () => giveUp(signal.reason, () => signal.reason);
		const onTime = () => giveUp(
			m.error("TIMEOUT_ERROR", `settle took longer than ${within}`),
			(i) => m.error("TIMEOUT_ERROR", `${nameOf(i)} was not there within ${within}`));

		tasks.forEach((task, i) => {
			if (signal?.aborted && typeof task === "function") return; // does not begin
			attempt(task, { signal: controller.signal }).then((value) => finish(i, { ok: true, value }), (error) => finish(i, { ok: false, error }));
		});
		if (signal?.aborted) return onAbort();
		signal?.addEventListener("abort", onAbort);
		if (limit !== undefined) timer = setTimeout(onTime, limit);
	});
}

// attempt promises what a task gives, which may throw at once.
async function attempt(task, info) {
	return await (typeof task === "function" ? task(info) : task);
}

export async function map(items, options, fn) {
	if (typeof options === "function") [options, fn] = [undefined, options];
	const { concurrency, stopOnError = true, signal: outer } = m.options(options, "map", ["concurrency", "stopOnError", "signal"]);
	const most = concurrency == null ? 8 : m.count(concurrency, "concurrency", 1, concurrencyMax);
	m.callable(fn, "what map does with each item");
	outer?.throwIfAborted();
	const source = reader(items);
	const controller = new AbortController();
	const { signal } = controller;
	const results = [];
	let failure;
	const stop = (error) => {
		if (failure) return;
		failure = { error };
		controller.abort(error);
	};
	const onAbort = () => stop(outer.reason);
	const work = async () => {
		while (!failure) {
			const next = source.isAsync ? await source.take() : source.take();
			if (next === undefined || failure) return;
			try {
				const value = await fn(next.value, next.index, { signal });
				results[next.index] = stopOnError ? value : { ok: true, value };
			} catch (error) {
				if (stopOnError || isCancel(error)) return stop(error);
				results[next.index] = { ok: false, error };
			}
		}
	};
	outer?.addEventListener("abort", onAbort);
	await Promise.all(Array.from({ length: most }, () => work().catch(stop))); // what was begun comes to its end
	outer?.removeEventListener("abort", onAbort);
	if (!failure) return results;
	await source.close();
	throw failure.error;
}

// reader takes items one at a time, of an async source one after the other.
function reader(items) {
	const begin = items?.[Symbol.asyncIterator] ?? items?.[Symbol.iterator];
	if (typeof begin !== "function" || typeof items === "string") {
		throw m.error("INVALID_ARGUMENT_ERROR", `map takes an array or something else to iterate over first, not ${m.typeOf(items)}`);
	}
	const iterator = begin.call(items);
	const isAsync = items[Symbol.asyncIterator] != null;
	let over = false;
	let index = 0;
	const given = (next) => {
		over = next.done === true;
		return over ? undefined : { value: next.value, index: index++ };
	};
	const read = () => {
		if (over) return undefined;
		over = true; // should next throw
		const next = iterator.next();
		return isAsync ? Promise.resolve(next).then(given) : given(next);
	};
	let last = Promise.resolve();
	return {
		isAsync,
		take: () => (isAsync ? (last = last.then(read)) : read()),
		// close tells the source that nobody asks it any more. It ends with the error of an item, whatever it says.
		async close() {
			if (over) return;
			try {
				await iterator.return?.();
			} catch {}
		},
	};
}

export function saga(fn) {
	const s = new Saga(fn === undefined);
	if (fn === undefined) return s;
	m.callable(fn, "what a saga does");
	return s.around(fn);
}

// Saga is a list of steps that are undone together. Its steps are those of reprise:run, which know their undo: should
// the handler fail without the saga having noticed (it was cancelled, its attempt timed out, or it had long succeeded),
// the run undoes what the saga has not.
class Saga {
	#undos = []; // of the steps that succeeded, oldest first
	#running = new Set();
	#undoing; // the promise of the errors there were
	#eager; // a step that fails ends the saga

	constructor(eager) {
		this.#eager = eager;
	}

	async step(name, fn, undo, options) {
		if (this.#undoing) throw m.error("ABORT_ERROR", `step "${name}" does not begin: its saga has been undone`);
		const taking = this.#take(name, fn, undo, options);
		this.#running.add(taking);
		const end = () => this.#running.delete(taking);
		taking.then(end, end);
		try {
			return await taking;
		} catch (error) {
			if (this.#eager) await this.#fail(error);
			throw error;
		}
	}

	async undo() {
		return await (this.#undoing ??= this.#unwind());
	}

	async around(fn) {
		try {
			return await fn(this);
		} catch (error) {
			await this.#fail(error);
			throw error;
		}
	}

	async #take(name, fn, undo, options) {
		if (undo === undefined) return await step(name, fn, options);
		const entry = reversal(name, m.callable(undo, `the undo of step ${name}`));
		const result = await step(name, fn, { ...options, undo: entry.byRun });
		this.#undos.push({ entry, result });
		return result;
	}

	// fail undoes everything and notes on the error what could not be undone.
	async #fail(error) {
		const undoErrors = await this.undo();
		if (undoErrors.length === 0 || typeof error !== "object" || error === null || !Object.isExtensible(error)) return;
		Object.defineProperty(error, "undoErrors", { value: undoErrors, configurable: true, writable: true });
	}

	async #unwind() {
		while (this.#running.size > 0) await Promise.allSettled(this.#running);
		const errors = [];
		for (let last; (last = this.#undos.pop()); ) {
			const { entry, result } = last;
			try {
				await step(entry.name, () => step("undo", () => entry.bySaga(result)));
			} catch (error) {
				if (!entry.isOurs()) break; // the handler has failed meanwhile, and its run undoes the rest
				console.error(`the undo of step ${entry.name} failed`, { step: entry.name, error });
				errors.push(error);
			}
		}
		return errors;
	}
}

// reversal is an undo that happens once, whoever asks for it: the saga or the run. What the saga has begun the run
// waits for; its failure is the saga's to tell.
function reversal(name, undo) {
	let taken;
	let isOurs = false;
	const once = (result) => (taken ??= attempt(() => undo(result)));
	return {
		name,
		isOurs: () => isOurs,
		bySaga(result) {
			isOurs = true;
			return once(result);
		},
		byRun: (result) => (isOurs ? taken.catch(() => {}) : once(result)),
	};
}
