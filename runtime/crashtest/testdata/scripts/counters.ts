// KV writes, each made once; versionstamps that go out again.
import { kv } from "reprise:kv";

export default async function (_input: unknown, env: any) {
  const stamps: string[] = [];
  for (let i = 0; i < 5; i++) {
    const done: any = await kv.atomic().sum(["n"], 1).set(["last"], i).commit();
    stamps.push(done.versionstamp);
  }
  await Promise.all([1, 2, 3].map((i) => kv.atomic().sum(["n"], i * 100).commit()));
  const entry = await kv.get(["last"]);
  await env.up.post("/stamp", { json: { stamp: entry.versionstamp }, idempotent: true });
  const first = await kv.atomic().check(entry).set(["last"], "checked").commit();
  const second = await kv.atomic().check(entry).set(["last"], "twice").commit();
  await kv.set(["big"], "x".repeat(100_000));
  await kv.delete(["big"]);
  await kv.set(["big"], "y".repeat(100_000));
  const keys: unknown[] = [];
  for await (const e of kv.list({ prefix: ["n"] })) keys.push(e.key);
  const n = (await kv.get<number>(["n"])).value;
  const bad = await kv.atomic().sum(["last"], 1).commit().catch((e: any) => e.code);
  return { stamps, rising: stamps.every((s, i) => i === 0 || s > stamps[i - 1]!), first: first.ok, second: second.ok, stamp: entry.versionstamp, n, bad };
}
