import { http } from "reprise:http";
import { retry } from "reprise:retry";

export default async function run() {
	const seen: unknown[] = [];
	const one = retry(({ attempt }) => http.get("http://up.example/one", { headers: { "x-attempt": String(attempt) } }).json(), { attempts: 4, delay: 20, onRetry: (e, i) => { seen.push([e.name, e.retryAfter, i]); } });
	const two = retry(async () => { const r = await fetch("http://up.example/two"); if (!r.ok) throw Object.assign(new Error(`status ${r.status}`), { code: "MINE" }); return r.text(); }, { attempts: 3, factor: 3 });
	const results = await Promise.allSettled([one, two]);
	return [seen, results.map((r) => r.status === "fulfilled" ? r.value : [r.reason.message, r.reason.attempts, r.reason.stack])];
}
