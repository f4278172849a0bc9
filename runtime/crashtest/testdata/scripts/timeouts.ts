// Steps that take too long.
import { sleep, step } from "reprise:run";

export default async function (_input: unknown, env: any) {
  let tries = 0;
  const slow = await step("slow", async () => {
    tries++;
    await env.up.get("/slow?ms=86400000", { timeout: "10 minutes", retry: 1 });
  }, { timeout: "3s", retry: { attempts: 2, delay: 100 } }).catch((e: any) => e.code);
  const sleepy = await step("sleepy", () => sleep("1 day"), { timeout: "1 hour" }).catch((e: any) => e.code);
  const fine = await step("fine", () => env.up.get("/fine").json(), { timeout: "1 hour" });
  const call = await env.up.get("/slow?ms=86400000", { timeout: "2s", retry: 1 }).catch((e: any) => e.code);
  return { slow, tries, sleepy, fine, call };
}
