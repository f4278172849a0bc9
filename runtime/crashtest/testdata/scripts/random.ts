// What is random stays what it was.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const mine = { id: crypto.randomUUID(), n: Math.random(), at: Date.now(), bytes: [...crypto.getRandomValues(new Uint8Array(4))] };
  await kv.set(["mine"], JSON.stringify(mine));
  await sleep("10s");
  await env.up.get("/x");
  const kept = (await kv.get<string>(["mine"])).value;
  await kv.delete(["mine"]);
  return { same: kept === JSON.stringify(mine), later: Date.now() > mine.at };
}
