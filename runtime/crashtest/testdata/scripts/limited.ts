import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export const config = { concurrency: { limit: 1, key: "input.key" } } as const;

export default async function (input: { n: number; key: number }, env: any) {
  const at = ["running", input.key];
  const before = await kv.get<number>(at);
  if (before.value) throw new Error("another one is running");
  await kv.atomic().check(before).set(at, input.n).commit();
  await sleep("4s");
  await env.up.put(`/limited/${input.n}`, { json: input });
  await kv.delete(at);
  return input.n;
}
