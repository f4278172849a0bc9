// Waits for the disk at every step.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export const config = { durability: "strict" } as const;

export default async function (_input: unknown, env: any) {
  const got = await Promise.all([env.up.get("/a").json(), env.up.get("/b").json()]);
  await kv.set(["got"], got.length);
  await sleep(100);
  await env.up.post("/c", { json: got, idempotent: true });
  return got;
}
