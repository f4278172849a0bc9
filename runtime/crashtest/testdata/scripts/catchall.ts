// Does not care that it is cancelled.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const all = await Promise.allSettled([sleep("10 days"), sleep("20 days")]);
  await kv.set(["reasons"], all.map((s: any) => s.reason?.code));
  await env.up.put("/late", { json: 1 });
  return "on";
}
