// Waits for children, of which one has a child, for a long time.
import { invoke } from "reprise:run";

export default async (input: { depth?: number } | undefined, env: any) => {
  const depth = input?.depth ?? 0;
  if (depth === 0) await env.up.put("/family", { json: "begins" });
  return await Promise.all([invoke("sleeper", { depth }), depth === 0 ? invoke("family", { depth: 1 }) : 1]);
};
