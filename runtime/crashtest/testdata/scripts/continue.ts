// Goes on as another run.
import { kv } from "reprise:kv";
import { continueAs, sleep, step } from "reprise:run";

export default async function (input: { n: number }, env: any) {
  await kv.atomic().sum(["rounds"], 1).commit();
  await step("post", () => env.up.post("/rounds", { json: input, idempotent: true }), { undo: () => env.up.put("/bad", { json: 1 }) });
  await sleep("1 hour");
  if (input.n < 2) await continueAs({ n: input.n + 1 });
  return { rounds: (await kv.get(["rounds"])).value };
}
