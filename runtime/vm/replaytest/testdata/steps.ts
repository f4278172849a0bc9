// Nested steps with retries, timeouts and undos.
import { http } from "reprise:http";
import { step, sleep } from "reprise:run";

export default async function run(order) {
	const log: unknown[] = [];
	const post = (path: string, json: unknown) => http.post(`http://up.example/${path}`, { json }).json<any>();
	const hold = await step("reserve", async () => {
		const parts = await Promise.all(order.items.map((n) => step(`item ${n}`, () => post("holds", { n, at: Date.now() }), { undo: (h) => post("release", { n, h }), retry: { attempts: 2, delay: 5 } })));
		return parts.length;
	}, { undo: (n) => post("undo-all", { n }), timeout: "1s" });
	log.push(hold);
	const [a, b] = await Promise.allSettled([
		step("charge", () => post("charges", { total: order.total }), { retry: { attempts: 3, delay: 10, when: (e) => (log.push(e.code), e.code !== "HTTP_ERROR") }, undo: () => post("refund", log) }),
		step("mail", async () => { await sleep(5); return post("mail", { log }); }, { timeout: "5s", undo: () => sleep(1) }),
	]);
	if (a.status === "rejected" || b.status === "rejected") throw new Error("order failed", { cause: (a as any).reason ?? (b as any).reason });
	return log;
}
