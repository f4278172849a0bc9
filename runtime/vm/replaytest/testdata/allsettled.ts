import { http } from "reprise:http";

export default async function run() {
	const results = await Promise.allSettled(Array.from({ length: 5 }, (_, i) => http.get(`http://up.example/${i}`, { throwHttpErrors: i % 2 === 0 }).json()));
	const bad = results.filter((r) => r.status === "rejected") as PromiseRejectedResult[];
	for (const r of bad) await http.post("http://up.example/report", { json: { name: r.reason.name, message: r.reason.message, stack: r.reason.stack, cause: String(r.reason.cause) }, throwHttpErrors: false }).catch(() => 0);
	if (bad.length > 3) throw new Error("too many", { cause: bad[0].reason });
	return results.map((r) => r.status === "fulfilled" ? r.value : r.reason.code);
}
