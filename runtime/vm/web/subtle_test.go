package web_test

import (
	"testing"
	"time"
)

func TestRSAKeysOfScripts(t *testing.T) {
	// Making one takes a tenth of a second, and several times as long here: this has
	// a turn that is long enough.
	const body = `{ async run() {
		const s = crypto.subtle, text = new TextEncoder().encode("text"), out = [], show = (b) => new Uint8Array(b).toHex();
		const attempt = (saltLength) => s.sign({ name: "RSA-PSS", saltLength }, key.privateKey, text).then(show, (e) => e.name + ": " + e.message);
		const key = await s.generateKey({ name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, ["sign", "verify"]);
		const { modulusLength, publicExponent, hash } = key.publicKey.algorithm;
		out.push(modulusLength, [...publicExponent].join(), hash.name, key.privateKey.usages.join(), key.publicKey.usages.join());
		const one = await attempt(32), two = await attempt(32);
		out.push(one !== two, await s.verify({ name: "RSA-PSS", saltLength: 32 }, key.publicKey, Uint8Array.fromHex(one), text));
		out.push(await attempt(0), await attempt(500));
		return out;
	} }`
	const want = `[2048,"1,0,1","SHA-256","sign","verify",true,true,` +
		`"NotSupportedError: RSA-PSS without a salt is not supported; saltLength is usually that of the hash in bytes",` +
		`"OperationError: a saltLength of 500 is too much for the key; the most is 222"]`
	v, err := hostileVM(t, time.Minute, "", body)
	if err != nil {
		t.Fatal(err)
	}
	if turn := toTheEnd(v, false); turn.Err != nil || string(turn.Value) != want {
		t.Errorf("%s %v, want %s", turn.Value, turn.Err, want)
	}
}

func TestTheSameSeedSignsTheSame(t *testing.T) {
	// Two VMs whose runs have the same seed make the same keys, signatures, sealed
	// texts and boundaries: what a replay needs.
	const body = `{ async run() {
		const s = crypto.subtle, text = new TextEncoder().encode("text"), out = [];
		for (const [name, more] of [["ECDSA", { namedCurve: "P-521" }], ["Ed25519", {}], ["RSA-PSS", { hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }]]) {
			const key = await s.generateKey({ name, ...more }, true, ["sign"]);
			out.push(await s.exportKey("jwk", key.privateKey), new Uint8Array(await s.sign({ name, hash: "SHA-512", saltLength: 20 }, key.privateKey, text)).toHex());
		}
		const oaep = await s.importKey("jwk", { kty: "RSA", n: out[4].n, e: out[4].e }, { name: "RSA-OAEP", hash: "SHA-1" }, false, ["encrypt"]);
		out.push(new Uint8Array(await s.encrypt("RSA-OAEP", oaep, text)).toHex(), new Response(new FormData()).headers.get("content-type"));
		return out;
	} }`
	var first string
	for range 2 {
		v, err := hostileVM(t, time.Minute, "", body)
		if err != nil {
			t.Fatal(err)
		}
		turn := toTheEnd(v, false)
		if turn.Err != nil || len(turn.Value) < 2000 {
			t.Fatalf("%s %v", turn.Value, turn.Err)
		}
		if first == "" {
			first = string(turn.Value)
		} else if first != string(turn.Value) {
			t.Errorf("first %s\nthen %s", first, turn.Value)
		}
	}
}
