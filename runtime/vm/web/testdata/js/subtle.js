const text = (s) => new TextEncoder().encode(s), hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");
const subtle = crypto.subtle;
assert.equal(subtle, crypto.subtle);
assert(subtle instanceof SubtleCrypto && crypto instanceof Crypto);
assert.equal(String(subtle), "[object SubtleCrypto]");
assert.throws(() => new SubtleCrypto(), "TypeError", "Illegal constructor");
assert.throws(() => new CryptoKey(), "TypeError", "Illegal constructor");

// digest
assert.equal(hex(await subtle.digest("SHA-256", text("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
assert.equal(hex(await subtle.digest({ name: "sha-1" }, text("abc").buffer)), "a9993e364706816aba3e25717850c26c9cd0d89d");
assert.equal(hex(await subtle.digest("SHA-384", new DataView(text("xabc").buffer, 1))).slice(0, 16), "cb00753f45a35e8b");
assert.equal(hex(await subtle.digest("SHA-512", text("abc"))).slice(0, 16), "ddaf35a193617aba");
await assert.rejects(subtle.digest("MD5", text("")), "NotSupportedError", "SHA-256");
await assert.rejects(subtle.digest("SHA-256", "abc"), "TypeError", "ArrayBuffer");
await assert.rejects(subtle.digest({}, text("")), "TypeError", "name");
await assert.rejects(subtle.digest.call({}, "SHA-256", text("")), "TypeError", "Illegal invocation");
await assert.rejects(subtle.digest({ get name() { throw new RangeError("mine"); } }, text("")), "RangeError", "mine");
await assert.rejects(subtle.digest(Symbol("x"), text("")), "TypeError");

// keys
const key = await subtle.importKey("raw", text("Jefe"), { name: "hmac", hash: "sha-256" }, true, ["verify", "sign", "sign"]);
assert(key instanceof CryptoKey);
assert.equal(Object.prototype.toString.call(key), "[object CryptoKey]");
assert.same([key.type, key.extractable, key.usages, key.algorithm], ["secret", true, ["sign", "verify"], { name: "HMAC", length: 32, hash: { name: "SHA-256" } }]);
assert.equal(key.algorithm, key.algorithm);
assert.equal(key.usages, key.usages);
key.algorithm.name = "AES-GCM"; key.algorithm.hash.name = "SHA-1"; key.usages.length = 0;
const mac = await subtle.sign("HMAC", key, text("what do ya want for nothing?"));
assert.equal(hex(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "what is told of a key is not the key");
assert.equal(await subtle.verify({ name: "HMAC" }, key, mac, text("what do ya want for nothing?")), true);
assert.equal(await subtle.verify("HMAC", key, mac, text("what do you want for nothing?")), false);
assert.same(await subtle.exportKey("jwk", key), { kty: "oct", alg: "HS256", k: "SmVmZQ", key_ops: ["sign", "verify"], ext: true });
assert.equal(new TextDecoder().decode(await subtle.exportKey("raw", key)), "Jefe");
const raw = new Uint8Array(await subtle.exportKey("raw", key)); raw[0] = 0;
assert.equal(new TextDecoder().decode(await subtle.exportKey("raw", key)), "Jefe", "what was exported is a copy");
const bytes = text("Jefe"), copied = await subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
bytes[0] = 0;
assert.equal((await subtle.exportKey("jwk", copied)).k, "SmVmZQ", "what was imported is a copy");
assert.equal(hex(await subtle.exportKey("raw", structuredClone({ key }).key)), hex(text("Jefe")));

// wrong uses
const sha256 = { name: "HMAC", hash: "SHA-256" };
await assert.rejects(subtle.sign("HMAC", {}, text("")), "TypeError", "CryptoKey");
await assert.rejects(subtle.importKey("row", text("x"), sha256, true, ["sign"]), "TypeError", "format");
await assert.rejects(subtle.importKey("raw", text("x"), "HMAC", true, ["sign"]), "TypeError", "hash");
await assert.rejects(subtle.importKey("raw", text("x"), sha256, true, ["paint"]), "TypeError", "paint");
await assert.rejects(subtle.importKey("raw", text("x"), sha256, true, "sign"), "TypeError", "list");
await assert.rejects(subtle.importKey("raw", text("x"), sha256, true, []), "SyntaxError");
await assert.rejects(subtle.importKey("jwk", text("x"), sha256, true, ["sign"]), "TypeError", "object");
await assert.rejects(subtle.importKey("jwk", { kty: "oct" }, sha256, true, ["sign"]), "DataError");
await assert.rejects(subtle.importKey("jwk", { kty: "oct", k: "AAAA", key_ops: Array(1e5).fill("sign") }, sha256, true, ["sign"]), "RangeError", "at most 100");
const endless = { [Symbol.iterator]: () => ({ next: Object.bind(null, { value: "sign", done: false }) }) };
await assert.rejects(subtle.importKey("raw", text("x"), sha256, true, endless), "RangeError", "at most 100");
await assert.rejects(subtle.encrypt({ name: "AES-GCM", iv: text("x") }, key, text("")), "InvalidAccessError", "HMAC");
await assert.rejects(subtle.generateKey({ name: "HMAC", hash: "SHA-256", length: 2 ** 32 }, true, ["sign"]), "TypeError", "4294967295");
await assert.rejects(subtle.generateKey({ name: "HMAC", hash: "SHA-256", length: 8n }, true, ["sign"]), "TypeError", "bigint");
const closed = await subtle.generateKey(sha256, false, ["sign"]);
assert.equal(closed.algorithm.length, 512);
await assert.rejects(subtle.exportKey("raw", closed), "InvalidAccessError", "not extractable");
await assert.rejects(subtle.verify("HMAC", closed, text(""), text("")), "InvalidAccessError", "may not be used for verify");

// pairs
const ec = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
assert.same([ec.publicKey.type, ec.publicKey.extractable, ec.publicKey.usages], ["public", true, ["verify"]]);
assert.same([ec.privateKey.type, ec.privateKey.extractable, ec.privateKey.usages], ["private", false, ["sign"]]);
assert.same(ec.privateKey.algorithm, { name: "ECDSA", namedCurve: "P-256" });
const sig = await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, ec.privateKey, text("x"));
assert.equal(sig.byteLength, 64);
assert.equal(hex(sig), hex(await subtle.sign({ name: "ECDSA", hash: { name: "SHA-256" } }, ec.privateKey, text("x"))), "it draws nothing");
const again = await subtle.importKey("jwk", JSON.parse(JSON.stringify(await subtle.exportKey("jwk", ec.publicKey))), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
assert.equal(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, again, sig, text("x")), true);
await assert.rejects(subtle.generateKey({ name: "RSA-PSS", hash: "SHA-256", modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]) }, true, ["sign"]), "NotSupportedError", "import");

// encryption
const aes = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
const iv = crypto.getRandomValues(new Uint8Array(12));
const sealed = await subtle.encrypt({ name: "AES-GCM", iv, additionalData: text("a") }, aes, text("hello"));
assert.equal(sealed.byteLength, 21);
assert.equal(new TextDecoder().decode(await subtle.decrypt({ name: "AES-GCM", iv, additionalData: text("a") }, aes, sealed)), "hello");
await assert.rejects(subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed), "OperationError");
await assert.rejects(subtle.encrypt({ name: "AES-GCM" }, aes, sealed), "TypeError", "iv");
for (const format of ["raw", "jwk"]) {
	const wrapped = await subtle.wrapKey(format, key, aes, { name: "AES-GCM", iv });
	const un = await subtle.unwrapKey(format, wrapped, aes, { name: "AES-GCM", iv }, sha256, true, ["sign"]);
	assert.equal(hex(await subtle.exportKey("raw", un)), hex(text("Jefe")));
}
await assert.rejects(subtle.unwrapKey("jwk", await subtle.encrypt({ name: "AES-GCM", iv }, aes, text("[1")), aes, { name: "AES-GCM", iv }, sha256, true, ["sign"]), "DataError");
await assert.rejects(subtle.wrapKey("raw", closed, aes, { name: "AES-GCM", iv }), "InvalidAccessError", "extractable");

// derivation
const password = await subtle.importKey("raw", text("passwd"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
const bits = await subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: text("salt"), iterations: 1 }, password, 64);
assert.equal(hex(bits), "55ac046e56e3089f");
const derived = await subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: text("salt"), iterations: 1 }, password, { name: "AES-CBC", length: 128 }, true, ["encrypt"]);
assert.equal(hex(await subtle.exportKey("raw", derived)), "55ac046e56e3089fec1691c22544b605");
await assert.rejects(subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: text("salt"), iterations: 2e6 }, password, 256), "OperationError", "1000000");
await assert.rejects(subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: text("salt"), iterations: 1 }, password), "OperationError");

// What a script does to prototypes is not seen by what it calls.
const hostile = text("abc");
Object.defineProperty(hostile, "buffer", { get() { throw new Error("asked"); } });
Object.defineProperty(hostile, "byteLength", { value: 1e9 });
assert.equal(hex(await subtle.digest("SHA-256", hostile)).slice(0, 8), "ba7816bf");
const detached = new Uint8Array(4);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
assert.equal(hex(await subtle.digest("SHA-1", detached)).slice(0, 8), "da39a3ee", "a detached buffer is empty");
await assert.rejects(subtle.digest("SHA-1", new Proxy(text(""), {})), "TypeError");
await assert.rejects(subtle.sign("HMAC", new Proxy(key, {}), text("")), "TypeError");
console.log(key);
//> info|CryptoKey { type: 'secret', algorithm: 'HMAC', extractable: true, usages: sign verify }|
