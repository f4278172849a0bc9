// Is cancelled while it sleeps, and cleans up.
import { kv } from "reprise:kv";
import { sleep, step } from "reprise:run";

export default async function (_input: unknown, env: any) {
  await step("hold", () => env.up.post("/holds", { json: {}, idempotent: true }).json(), { undo: (h: any) => env.up.delete(`/holds/${h.id}`) });
  await step("count", () => kv.atomic().sum(["holds"], 1).commit(), { undo: () => kv.atomic().sum(["holds"], -1).commit() });
  try {
    await Promise.all([sleep("10 days"), sleep("11 days").catch(() => {})]);
  } catch (e: any) {
    await kv.set(["caught"], e.code);
    throw e;
  } finally {
    await sleep(20);
    await env.up.put("/cleanup", { json: "done" });
  }
}
