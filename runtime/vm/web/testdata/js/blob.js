const b = assert.isClass(Blob, ["a", new Uint8Array([98, 99]), new Uint8Array([0, 100]).subarray(1), new Uint8Array([101]).buffer, new Blob(["f"]), 7, null], { type: "Text/Plain;X=Y" });
assert.same([b.size, b.type, await b.text()], [11, "text/plain;x=y", "abcdef7null"]);
assert.same([...await b.bytes()].slice(0, 2), [97, 98]);
assert.equal((await b.arrayBuffer()).byteLength, 11);
(await b.bytes())[0] = 0;
assert.equal((await b.text())[0], "a", "what is read is a copy");
const source = new Uint8Array([97]), copied = new Blob([source]);
source[0] = 98;
assert.equal(await copied.text(), "a", "what it is made of was copied");
assert.same([new Blob().size, new Blob([]).type, await new Blob().text()], [0, "", ""]);
assert.equal(new Blob([], { type: "a\u00e4" }).type, "");
assert.equal(await new Blob(["\ufeffx\ud800"]).text(), "x\ufffd");
assert.equal(await new Blob(["a\r\nb\rc\n"], { endings: "native" }).text(), "a\nb\nc\n");
assert.equal(await new Blob(["a\r\nb"], { endings: "transparent" }).text(), "a\r\nb");
assert.equal(await new Blob(new Set(["x", "y"])).text(), "xy");
assert.equal(await new Blob("xyz".split("")).text(), "xyz");
assert.throws(() => new Blob("xyz"), "TypeError", "list");
assert.throws(() => new Blob({}), "TypeError");
assert.throws(() => new Blob([], 1), "TypeError");
assert.throws(() => new Blob([], { endings: "other" }), "TypeError", "other");
assert.throws(() => new Blob([Symbol("x")]), "TypeError");

// slice
assert.same(await Promise.all([b.slice(1, 3), b.slice(-4), b.slice(2, -8), b.slice(5, 1), b.slice(0, 99), b.slice(), b.slice(NaN, 1), b.slice(1, undefined, "A/B")].map((x) => x.text())),
	["bc", "null", "c", "", "abcdef7null", "abcdef7null", "a", "bcdef7null"]);
assert.same([b.slice(1).type, b.slice(1, 2, "A/B").type, b.slice(1, 2, "\n").type], ["", "a/b", ""]);

// File
const f = assert.isClass(File, ["x"], "n.txt", { type: "text/plain", lastModified: 5.9 });
assert(f instanceof Blob);
assert.same([f.name, f.lastModified, f.type, f.size, await f.text(), File.length, File.name], ["n.txt", 5, "text/plain", 1, "x", 2, "File"]);
assert.equal(new File([], "a/b").lastModified, Date.now());
assert.equal(new File([], 7).name, "7");
assert(!(f.slice(0, 1) instanceof File));
assert.throws(() => new File(["x"]), "TypeError", "name");
assert.throws(() => new File(), "TypeError");
assert.throws(() => Object.getOwnPropertyDescriptor(File.prototype, "name").get.call(b), "TypeError", "not a File");
assert.throws(() => new File([], "x", { get lastModified() { throw new RangeError("mine"); } }), "RangeError");

// clones
const clone = structuredClone({ f, b });
assert.same([clone.f instanceof File, clone.f.name, clone.f !== f, await clone.b.text(), clone.b.type], [true, "n.txt", true, "abcdef7null", "text/plain;x=y"]);

// bodies
const res = new Response(b);
assert.same([res.headers.get("content-type"), await res.clone().text()], ["text/plain;x=y", "abcdef7null"]);
assert.equal(new Response(new Blob(["x"])).headers.get("content-type"), null);
assert.equal(new Response(b, { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
const back = await res.blob();
assert.same([back instanceof Blob, back.type, await back.text(), res.bodyUsed], [true, "text/plain;x=y", "abcdef7null", true]);
await assert.rejects(res.blob(), "TypeError", "already been read");
assert.equal((await new Response("x", { headers: { "content-type": "Multipart/Form-Data; boundary=AbC" } }).blob()).type, "multipart/form-data; boundary=AbC");
assert.equal((await new Request("http://a/", { method: "POST", body: f }).blob()).type, "text/plain");
const sent = await (await fetch("http://up.example/echo", { method: "POST", body: new Blob(["raw"], { type: "a/b" }) })).json();
assert.same([sent.body, sent.args.headers], ["raw", [["content-type", "a/b"]]]);
assert.equal(await (await fetch("http://up.example/held")).blob().then((x) => x.text()), "from the host");
console.log(b, f, [b.slice(1)]);
//> info|Blob { size: 11, type: 'text/plain;x=y' } File { name: 'n.txt', size: 1, type: 'text/plain' } [ Blob { size: 10, type: '' } ]|
