// The orders of properties: of JSON that was received, of literals, of merges.
import { http } from "reprise:http";

export default async function run(order, env) {
	const parts: any[] = [];
	await Promise.all([1, 2, 3, 4].map(async (n) => { try { parts.push(await http.get(`http://up.example/${n}`).json()); } catch (e) { parts.push({ [e.name]: n, ...e }); } }));
	const merged = Object.assign({}, ...parts), spread = { z: 1, ...parts[1], a: 2, ...parts[0] };
	const out = { merged: Object.keys(merged), spread: Object.entries(spread).map(([k, v]) => [k, typeof v]), parts: parts.map((p) => Reflect.ownKeys(Object(p)).map(String)), builtins: [Promise, Object, Array, String.prototype, globalThis].map((o) => Object.getOwnPropertyNames(o)), descriptor: Object.getOwnPropertyDescriptors(parts[0] ?? {}) };
	for (const k in merged) if (k > "n") delete merged[k];
	Object.defineProperty(merged, "hidden", { get: () => 1, set() {}, enumerable: false, configurable: true });
	await http.put("http://up.example/keys", { json: { merged, order, env }, query: Object.fromEntries(Object.entries(spread).filter(([, v]) => typeof v !== "object")) as any, throwHttpErrors: false }).catch((e) => { out.merged.push(e.message); });
	Promise.withResolvers; Promise.try(() => 1); "x".isWellFormed(); RegExp.escape("a");
	return out;
}
