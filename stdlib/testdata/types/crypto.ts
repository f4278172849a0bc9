// What the types of crypto.subtle allow and what they refuse. tsc checks it; it is never run.
import type { Script } from "reprise:script";

export default {
	async run(input: { jwk: JsonWebKey }) {
		const s = crypto.subtle, text = new TextEncoder().encode("text");
		const hash: ArrayBuffer = await s.digest("SHA-256", text);
		const pair: CryptoKeyPair = await s.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
		const ed: CryptoKeyPair = await s.generateKey("Ed25519", false, ["sign"]);
		const rsa = await s.generateKey({ name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, ["sign"]);
		const aes: CryptoKey = await s.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
		const sealed = await s.encrypt({ name: "AES-GCM", iv: crypto.getRandomValues(new Uint8Array(12)) }, aes, hash);
		const signature = await s.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, sealed);
		const imported = await s.importKey("jwk", input.jwk, { name: "HMAC", hash: { name: "SHA-512" } }, false, ["verify"] as const);
		const password = await s.importKey("raw", text, "PBKDF2", false, ["deriveKey"]);
		const derived = await s.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: text, iterations: 600_000 }, password, { name: "AES-CBC", length: 128 }, false, ["decrypt"]);
		const ok: boolean = await s.verify("HMAC", imported, signature, text);
		const jwk: JsonWebKey = await s.exportKey("jwk", rsa.publicKey), raw: ArrayBuffer = await s.exportKey("raw", ed.publicKey);
		return { ok, jwk, raw: raw.byteLength, uses: derived.usages, curve: pair.publicKey.algorithm.namedCurve };
	},
} satisfies Script;

export async function refused(): Promise<void> {
	// @ts-expect-error: a key is no bytes
	await crypto.subtle.importKey("raw", { kty: "oct" }, "HKDF", false, ["deriveBits"]);
	// @ts-expect-error: there is no such usage
	await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["paint"]);
	// @ts-expect-error: keys are made by crypto.subtle
	new CryptoKey();
}
