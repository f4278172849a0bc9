// JSON in and out: touched, untouched, cut up, with toJSON and revivers.
import { http } from "reprise:http";

export default async function run() {
	const raw = await Promise.all([1, 2, 3, 4].map((n) => http.get(`http://up.example/${n}`).json<any>().catch((e) => ({ error: e.message }))));
	await http.put("http://up.example/untouched", { json: raw, throwHttpErrors: false }).catch(() => 0);
	const sizes: number[] = [];
	const odd = { raw, toJSON() { (async () => { sizes.push(JSON.stringify(this.raw).length); })(); return { n: JSON.stringify(this.raw).length, raw: this.raw }; }, get late() { return JSON.stringify(raw[0]).slice(0, 20); } };
	await http.put("http://up.example/odd", { json: { odd, wrapped: new Proxy(raw, {}), date: new Date(), skip: undefined, nan: NaN }, throwHttpErrors: false }).catch(() => 0);
	raw.forEach((r, i) => { if (r && i % 2) r.touched = i; });
	const text = JSON.stringify(raw, (k, v) => (typeof v === "string" ? v.slice(0, 9) : v), 1);
	const back = JSON.parse(text, function (k, v) { if (k === "n") sizes.push(v); return v; });
	await http.post("http://up.example/back", { json: back, headers: { "x-size": String(text.length) }, throwHttpErrors: false }).catch(() => 0);
	return { sizes, back, lone: "\ud800", raw };
}
