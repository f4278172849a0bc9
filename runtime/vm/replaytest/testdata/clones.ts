import { http } from "reprise:http";

export default async function run() {
	const source = { date: new Date(0), map: new Map<any, any>([[{ a: 1 }, new Set([1, 2])], ["k", [1, , 3]]]), bytes: new Uint8Array([1, 2]), re: /x/gi, big: 12n ** 20n, err: new RangeError("r", { cause: new Error("c") }) };
	(source as any).self = source;
	const copy: any = structuredClone(source);
	const answers = await Promise.all([1, 2, 3].map((n) => http.get(`http://up.example/${n}`).json<any>().catch((e) => e)));
	const clones = answers.map((a) => structuredClone(a));
	clones.sort((a, b) => String(a?.n).localeCompare(String(b?.n)));
	await http.put("http://up.example/x", { json: { clones, keys: [...copy.map.keys()], self: copy.self === copy, stack: copy.err.stack } });
	return [clones.map((c) => c?.stack ?? c), Object.keys(copy), [...copy.map], String(copy.big)];
}
