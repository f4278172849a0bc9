// Signals, people, children: everything that the engine parks.
import { ask, continueAs, invoke, publish, signal, sleep, start, waitFor, current } from "reprise:run";

export default async function run(order) {
	const log: unknown[] = [current.id, current.handler];
	const child = invoke("child/one", { order }).then((v) => log.push(["child", v]), (e) => log.push([e.name, e.run, e.cause?.message, e.stack]));
	const first = await Promise.race([waitFor("go", { timeout: "1 day" }), sleep("2 hours"), waitFor("stop")]).catch((e) => e.code);
	log.push(first);
	await publish({ percent: 50, message: String(first) });
	const answer = ask({ title: "Go on?", schema: { type: "object" }, timeout: "1h", notify: (url) => log.push(url) }).catch((e) => e.code);
	const { id } = await start("child/two", { log }, { idempotencyKey: order.id });
	await Promise.all([child, signal(id, "hello", { log: log.length }), answer.then((a) => log.push(a))]);
	if (log.length % 2) await continueAs({ order, log });
	return log;
}
