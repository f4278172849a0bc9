import { kv } from "reprise:kv";

export default async function run(order) {
	const log: unknown[] = [];
	const bump = async (n: number) => {
		for (let i = 0; i < 3; i++) {
			const now = await kv.get<any>(["count", n]);
			const done = await kv.atomic().check(now).set(["count", n], { was: now.value ?? null, at: new Date() }).commit();
			log.push([n, i, done.ok]);
			if (done.ok) break;
		}
	};
	await Promise.all([bump(1), bump(2), kv.atomic().sum(["total"], order.total).commit().then(() => log.push("sum")), kv.set(["map"], new Map<any, any>([["b", new Set([2, 1])], ["a", 1n]]))]);
	const values = await Promise.all([kv.get(["a"]), kv.getMany([["b"], ["c"], ["d"]])]);
	for await (const e of kv.list({ prefix: ["k"] }, { batchSize: 2 })) { log.push(e.key, e.value); if (log.length > 25) break; }
	await kv.delete(["map"]);
	return { log, values: values.map((v) => JSON.stringify(v, (k, x) => (x instanceof Map || x instanceof Set ? [...x] : x))) };
}
