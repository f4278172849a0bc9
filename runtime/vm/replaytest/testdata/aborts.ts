// Signals: aborted by timers, by each other, by listeners.
export default async function run() {
	const log: unknown[] = [];
	const c = new AbortController();
	c.signal.addEventListener("abort", (e) => log.push([e.type, e.timeStamp, c.signal.reason.name]));
	const any = AbortSignal.any([c.signal, AbortSignal.timeout(20)]);
	any.onabort = () => { log.push("any"); c.abort(new Error("any did")); };
	const calls = ["a", "b", "c"].map((n) => fetch(`http://up.example/${n}`, { signal: n === "a" ? any : c.signal }).then((r) => (log.push(n), r.status), (e) => (log.push([n, e.name, e.message, e.stack]), 0)));
	setTimeout(() => c.abort(), 15);
	await Promise.race(calls);
	await Promise.race([...calls, fetch("http://up.example/free").catch(() => 0)]);
	for (let i = 0; i < 3; i++) {
		const own = new AbortController(), s = AbortSignal.any([own.signal, AbortSignal.timeout(30)]);
		const both = [s, own.signal].map((signal, k) => fetch(`http://up.example/${i}/${k}`, { signal }).then((r) => r.text(), (e) => e.name));
		log.push(await Promise.race(both));
		own.abort(new RangeError(`round ${i}`));
		log.push(await Promise.all(both));
	}
	c.abort("enough");
	log.push(await Promise.all(calls));
	try { c.signal.throwIfAborted(); } catch (e) { log.push(String(e)); }
	await fetch("http://up.example/end", { signal: c.signal }).catch((e) => log.push("refused"));
	return log;
}
