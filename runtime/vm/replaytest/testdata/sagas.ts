// Sagas: steps beside each other, undos that fail, one saga in another, and what the run undoes itself.
import { map, saga } from "reprise:flow";
import { http } from "reprise:http";

export default async function run(order) {
	const log: unknown[] = [];
	const post = (path: string, json: unknown) => http.post(`http://up.example/${path}`, { json }).json<any>();
	const add = (s: any, name: string) => s.step(name, () => post(name, {}), (made) => post(`${name}/undo`, made), { retry: { attempts: 2, delay: 5 } });
	const trip = await saga(async (s) => {
		await add(s, "flight");
		await map(order.items, { concurrency: 2 }, (n) => add(s, `room ${n}`));
		await saga(async (inner) => {
			await add(inner, "tour");
			await post("guide", {});
		}).catch((e) => log.push(["no tour", e.name, e.undoErrors?.length]));
		return log.length;
	}).catch((e) => [e.name, e.message, e.undoErrors?.map((u) => u.message)]);
	log.push(trip);
	const s = saga();
	await Promise.all([add(s, "car"), add(s, "seat"), post("late", log)]);
	return log;
}
