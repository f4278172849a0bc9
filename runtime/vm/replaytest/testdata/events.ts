// Events, getters and thenables that run where nobody expects code.
export default async function run() {
	const log: unknown[] = [], target = new EventTarget();
	target.addEventListener("tick", async (e: any) => { const r = await fetch(`http://up.example/${e.detail}`).catch((x) => x); log.push([e.detail, r.status ?? r.name, e.timeStamp]); if (log.length < 5) target.dispatchEvent(new CustomEvent("tick", { detail: log.length })); });
	target.addEventListener("tick", { handleEvent() { log.push(this === undefined); } } as any, { once: true });
	target.dispatchEvent(new CustomEvent("tick", { detail: "a" }));
	target.dispatchEvent(new CustomEvent("tick", { detail: "b" }));
	const odd = { get then() { log.push("then read"); return (ok: any) => { fetch("http://up.example/then").then((r) => ok(r.status), () => ok(0)); }; } };
	log.push(await odd);
	const spy = new Proxy({ a: 1 }, { get: (o, k) => (log.push(String(k)), (o as any)[k]), ownKeys: (o) => (log.push("keys"), Reflect.ownKeys(o)) });
	log.push(JSON.stringify(spy), Object.keys({ ...spy }));
	if (log.length > 18) throw { get message() { fetch("http://up.example/message").catch(() => 0); return `m${log.length}`; }, name: "Odd", errors: [1], get cause() { return log[1]; } };
	return log;
}
