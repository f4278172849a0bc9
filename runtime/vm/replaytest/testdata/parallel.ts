// Async functions side by side, with state between them.
import { http } from "reprise:http";
import { sleep } from "reprise:run";

export default async function run() {
	const log: unknown[] = [];
	let shared = 0;
	async function worker(id: number) {
		for (let i = 0; i < 3; i++) {
			const before = shared;
			const r = await http.get(`http://up.example/${id}/${i}/${shared}`, { throwHttpErrors: false, retry: 0 }).catch((e) => ({ status: e.name }));
			shared += Number(r.status) || 1;
			log.push([id, i, before, shared, Date.now(), Math.random()]);
			if (shared % 3 === 0) await sleep(id * 10);
		}
		return id;
	}
	const ids = await Promise.all([worker(1), worker(2), worker(3)]);
	return { ids, log };
}
