// Signals that come before, while and after they are waited for, and never.
import { sleep, waitFor } from "reprise:run";
import { kv } from "reprise:kv";

export default async function () {
  await sleep("10s");
  const early = [await waitFor("go"), await waitFor("go")];
  const third = await waitFor("go");
  await sleep("1 minute");
  const fourth = await waitFor("go", { timeout: "1 day" });
  const none = await waitFor("none", { timeout: "1 hour" }).catch((e: any) => e.code);
  await kv.set(["got"], [early, third, fourth]);
  return { early, third, fourth, none };
}
