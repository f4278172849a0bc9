// Everything is printed: what a line says is the same on replay.
import { http } from "reprise:http";

class Point { #secret = 1; constructor(readonly x: number) {} get y() { return this.#secret; } }

export default async function run(order, env, ctx) {
	console.time("all");
	await Promise.all([1, 2, 3].map(async (n) => {
		console.group("call", n);
		const r = await http.get(`http://up.example/${n}`, { throwHttpErrors: false }).catch((e) => e);
		console.log("got %s in %d", r, n, { n, r });
		console.dir(r); console.count("calls"); console.trace("here");
		const data = r instanceof Response ? await r.clone().json().catch((e) => e) : r;
		console.log(data); console.table([data, { n }]); console.error(data); console.debug(Object(data).list);
		console.groupEnd();
	}));
	console.log(new Map([[{ a: 1 }, new Set([1])]]), Symbol("s"), 1n, -0, [1, , 2], new Point(1), run, Point, new Uint8Array(3), /x/, new Date(), ctx, env, Promise.resolve(1), new Error("e", { cause: 1 }), globalThis.URL, new Proxy({}, {}), new URL("http://a/?b"), new Headers({ a: "b" }));
	console.timeEnd("all"); console.assert(false, "no", order);
	return crypto.randomUUID();
}
