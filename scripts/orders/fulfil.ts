// Fulfils an order over three APIs: reserve the items, charge the card, print a label. Each of them can fail after the
// one before has succeeded, so every step says how it is undone. When the handler throws, the steps that succeeded
// are undone, newest first, and then the run fails with the error.
//
//   curl localhost:8080/orders -d '{"id":"o1","items":[{"sku":"mug","quantity":2}],"total":2400,"address":{"name":"Ada","country":"GB"}}'
//   reprise run scripts/orders/fulfil.ts --input '…'       (the same order, as a run)
//
// Send it to "country": "Atlantis", which the carrier refuses, and watch the charge and the hold being taken back.
import { kv } from "reprise:kv";
import { current, step } from "reprise:run";
import type { Config, Env, Script } from "reprise:script";
import { problem } from "../_lib/api";
import type { Charge, Hold, Label, Order, OrderRecord } from "../_lib/types";

export const config = {
  description: "Reserve, charge and ship an order; take everything back if one of them fails.",
  http: { path: "/orders", method: "POST" },
  timeout: "2 minutes",
} satisfies Config;

// hooks/payment works on the same orders: a namespace that scripts share by its name.
const orders = kv.open("orders");

export default {
  async fetch(request, env) {
    const order = await request.json();
    const wrong = check(order);
    if (wrong) return problem(422, wrong);
    return Response.json(await fulfil(order, env), { status: 201 });
  },

  async run(input, env) {
    const wrong = check(input);
    if (wrong) throw new TypeError(wrong);
    return await fulfil(input, env);
  },
} satisfies Script<Order>;

async function fulfil(order: Order, env: Env): Promise<OrderRecord> {
  // Claim the order: of two that come with the same id, one gets it, and the other gets what became of it.
  const claim = await step("claim", () =>
    orders.atomic().check({ key: [order.id], versionstamp: null }).set([order.id], { id: order.id, status: "fulfilling" }).commit(), {
    undo: ({ ok }) => ok && orders.delete([order.id]),
  });
  if (!claim.ok) return (await orders.get<OrderRecord>([order.id])).value!;

  // A 503 is tried again by the call itself. That is safe for a POST only because it is keyed: with the same
  // Idempotency-Key the warehouse makes one hold, however often it is asked. `current` is this run.
  const hold = await step("reserve", () =>
    env.self.post("/shop/inventory/holds", { json: { items: order.items }, idempotencyKey: `hold:${current.id}` }).json<Hold>(), {
    undo: (hold) => env.self.delete(`/shop/inventory/holds/${hold.id}`),
  });

  // A 429 says in Retry-After when to come back. `retry` is about the step as a whole: whatever is in it, again.
  const charge = await step("charge", () =>
    env.self.post("/shop/payments/charges", { json: { order: order.id, amount: order.total }, idempotencyKey: `charge:${current.id}` }).json<Charge>(), {
    retry: { attempts: 4, delay: "500ms" },
    undo: (charge) => env.self.post(`/shop/payments/charges/${charge.id}/refunds`, { idempotent: true }),
  });

  // The carrier is slow. An attempt that takes too long is stopped and made again.
  const label = await step("ship", () =>
    env.self.post("/shop/shipping/labels", { json: { order: order.id, address: order.address } }).json<Label>(), {
    timeout: "5s",
    retry: { attempts: 2 },
    undo: (label) => env.self.delete(`/shop/shipping/labels/${label.id}`),
  });

  const record: OrderRecord = { id: order.id, status: "fulfilled", hold: hold.id, charge: charge.id, label: label.id };
  await orders.set([order.id], record);
  console.log("fulfilled", { order: order.id, tracking: label.tracking });
  return record;
}

/** What came from outside is not an order yet: what is wrong with it, or nothing. */
function check(input: any): string | undefined {
  if (typeof input?.id !== "string" || input.id === "") return "an order needs an id";
  if (!Array.isArray(input.items) || input.items.length === 0) return "an order needs items: a list of { sku, quantity }";
  if (!Number.isInteger(input.total) || input.total <= 0) return "an order needs a total, in cents";
  if (typeof input.address?.country !== "string") return "an order needs an address with a country";
}
