// Every kind of microtask, labelled, around calls.
import { http } from "reprise:http";

export default async function run() {
	const log: string[] = [];
	const mark = (tag: string) => () => { log.push(tag); };
	const thenable = (tag: string) => ({ then(ok: (v: unknown) => void) { log.push(`then ${tag}`); queueMicrotask(() => ok(tag)); } });
	const round = async (tag: string) => {
		queueMicrotask(() => { log.push(`${tag} q1`); queueMicrotask(mark(`${tag} q2`)); });
		Promise.resolve().then(mark(`${tag} p1`)).then(mark(`${tag} p2`)).finally(mark(`${tag} p3`));
		setTimeout(mark(`${tag} t0`), 0);
		(async () => { await null; log.push(`${tag} a1`); await thenable(tag); log.push(`${tag} a2`); })();
		await thenable(`${tag} main`);
		await Promise.resolve(thenable(`${tag} resolved`));
		log.push(`${tag} end`);
	};
	await round("0");
	await Promise.all(["a", "b", "c"].map(async (n) => {
		const text = await http.get(`http://up.example/${n}`).text().then((t) => `${t.length}`, (e) => e.code);
		log.push(`${n} ${text}`);
		await round(n);
		await http.put(`http://up.example/${n}`, { body: log.join(), throwHttpErrors: false }).catch(mark(`${n} failed`));
	}));
	return log;
}
