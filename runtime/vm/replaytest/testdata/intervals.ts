export default async function run() {
	const log: number[] = [];
	let left = 4;
	await new Promise<void>((ok) => {
		const a = setInterval(() => { log.push(left); if (--left === 0) { clearInterval(a); clearInterval(b); ok(); } }, 10);
		const b = setInterval(async () => { log.push(100 + (await fetch("http://up.example/tick").then((r) => r.status, () => 0))); }, 7);
	});
	return log;
}
