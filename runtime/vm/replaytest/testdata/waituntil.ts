// Work that goes on after the answer, and fails there.
import { http } from "reprise:http";

export default async function run(order, env, ctx) {
	const log: unknown[] = [];
	for (const n of order.items) ctx.waitUntil((async () => {
		await new Promise((ok) => setTimeout(ok, n));
		const r = await http.get(`http://up.example/${n}`, { throwHttpErrors: n === 1 }).catch((e) => { if (n === 1) throw e; return e; });
		log.push(n); await http.post("http://up.example/log", { json: { log, r: String(r) }, throwHttpErrors: false }).catch(() => 0);
	})());
	await http.get("http://up.example/first", { throwHttpErrors: false });
	return log;
}
