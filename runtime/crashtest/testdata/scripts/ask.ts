// Questions to people: one that is answered, and one that is not.
import { ask } from "reprise:run";

export default async function (_input: unknown, env: any) {
  const answer = await ask({
    title: "May it?", schema: { type: "object", properties: { ok: { type: "boolean" } } }, timeout: "2 days",
    notify: (url) => env.up.put("/notes", { json: { has: url.includes("/_/ask/") } }),
  });
  const silence = await ask({ title: "Hello?", timeout: "1 minute" }).catch((e: any) => e.code);
  return { answer, silence };
}
