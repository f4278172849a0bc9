// One answer from four APIs. They are asked at the same time, each may take a second at most, and one that fails costs
// its own part of the answer and no other.
//
//   curl localhost:8080/dashboard/overview
import type { Config, Env, Script } from "reprise:script";

export const config = {
  description: "Stock, sales, shipments and customers in one answer.",
  http: { method: "GET", cors: true },
} satisfies Config;

export default {
  async fetch(_request, env) {
    const [stock, sales, shipments, customers] = await Promise.all([
      part(env, "/shop/inventory/items", ({ items }) => items.filter((item: any) => item.stock < 50)),
      part(env, "/shop/payments/charges", ({ count, amount }) => ({ count, revenue: amount / 100 })),
      part(env, "/shop/shipping/labels", ({ labels }) => labels.map((label: any) => label.order)),
      part(env, "/shop/crm/contacts?limit=1", ({ total }) => total),
    ]);
    const parts = { stock, sales, shipments, customers };
    const missing = Object.entries(parts).filter(([, part]) => "error" in part).map(([name]) => name);
    return Response.json({ ...parts, complete: missing.length === 0, missing });
  },
} satisfies Script;

type Part<T> = { data: T } | { error: string };

/** Asks one API. A failure is part of the answer and not the end of it. */
async function part<T>(env: Env, path: string, pick: (body: any) => T): Promise<Part<T>> {
  try {
    return { data: pick(await env.self.get(path, { timeout: "1s", retry: 1 }).json()) };
  } catch (error: any) {
    console.warn("a part is missing", { path, error: error.message });
    return { error: error.message };
  }
}
