// Stops before its undos, until somebody has looked.
import { kv } from "reprise:kv";
import { sleep, step } from "reprise:run";

export const config = { onFailure: "pause" } as const;

export default async function (_input: unknown, env: any) {
  await step("hold", () => env.up.post("/holds", { json: {}, idempotent: true }).json(), { undo: (h: any) => env.up.delete(`/holds/${h.id}`) });
  await step("sum", () => kv.atomic().sum(["n"], 1).commit(), { undo: async () => { await sleep(3000); await kv.atomic().sum(["n"], -1).commit(); } });
  await env.up.get("/status/409");
}
