// Races, and what loses them.
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const get = (path: string) => env.up.get(path).json();
  const first: any = await Promise.race([get("/slow?ms=900000"), get("/quick?ms=10"), sleep("2 hours")]);
  await env.up.post("/won", { json: first, idempotent: true });
  const any: any = await Promise.any([get("/status/404"), get("/good?ms=700"), new Promise(() => {})]);
  const settled = await Promise.allSettled([get("/status/410"), get("/a"), env.up.put("/b", { json: 1 }).json(), sleep(30)]);
  const all = await Promise.all([get("/c?ms=30"), get("/d?ms=20"), get("/e?ms=10")]);
  const failed = await Promise.all([get("/status/418"), env.up.put("/f?ms=3000", { json: 2 }).json()]).catch((e) => e.name + e.status);
  return { first: first.path, any: any.path, settled: settled.map((s: any) => s.value?.path ?? s.reason?.status ?? s.status), all, failed };
}
