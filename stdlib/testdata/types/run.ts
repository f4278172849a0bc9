// What the types of reprise:run allow and what they refuse. tsc checks it; it is never run.
import { ask, continueAs, current, invoke, publish, signal, sleep, start, step, waitFor } from "reprise:run";
import type { Script } from "reprise:script";

interface Progress {
	done: number;
	percent: number;
	message?: string;
}

export default {
	async run(input: { id: string; page: number }, env) {
		const handler: "run" | "fetch" | "scheduled" = current.handler;
		await sleep(new Date("2040-01-01"));
		const hold: { id: string } = await step("reserve", () => env.self.post("/holds").json<{ id: string }>(), {
			retry: { attempts: 3 }, timeout: "1m", undo: (hold) => env.self.delete(`/holds/${hold.id}`),
		});
		const { by } = await waitFor<{ by: string }>("approval", { timeout: 1000 });
		const anything: number = await waitFor("count");
		const ok = await ask<boolean>({
			title: "ok?", description: by, schema: { type: "boolean" } as const, timeout: "2 days",
			notify: async (url) => env.self.post("/mail", { json: { url: url.toUpperCase() } }),
		});
		const { id } = await start("other", { ok }, { idempotencyKey: input.id });
		await signal(id, "go");
		await signal(id, "go", [1, 2], { idempotencyKey: "k" });
		const price: number = await invoke("price", { sku: "mug" });
		const label = await invoke<{ id: string }>("label");
		await publish({ percent: 40, message: "copying", left: 6 });
		await publish("half way");
		await publish([1, 2]);
		await publish(null);
		const progress: Progress = { done: 1, percent: 10 };
		await publish(progress);
		if (input.page > 100) await continueAs({ ...input, page: 0 });
		return { handler, hold, anything, price, label: label.id };
	},
} satisfies Script;

export async function refused(): Promise<void> {
	// @ts-expect-error: the run is read only
	current.id = "x";
	// @ts-expect-error: there is no such option
	await step("a", () => 1, { retries: 3 });
	// @ts-expect-error: undo gets what the step gave
	await step("a", () => 1, { undo: (text: string) => text });
	// @ts-expect-error: a signal has a name
	await waitFor();
	// @ts-expect-error: there is no such option
	await waitFor("a", { signal: new AbortController().signal });
	// @ts-expect-error: an ask has a title
	await ask({ description: "What?" });
	// @ts-expect-error: notify gets the address
	await ask({ title: "a", notify: (url: number) => url });
	// @ts-expect-error: a signal has a name
	await signal("run");
	// @ts-expect-error: the id is in an object
	const id: string = await start("a");
	// @ts-expect-error: the call itself is the key
	await invoke(id, 1, { idempotencyKey: "k" });
	// @ts-expect-error: percent is a number
	await publish({ percent: "40" });
	// @ts-expect-error: message is text
	await publish({ message: 5, percent: 1 });
}
