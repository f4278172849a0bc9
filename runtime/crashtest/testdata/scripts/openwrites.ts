// Returns while much of what it began is still open.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  void env.up.put("/open?ms=2000", { json: 1 }).json();
  void env.up.post("/open?ms=8000", { json: 2, idempotent: true }).json();
  void env.up.get("/dropped?ms=100000").json().catch(() => {});
  void sleep("1 hour").then(() => env.up.put("/never", { json: 1 }));
  void kv.set(["open"], "written");
  await sleep(5);
  return "left";
}
