// Uses of streams that must check, and wrong ones that must not.
import { http } from "reprise:http";

const res = await http.get("https://a.example/", { stream: true });
for await (const chunk of res.body!) chunk.byteLength satisfies number;
for await (const text of res.body!.pipeThrough(new TextDecoderStream())) text.toUpperCase();
const lines = new TransformStream<string, number>({ transform: (text, c) => c.enqueue(text.length) });
const sum = new WritableStream<number>({ write: (n) => void n.toFixed() });
await res.body!.pipeThrough(new TextDecoderStream()).pipeThrough(lines).pipeTo(sum, { preventClose: true });
const [a, b] = new Blob(["x"]).stream().tee();
new Response(a.pipeThrough(new CompressionStream("gzip")));
await http.post("https://a.example/", { body: b });
new ReadableStream<string>({ pull: (c) => c.enqueue("x") }, new CountQueuingStrategy({ highWaterMark: 2 }));
const { value, done } = await ReadableStream.from(["x"]).getReader().read();
if (!done) value.length;

// @ts-expect-error
new CompressionStream("br");
// @ts-expect-error
new ReadableStream<string>({ pull: (c) => c.enqueue(1) });
// @ts-expect-error
await http.get("https://a.example/", { stream: "yes" });
// @ts-expect-error
res.body!.getReader({ mode: "byob" });

export default { fetch: () => new Response(null) };
