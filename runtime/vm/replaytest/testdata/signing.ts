// Keys made, texts signed and sealed, and forms with a boundary of their own, between turns: the very same bytes every time.
export default async function run(order) {
	const text = (s: string) => new TextEncoder().encode(s);
	const show = (b: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(b)));
	const sent: unknown[] = [];
	const one = async (n: number) => {
		const aes = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
		const ec = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
		const res = await fetch(`http://up.example/${n}`).catch(() => null);
		const ed = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
		const signature = show(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, ec.privateKey, text(`${order.id} ${n}`)));
		await fetch("http://up.example/signed", { method: "POST", headers: { "x-signature": signature } }).catch(() => 0);
		const form = new FormData();
		form.append("n", String(n));
		form.append("file", new File([text("text")], "text.txt"));
		await fetch("http://up.example/form", { method: "POST", body: form }).catch(() => 0);
		const iv = crypto.getRandomValues(new Uint8Array(12));
		sent.push([n, res?.status, show(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, text("text")))]);
		sent.push(await crypto.subtle.exportKey("jwk", ed.privateKey), show(await crypto.subtle.sign("Ed25519", ed.privateKey, iv)));
		await crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, iv).catch((e) => sent.push(e.name, e.message));
	};
	await Promise.all([one(1), one(2), one(3)]);
	return sent;
}
