// Rejections that nobody awaits end the run wherever it stands.
import { http } from "reprise:http";
import { step } from "reprise:run";

export default async function run() {
	const a = http.get("http://up.example/a"), b = http.get("http://up.example/b");
	const kept = step("kept", () => http.put("http://up.example/kept"), { undo: () => http.delete("http://up.example/kept") });
	await http.get("http://up.example/c", { throwHttpErrors: false });
	http.get("http://up.example/d").json().then((v: any) => { if (v.n > 50) throw new RangeError(`n is ${v.n}`); });
	return [(await a).status, (await b).status, (await kept).status];
}
