// Promises with a class of their own, and a Promise that was replaced.
import { http } from "reprise:http";

let made = 0;
class Traced<T> extends Promise<T> {
	readonly id = ++made;
	then(a?: any, b?: any): any { made += 100; return super.then(a, b); }
	static get [Symbol.species]() { return Promise; }
}

export default async function run() {
	const wrap = (n: number) => new Traced<any>((ok, no) => { http.get(`http://up.example/${n}`).json().then(ok, no); });
	const log: unknown[] = [];
	const all = await Traced.allSettled([wrap(1), wrap(2), wrap(3).finally(() => log.push(made))]);
	log.push(made, all instanceof Array);
	const own = globalThis.Promise;
	(globalThis as any).Promise = Traced;
	const late = http.get("http://up.example/late").json().catch((e) => e.name);
	(globalThis as any).Promise = own;
	log.push(await late, await Traced.race([wrap(4), wrap(5)]).catch((e) => e.message), made);
	return log;
}
