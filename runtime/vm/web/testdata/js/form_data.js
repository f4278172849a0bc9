const d = assert.isClass(FormData);
assert.throws(() => new FormData({}), "TypeError", "append");
d.append("a", "1"); d.append("a", 2); d.append("b\"\r\n", "x\ny"); d.append("f", new Blob(["blob"], { type: "a/b" })); d.append("f", new File(["file"], "n\".txt"), "other");
const own = new File(["own"], "own.txt", { type: "c/d", lastModified: 7 });
d.append("own", own);
assert.same([d.get("a"), d.getAll("a"), d.get("x"), d.getAll("x"), d.has("a"), d.has("x")], ["1", ["1", "2"], null, [], true, false]);
assert.equal(d.get("own"), own, "a File stays itself");
assert.same([d.getAll("f").map((f) => f.name), d.get("f").type, d.get("f") instanceof File, d.getAll("f")[1].lastModified], [["blob", "other"], "a/b", true, Date.now()]);
assert.same([...d.keys()], ["a", "a", "b\"\r\n", "f", "f", "own"]);
assert.same([...d].length, 6);
assert.same([...d.values()].slice(0, 2), ["1", "2"]);
assert.same([...d.entries()][5], ["own", own]);
assert.equal(FormData.prototype[Symbol.iterator], FormData.prototype.entries);
const seen = [];
d.forEach((value, name, form) => seen.push(name, form === d));
assert.equal(seen.length, 12);
d.set("a", "3");
assert.same(d.getAll("a"), ["3"]);
d.set("new", "n"); d.delete("new");
assert.equal(d.has("new"), false);
assert.throws(() => d.append("a"), "TypeError", "a name and a value");
assert.throws(() => d.append("a", "x", "file"), "TypeError", "Blob");
assert.throws(() => d.append("a", Symbol("x")), "TypeError");

// encode
const res = new Response(d), type = res.headers.get("content-type"), boundary = type.split("boundary=")[1];
assert(/^multipart\/form-data; boundary=----form-[0-9a-f]{32}$/.test(type), type);
const text = await res.clone().text();
const part = (head, body) => `--${boundary}\r\nContent-Disposition: form-data; name=${head}\r\n\r\n${body}\r\n`;
assert.equal(text, part('"a"', "3") + part('"b%22%0D%0A"', "x\r\ny") + part('"f"; filename="blob"\r\nContent-Type: a/b', "blob")
	+ part('"f"; filename="other"\r\nContent-Type: application/octet-stream', "file") + part('"own"; filename="own.txt"\r\nContent-Type: c/d', "own") + `--${boundary}--\r\n`);
assert(type !== new Response(d).headers.get("content-type"), "each has a boundary of its own");

// and back
const e = await res.formData();
assert.same([...e.keys()], [...d.keys()]);
assert.same([e.get("a"), e.get("b\"\r\n"), await e.get("f").text(), e.getAll("f").map((f) => [f.name, f.type]), await e.get("own").text()],
	["3", "x\r\ny", "blob", [["blob", "a/b"], ["other", "application/octet-stream"]], "own"]);
await assert.rejects(res.formData(), "TypeError", "already been read");
const sent = await (await fetch("http://up.example/echo", { method: "POST", body: d })).json();
assert(sent.args.headers[0][1].startsWith("multipart/form-data; boundary=") && sent.body.includes('name="own"; filename="own.txt"'));
const q = new Request("http://a/", { method: "PUT", body: d });
assert.equal((await q.formData()).get("a"), "3");

// what others write
const read = (body, type = "multipart/form-data; boundary=X") => new Response(body, { headers: { "content-type": type } }).formData();
const form = await read('preamble\r\n--X\r\ncontent-disposition: form-data; foo; NAME=plain; x=y\r\n\r\n1\r\n--X \r\nX-Other: 1\r\nContent-Disposition:form-data;name="\u00e4%22b";filename=""\r\n\r\n\r\n--X\r\nContent-Disposition: form-data; name="q\\"q"; filename="C:\\dir\\f.txt"\r\nContent-Type: Text/HTML; charset=utf-8\r\n\r\n--Y\r\n--X--\r\nepilogue');
assert.same([...form.keys()], ["plain", '\u00e4"b', 'q"q']);
const files = form.getAll('q"q');
assert.same([form.get("plain"), form.get('\u00e4"b').size, form.get('\u00e4"b').type, files[0].name, files[0].type, await files[0].text()], ["1", 0, "text/plain", "C:\\dir\\f.txt", "text/html; charset=utf-8", "--Y"]);
assert.same([...(await read("--X--", 'multipart/form-data; boundary="X"'))], []);
assert.same([...(await read("a=1&b=%C3%A4+c&a=", "application/x-www-form-urlencoded;charset=UTF-8"))], [["a", "1"], ["b", "\u00e4 c"], ["a", ""]]);
assert.same([...(await new Response(new URLSearchParams("x=1")).formData())], [["x", "1"]]);
for (const [body, why] of [["", "its boundary"], ["--X", "end of its line"], ["--X\r\n", "header"], ["--X\r\nA: b\r\n\r\n", "last part"], ["--X\r\n\r\n\r\n--X--", "no name"],
	['--X\r\nContent-Disposition: attachment; name="a"\r\n\r\n\r\n--X--', "form-data"], [`--X\r\nA: ${"b".repeat(17000)}\r\n\r\n\r\n--X--`, "16 KiB"],
]) {
	await assert.rejects(read(body), "TypeError", why);
}
await assert.rejects(read("{}", "application/json"), "TypeError", "application/json");
await assert.rejects(read("--X--", "multipart/form-data"), "TypeError", "no boundary");
await assert.rejects(new Response("").formData(), "TypeError");
console.log(form);
//> info|FormData {\n  plain: '1',\n  'ä"b': File { name: '', size: 0, type: 'text/plain' },\n  'q"q': File { name: 'C:\\dir\\f.txt', size: 3, type: 'text/html; charset=utf-8' }\n}|
