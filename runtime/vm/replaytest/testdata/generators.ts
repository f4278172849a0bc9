// Async generators, for await, and a generator that is closed early.
import { http } from "reprise:http";

async function* pages(name: string) {
	try {
		for (let page = 1; page < 5; page++) {
			const data = await http.get(`http://up.example/${name}`, { query: { page } }).json<any>().catch((e) => ({ n: e.name }));
			yield { page, n: data?.n };
		}
	} finally {
		await http.delete(`http://up.example/${name}/cursor`, { throwHttpErrors: false }).catch(() => 0);
	}
}

async function* both() { yield* pages("a"); yield* [1, 2, 3]; }

export default async function run() {
	const out: unknown[] = [];
	const left = (async () => { for await (const p of pages("left")) { out.push(p); if (typeof p.n !== "number" || p.n > 60) break; } })();
	const right = (async () => { for await (const p of both()) out.push(p); })();
	await Promise.all([left, right]);
	for await (const x of [Promise.resolve(1), 2, http.get("http://up.example/x").then((r) => r.status, (e) => e.code)]) out.push(x);
	return [out, await Array.fromAsync(pages("last"))];
}
