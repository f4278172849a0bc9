// Nested steps with undos, of which one fails, and a failure in the end.
import { kv } from "reprise:kv";
import { sleep, step } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const make = (name: string) => step(name, () => env.up.post(`/make/${name}`, { json: {}, idempotent: true }).json(), {
    undo: async (made: any) => {
      await env.up.delete(`/make/${name}/${made.id}`);
      await kv.atomic().sum(["undone"], 1).set(["undo", name], made.id).commit();
      if (name === "b") throw new Error("b can not be undone");
      await sleep(20);
    },
  });
  await step("outer", async () => {
    await make("a");
    await step("inner", async () => {
      await Promise.all([make("b"), make("c")]);
      await sleep("1 minute");
      await make("d");
    }, { undo: () => env.up.put("/inner", { json: "undone" }) });
  }, { retry: { attempts: 2 }, undo: () => env.up.put("/outer", { json: "undone" }) });
  await step("bad", () => env.up.post("/status/422", { json: {}, idempotent: true }));
}
