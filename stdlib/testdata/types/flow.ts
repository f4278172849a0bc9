// What the types of reprise:flow allow and what they refuse. tsc checks it; it is never run.
import { map, saga, settle, type Settled } from "reprise:flow";
import { http } from "reprise:http";
import { paginate } from "reprise:paginate";
import type { Script } from "reprise:script";

export default {
	async run(input: { ids: string[] }, env) {
		const { stock, sales, count } = await settle({
			stock: ({ signal }) => env.self.get("/items", { signal }).json<{ items: string[] }>(),
			sales: env.self.get("/sales").json<{ amount: number }>(),
			count: () => 3,
		}, { timeout: "2s", signal: AbortSignal.timeout(5) });
		const items: string[] = stock.ok ? stock.value.items : [];
		const amount: number | undefined = sales.value?.amount;
		const three: number = count.ok ? count.value : count.error.status;
		const [first, second] = await settle([() => "text", Promise.resolve(1)]);
		const text: string = first.ok ? first.value : "";
		const number: number = second.ok ? second.value : 0;
		const many: Settled<Response>[] = await settle(input.ids.map((id) => http.get(id)));

		const lengths: number[] = await map(input.ids, (id, index) => id.length + index);
		const answers: { n: number }[] = await map(new Set(input.ids), { concurrency: 2 }, (id, _, { signal }) => http.get(id, { signal }).json<{ n: number }>());
		const each: Settled<string>[] = await map(paginate<{ id: string }>(http, "https://a.example.com"), { stopOnError: false }, async ({ id }) => id);

		const label: { id: string } = await saga(async (s) => {
			await s.step("reserve", () => http.post("x").json<{ hold: string }>(), ({ hold }) => http.delete(hold));
			await s.step("note", () => 1);
			return await s.step("ship", () => http.post("x").json<{ id: string }>(), undefined, { retry: { attempts: 2 }, timeout: "5s" });
		});
		const s = saga();
		const one: number = await s.step("one", async () => 1, (n) => n.toFixed());
		const errors: unknown[] = await s.undo();
		return { items, amount, three, text, number, many, lengths, answers, each, label, one, errors };
	},
} satisfies Script;

export async function refused(): Promise<void> {
	const { a } = await settle({ a: () => 1 });
	// @ts-expect-error: it may have failed
	const n: number = a.value;
	// @ts-expect-error: a task is a promise or a function
	await settle({ a: 1 });
	// @ts-expect-error: there is no such option
	await settle({ a: () => n }, { timeOut: 5 });
	// @ts-expect-error: map takes a list
	await map(5, () => 1);
	// @ts-expect-error: concurrency is a number
	await map([1], { concurrency: "8" }, (x) => x);
	// @ts-expect-error: what failed is among the results
	const all: number[] = await map([1], { stopOnError: false }, (x) => x);
	// @ts-expect-error: undo gets what the step gave
	await saga().step("a", () => all, (text: string) => text);
	// @ts-expect-error: undo is an argument and no option
	await saga().step("a", () => 1, undefined, { undo: () => 1 });
}
