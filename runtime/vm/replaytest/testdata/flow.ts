// settle and map: deadlines, failures that stop, failures that are collected, sources that wait.
import { map, settle } from "reprise:flow";
import { http } from "reprise:http";

export default async function run(order) {
	const log: unknown[] = [];
	const get = (path: string, signal?: AbortSignal) => http.get(`http://up.example/${path}`, { signal }).json<any>();
	const told = (r: any) => (r.ok ? r.value?.n ?? r.value : [r.error.name, r.error.message, r.error.stack]);
	const { a, b, c } = await settle({ a: ({ signal }) => get("a", signal), b: get("b"), c: async ({ signal }) => (await get("c1", signal)).n + (await get("c2", signal)).n }, { timeout: "20ms" });
	log.push([a, b, c].map(told));
	async function* ids() {
		for (const n of order.items) yield (await get(`id/${n}`)).n;
	}
	const each = await map(ids(), { concurrency: 2, stopOnError: false }, (id) => settle([() => get(`x/${id}`), get(`y/${id}`)]));
	log.push(each.map((r) => (r.ok ? r.value.map(told) : told(r))));
	try {
		log.push(await map([1, 2, 3, 4, 5, 6, 7], { concurrency: 3 }, async (n, i, { signal }) => {
			log.push([n, i]);
			return (await get(`item/${n}`, signal)).n + (n % 2 ? (await get(`more/${n}`, signal)).n : 0);
		}));
	} catch (e: any) {
		log.push([e.name, e.message]);
		await get("failed");
	}
	return log;
}
