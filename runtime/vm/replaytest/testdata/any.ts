// any collects the failures of all, in the order of the list.
import { http, HTTPError } from "reprise:http";

export default async function run() {
	const out = [];
	for (let i = 0; i < 4; i++) {
		try {
			out.push(await Promise.any([1, 2, 3].map((n) => http.get(`http://up.example/${n}`).json())));
		} catch (e) {
			out.push(e.errors.map((x) => [x.name, x.code, x.status, x instanceof HTTPError, x.stack]), e.message);
		}
	}
	if (out.length > 5) throw new AggregateError(out.flat().filter((x) => x instanceof Error), "many");
	await http.put("http://up.example/done", { json: out });
	return out;
}
