// A comparator that draws at random asks as often and in the same order.
import { http } from "reprise:http";

export default async function run() {
	const items = await Promise.all(Array.from({ length: 4 }, (_, i) => http.get(`http://up.example/${i}`, { throwHttpErrors: false }).then((r) => r.status, () => i)));
	const many = Array.from({ length: 60 }, (_, i) => i ^ items[i % 4]);
	let asked = 0;
	const shuffled = many.toSorted(() => (asked++, Math.random() - 0.5));
	await http.post("http://up.example/sorted", { json: shuffled, throwHttpErrors: false }).catch(() => 0);
	const inconsistent = [...many].sort((a, b) => (asked++, Math.random() < 0.3 ? 0 : a - b));
	return { asked, shuffled, inconsistent, typed: [...new Float64Array(items).sort(() => (asked++, Math.random() - 0.5))], words: ["ä", "a", "Z", "z"].sort((a, b) => a.localeCompare(b)) };
}
