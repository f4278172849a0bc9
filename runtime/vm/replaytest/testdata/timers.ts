// Timeouts against calls and against each other, and clearing them.
export default async function run() {
	const log: unknown[] = [];
	const wait = (ms: number, tag: string) => new Promise<void>((ok) => { setTimeout(() => { log.push([tag, Date.now(), performance.now()]); ok(); }, ms); });
	const slow = setTimeout(() => log.push("slow"), 1000);
	await Promise.race([wait(5, "a"), wait(5, "b"), wait(0, "now")]);
	const t = setTimeout(() => log.push("never"), 50);
	setTimeout(() => clearTimeout(t), 1);
	await Promise.all([wait(2, "c"), wait(1, "d"), fetch("http://up.example/").then((r) => log.push(r.status), (e) => log.push(e.name))]);
	if (log.length % 2) clearTimeout(slow);
	await wait(3, "e");
	return log;
}
