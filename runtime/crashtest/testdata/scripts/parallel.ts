// Five async functions that do everything at the same time.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  async function work(i: number) {
    const seen = await env.up.get(`/items/${i}`).json();
    await kv.set(["seen", i], seen.id);
    await sleep(10 * i);
    await kv.atomic().sum(["count"], 1).commit();
    const made = await env.up.post(`/items`, { json: { i }, idempotencyKey: `item-${i}` }).json();
    await kv.atomic().sum(["count"], i).set(["made", i], made.id).commit();
    return made.id;
  }
  const ids = await Promise.all([1, 2, 3, 4, 5].map(work));
  return { ids, count: (await kv.get(["count"])).value };
}
