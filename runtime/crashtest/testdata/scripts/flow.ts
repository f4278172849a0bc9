// settle with what comes too late, and maps over it: one that stops, one that does not.
import { map, settle } from "reprise:flow";
import { kv } from "reprise:kv";

export default async function (_input: unknown, env: any) {
  const get = (path: string, signal?: AbortSignal) => env.up.get(path, { signal }).json();
  const { quick, slow, bad } = await settle({
    quick: ({ signal }) => get("/quick", signal),
    slow: ({ signal }) => get("/slow?ms=20000", signal),
    bad: env.up.put("/status/422", { json: 1 }).json(),
  }, { timeout: "5s" });
  const made = await map([1, 2, 3, 4], { concurrency: 2 }, async (i) => {
    const { id } = await env.up.post("/items", { json: { i }, idempotencyKey: `item-${i}` }).json();
    await kv.atomic().sum(["made"], i).commit();
    return id;
  });
  const stopped = await map([1, 2, 3, 4], { concurrency: 2 }, (i, _, { signal }) => get(i === 2 ? "/status/404" : `/after/${i}`, signal)).catch((e) => e.status);
  return { quick, slow: slow.error.message, bad: bad.error.status, made, stopped };
}
