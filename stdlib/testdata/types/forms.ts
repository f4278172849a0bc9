// What the types of Blob, File and FormData allow and what they refuse. tsc checks it; it is never run.
import { http } from "reprise:http";
import type { Script } from "reprise:script";

export default {
	async fetch(request) {
		const form: FormData = await request.formData();
		const avatar = form.get("avatar");
		if (avatar === null || typeof avatar === "string") return new Response("no file", { status: 400 });
		const head: Uint8Array = await avatar.slice(0, 16).bytes();
		const out = new FormData();
		out.append("name", avatar.name);
		out.append("file", new Blob([head, "text", avatar], { type: avatar.type }), "copy.png");
		for (const [name, value] of out) console.log(name, typeof value === "string" ? value : value.lastModified);
		const answer: Blob = await http.post("https://api.example.com/files", { body: out }).blob();
		await fetch("https://api.example.com/raw", { method: "POST", body: new File([answer], "a.bin", { lastModified: 0 }) });
		return new Response(out);
	},
} satisfies Script;

export function refused(): void {
	// @ts-expect-error: text has no file name
	new FormData().append("a", "text", "a.txt");
	// @ts-expect-error: parts are a list
	new Blob(7);
	// @ts-expect-error: a stream has chunks
	new Blob().stream().text();
}
