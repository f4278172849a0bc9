// Connections, clients of their own, secrets, bodies that are passed on.
import { http } from "reprise:http";
import { secret } from "reprise:secrets";
import { bearer } from "reprise:auth";

export default async function run(order, env) {
	const shop = env.shop.extend({ headers: { "x-region": env.region }, query: { v: 2 }, retry: { attempts: 2, jitter: false } });
	const own = http.create({ baseURL: "http://up.example/api", auth: bearer(secret("KEY")) });
	const results = await Promise.allSettled([
		shop.get("items", { query: { tag: ["b", "a"] } }).json(), shop.post("/orders", { json: order, idempotencyKey: `o-${order.id}` }),
		env.self.get("/other?x=1").text(), env.self.fetch("/raw", { method: "POST", body: new URLSearchParams({ a: "1" }) }),
		own.patch("thing", { form: { z: 1, a: [2, 3] } }), own.get("../up").text(),
	]);
	const relay = await fetch("http://up.example/relay").catch(() => new Response("none"));
	await fetch("http://up.example/copy", { method: "PUT", body: relay.body, headers: relay.headers }).catch(() => 0);
	return results.map((r) => (r.status === "rejected" ? [r.reason.message, r.reason.url, r.reason.data] : r.value instanceof Response ? [r.value.status, [...r.value.headers]] : r.value));
}
