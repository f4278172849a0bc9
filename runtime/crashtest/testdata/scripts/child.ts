import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default async function (input: { n: number; fail?: boolean }, env: any) {
  await sleep(3000);
  if (input.fail) throw new TypeError("the child does not want to");
  await kv.atomic().sum(["total"], input.n).commit();
  await env.up.post("/children", { json: input, idempotent: true });
  return input.n * 10;
}
