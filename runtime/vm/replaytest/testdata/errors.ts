// Thrown, caught, wrapped, thrown again; stacks go into the result and into calls.
import { http } from "reprise:http";

class OrderError extends Error {
	constructor(message: string, readonly detail: unknown, options?: ErrorOptions) { super(message, options); this.name = "OrderError"; }
}

async function inner(n: number) {
	try {
		return await http.get(`http://up.example/${n}`).json();
	} catch (e) {
		if (n % 2) throw new OrderError(`call ${n}`, { n, code: e.code }, { cause: e });
		throw e;
	} finally {
		await http.head("http://up.example/finally").catch(() => 0);
	}
}

async function outer(n: number) {
	try { return await inner(n); } catch (e) { if (e instanceof OrderError) throw new TypeError("outer", { cause: e }); throw e; }
}

export default async function run() {
	const stacks: unknown[] = [];
	for (const n of [1, 2, 3, 4, 5]) {
		try { stacks.push(await outer(n)); } catch (e) {
			for (let x = e; x; x = x.cause) stacks.push([x.name, x.message, x.stack, Object.getOwnPropertyNames(x)]);
			await http.post("http://up.example/errors", { json: stacks.slice(-2), throwHttpErrors: false }).catch((x) => stacks.push(x.stack));
		}
	}
	try { (null as any).x; } catch (e) { stacks.push(e.stack); }
	try { new URL("no url"); } catch (e) { stacks.push(e.stack); }
	if (stacks.length > 12) await outer(9);
	return stacks;
}
