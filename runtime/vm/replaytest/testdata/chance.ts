// Randomness and time drawn between turns.
export default async function run(order, env, ctx) {
	const draws: unknown[] = [crypto.randomUUID(), Math.random()];
	const bytes = (n: number) => [...crypto.getRandomValues(new Uint8Array(n))];
	const one = async (n: number) => {
		draws.push([n, bytes(n), Math.random()]);
		await fetch(`http://up.example/${n}`, { headers: { "x-id": crypto.randomUUID() } }).catch(() => 0);
		draws.push([n, new Date(), new Date().toString(), Date.now(), performance.now(), [...crypto.getRandomValues(new Uint32Array(2))]]);
		await new Promise((ok) => setTimeout(ok, 1 + Math.random() * 100));
		performance.mark(`m${n}`);
		draws.push(Math.floor(Math.random() * 6), performance.measure("x", `m${n}`).startTime, bytes(3));
	};
	await Promise.all([one(1), one(5), one(13)]);
	return { draws, ctx: Object.keys(ctx), env: Object.keys(env), zone: new Date(0).toLocaleString(), iso: new Date(2026, 1, 29).toISOString() };
}
