// Timers that fire, that are cleared, and an abort.
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const log: string[] = [];
  const never = setTimeout(() => log.push("never"), 3_600_000);
  setTimeout(() => log.push("b"), 20);
  setTimeout(() => log.push("a"), 10);
  setTimeout(() => log.push("now"), 0);
  let ticks = 0;
  const tick = setInterval(() => ticks++, 60_000);
  await sleep("150s");
  clearInterval(tick);
  clearTimeout(never);
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error("enough")), 5_000);
  const aborted = await env.up.get("/slow?ms=86400000", { signal: abort.signal, timeout: "1 hour", retry: 1 }).catch((e: any) => e.message);
  const before = Date.now();
  await sleep("3 days");
  return { log, ticks: ticks > 0, aborted, days: Math.round((Date.now() - before) / 86_400_000) };
}
