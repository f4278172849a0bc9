// Bodies that are read as streams, several at a time: in pieces, by two readers, through transforms, packed and unpacked, and sent on.
import { events } from "reprise:sse";
import { http } from "reprise:http";

const text = async (stream: ReadableStream<Uint8Array>, log: unknown[], name: string) => {
	let all = "";
	for await (const part of stream.pipeThrough(new TextDecoderStream())) {
		log.push([name, part.length]);
		all += part;
	}
	return all;
};

export default async function run(order, env) {
	const log: unknown[] = [];
	const get = async (path: string) => (await http.get(`http://up.example${path}`, { stream: true })).body ?? new Blob(["none"]).stream();
	const jobs = {
		plain: async () => text(await get("/a"), log, "plain"),
		both: async () => {
			const [one, other] = (await get("/b")).tee();
			return Promise.all([text(one, log, "one"), text(other, log, "other")]);
		},
		clone: async () => {
			const res = await env.shop.get("/c"), twin = res.clone();
			return [await twin.text(), res.body && (await text(res.body, log, "cloned"))];
		},
		packed: async () => {
			const packed = new Response((await get("/d")).pipeThrough(new CompressionStream("gzip")));
			return text((await packed.blob()).stream().pipeThrough(new DecompressionStream("gzip")), log, "packed");
		},
		sent: async () => (await http.post("http://up.example/e", { body: ReadableStream.from([`${log.length}`]).pipeThrough(new TextEncoderStream()) })).status,
		half: async () => {
			const reader = (await get("/f")).getReader(), first = await reader.read();
			await reader.cancel(new Error("enough"));
			return [first.done, first.value?.length];
		},
		slow: async () => {
			let n = 0;
			const made = new ReadableStream({ async pull(c) { const r = await env.shop.get(`/slow/${n}`); c.enqueue(r.status); if (++n === 3) c.close(); } }, { highWaterMark: 0 });
			const seen: unknown[] = [];
			await made.pipeTo(new WritableStream({ async write(status) { seen.push(status); await env.shop.get("/seen"); } }));
			return seen;
		},
		events: async () => {
			for await (const event of events(http.get("http://up.example/events"))) log.push(event);
		},
	};
	const ends = await Promise.allSettled(Object.entries(jobs).map(async ([name, job]) => [name, await job()]));
	return { log, ends: ends.map((end) => (end.status === "fulfilled" ? end.value : [end.reason.name, end.reason.message])) };
}
