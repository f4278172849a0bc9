// Who the customers are, and what they have bought: a list that comes in pages, beside an API that answers at once. What
// is there in two seconds is in the answer; the pages that are still missing by then are not waited for.
//
//   curl localhost:8080/dashboard/customers
import { settle } from "reprise:flow";
import { paginate } from "reprise:paginate";
import type { Config, Env, Script } from "reprise:script";
import type { Contact } from "../_lib/types";

export const config = {
  description: "Customers by their last name, page by page, and sales, in one answer.",
  http: { method: "GET", cors: true },
} satisfies Config;

export default {
  async fetch(_request, env) {
    const { customers, sales } = await settle({
      customers: ({ signal }) => byLastName(env, signal),
      sales: ({ signal }) => env.self.get("/shop/payments/charges", { signal }).json<{ count: number; amount: number }>(),
    }, { timeout: "2s" });
    return Response.json({
      customers: customers.ok ? customers.value : { error: customers.error.message },
      sales: sales.ok ? sales.value : { error: sales.error.message },
    });
  },
} satisfies Script;

/** How many customers there are of each last name. The CRM names the next page by a cursor, and every 6th page is tried again. */
async function byLastName(env: Env, signal: AbortSignal): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const contacts = paginate<Contact>(env.self, "/shop/crm/contacts", { items: "contacts", cursor: { path: "next" }, query: { limit: 25 }, signal });
  for await (const { name } of contacts) {
    const last = name.split(" ").at(-1)!;
    counts[last] = (counts[last] ?? 0) + 1;
  }
  return counts;
}
