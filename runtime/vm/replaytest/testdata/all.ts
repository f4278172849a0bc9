// all fails with the first failure to arrive; the rest arrives unseen.
import { http } from "reprise:http";

export default async function run(order) {
	const get = (n: number) => http.get("http://up.example/item", { query: { n, id: order.id } }).json<any>();
	const first = await Promise.all(order.items.map(get)).catch((e) => ({ failed: e.message, stack: e.stack }));
	const second = await Promise.all([get(7), http.get("http://up.example/t").text(), http.get("http://up.example/b").bytes().then((b) => b.length)]);
	return { first, second };
}
