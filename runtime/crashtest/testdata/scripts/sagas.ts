// A saga that fails and is caught, whose undos are written down, and one that the failing run undoes.
import { saga } from "reprise:flow";
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const add = (s: any, name: string) => s.step(name, () => env.up.post(`/make/${name}`, { json: {}, idempotent: true }).json(), async (made: any) => {
    await env.up.delete(`/make/${name}/${made.id}`);
    await kv.atomic().sum(["undone"], 1).set(["undo", name], made.id).commit();
    if (name === "b") throw new Error("b can not be undone");
    if (name === "a") await sleep("1 minute");
  });
  const trip = await saga(async (s) => {
    await add(s, "a");
    await Promise.all([add(s, "b"), add(s, "c")]);
    await env.up.post("/status/422", { json: {}, idempotent: true });
  }).catch((e) => ({ status: e.status, errors: e.undoErrors.map((u: Error) => u.message) }));
  await kv.set(["trip"], trip);
  await saga((s) => add(s, "d"));
  throw new Error("and then");
}
