// Bodies that are too large for a record: in, out, through, and read again.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (input: string, env: any) {
  const text: string = await env.up.get("/big").json();
  const raw = await env.up.get("/big");
  await env.up.post("/copy", { json: { text }, idempotent: true });
  await sleep("1 minute");
  const again = await raw.text();
  await env.up.put("/input", { json: input });
  await kv.set(["lengths"], [text.length, again.length, input.length]);
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => env.up.put(`/many/${i}`, { json: "z".repeat(60_000) }).json()));
  return { text, n: many.length };
}
