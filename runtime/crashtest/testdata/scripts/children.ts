// Runs that are started, waited for, fail, and are not waited for any more.
import { invoke, signal, sleep, start } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const detached = await start("child", { n: 1 });
  const same = [await start("child", { n: 2 }, { idempotencyKey: "k" }), await start("child", { n: 2 }, { idempotencyKey: "k" })];
  const sum = await Promise.all([invoke("child", { n: 3 }), invoke("child", { n: 4 })]);
  const failed = await invoke("child", { fail: true }).catch((e: any) => ({ code: e.code, cause: e.cause?.message }));
  const missing = await invoke("no/such/script").catch((e: any) => e.code);
  const waiter = await start("waiter", {});
  await signal(waiter.id, "go", { by: "parent" });
  await Promise.race([invoke("sleeper", {}), sleep("5s")]);
  await env.up.put("/done", { json: sum });
  return { detached: typeof detached.id, same: same[0]!.id === same[1]!.id, sum, failed, missing };
}
