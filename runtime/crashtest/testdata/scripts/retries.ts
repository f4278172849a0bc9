// Calls and steps that fail at first.
import { step } from "reprise:run";
import { retry } from "reprise:retry";

export default async function (_input: unknown, env: any) {
  const soon = await env.up.get("/flaky/2/503", { retry: 4 }).json();
  const later = await env.up.post("/flaky/2/503?after=20", { json: {}, idempotent: true, retry: { attempts: 4, maxDelay: "1 minute" } }).json();
  const limited = await env.up.post("/flaky/1/429?after=10", { json: {}, inDoubt: "retry", retry: { attempts: 4, maxDelay: "1 minute" } }).json();
  const broken = await env.up.put("/reset/2/x", { json: {}, retry: { attempts: 5, delay: "8s", maxDelay: "1 minute" } }).json();
  let tries = 0;
  const block = await step("block", async () => {
    if (++tries < 3) throw new Error("not yet");
    return await env.up.put("/block", { json: { tries } }).json();
  }, { retry: { attempts: 5, delay: "7s", factor: 1 } });
  const given = await retry(() => env.up.get("/status/503").json(), { attempts: 3, delay: 100 }).catch((e: any) => e.status);
  return { soon, later, limited, broken, block, tries, given };
}
