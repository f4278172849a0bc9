// The fastest of several wins; the others arrive later and are seen too.
import { http } from "reprise:http";

export default async function run() {
	const log: string[] = [];
	const urls = ["a", "b", "c"].map((n) => `http://up.example/${n}`);
	for (let round = 0; round < 3; round++) {
		const tries = urls.map((u) => http.get(u, { retry: 0 }).json().then((v: any) => (log.push(u), v?.n), (e) => (log.push(e.name), -1)));
		const first = await Promise.race(tries);
		await http.post("http://up.example/won", { json: { round, first, log }, throwHttpErrors: false }).catch((e) => log.push(e.message));
	}
	return log;
}
