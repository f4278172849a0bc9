// Maps, Sets and objects keep the order of arrival.
import { http } from "reprise:http";

export default async function run() {
	const map = new Map<unknown, number>(), set = new Set<unknown>(), byKey: Record<string, number> = {}, weak = new WeakMap<object, number>();
	await Promise.all(Array.from({ length: 6 }, async (_, i) => {
		const key = await http.get(`http://up.example/${i}`).json<any>().then((v) => v?.n, (e) => e.code);
		map.set(key, i); set.add({ key }); byKey[`${key}`] = i; byKey[`k${i}`] = map.size;
		const o = { i }; weak.set(o, i); set.add(weak.get(o));
		if (i % 2) map.delete(key);
	}));
	for (const [k, v] of map) await http.post("http://up.example/entry", { form: { k: String(k), v }, throwHttpErrors: false, retry: 0 }).catch(() => map.delete(k));
	const grouped = Object.groupBy([...map.values()], (v) => (v % 2 ? "odd" : "even"));
	return { map: [...map], set: [...set], byKey, grouped: Object.entries(grouped), by: [...Map.groupBy([...set], (x) => typeof x)].map(([k, v]) => [k, v.length]) };
}
