// Is in the middle of a slow write when somebody intervenes.
import { step } from "reprise:run";

export default async function (_input: unknown, env: any) {
  await step("first", () => env.up.put("/first", { json: 1 }), { undo: () => env.up.put("/undo", { json: 1 }) });
  await env.up.put("/slow?ms=100000000", { json: 2, timeout: "10 days" });
  await env.up.put("/not-reached", { json: 3 });
}
