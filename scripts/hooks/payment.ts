// Receives the payment provider's events. Providers send an event until they get an answer, so the same one may come
// twice, even at the same time; here it counts once. Callers present a token that this script never sees: the server
// compares it with the secret PAYMENT_HOOK_TOKEN before the handler is called.
//
//   REPRISE_SECRET_PAYMENT_HOOK_TOKEN=demo reprise dev        (or in .env)
//   curl localhost:8080/hooks/payment -H 'authorization: Bearer demo' -d '{"id":"e1","type":"charge.paid","order":"o1"}'
import { kv } from "reprise:kv";
import type { Config, Script } from "reprise:script";
import { problem } from "../_lib/api";
import type { OrderRecord } from "../_lib/types";

export const config = {
  description: "Payment events: each counts once and updates its order.",
  http: { method: "POST", auth: { token: "PAYMENT_HOOK_TOKEN" } },
} satisfies Config;

const statuses: Record<string, OrderRecord["status"]> = { "charge.paid": "paid", "charge.disputed": "disputed" };
const orders = kv.open("orders");

export default {
  async fetch(request) {
    const event = (await request.json()) as { id?: string; type?: string; order?: string };
    const status = statuses[event.type ?? ""];
    if (!event.id || !event.order || !status) return problem(422, "an event has an id, an order, and a type: charge.paid or charge.disputed");

    // The event and what it does to the order are one commit. If the event is there already, this is a repetition;
    // if the order has changed meanwhile, read it again.
    for (let attempt = 1; attempt <= 10; attempt++) {
      const [seen, order] = await Promise.all([orders.get(["events", event.id]), orders.get<OrderRecord>([event.order])]);
      if (seen.versionstamp) return Response.json({ received: true, repeated: true });
      if (!order.value) return problem(404, `there is no order ${event.order}`);
      if (order.value.status === "fulfilling") return problem(409, "the order is not done yet; send the event again later");

      const { ok } = await orders.atomic()
        .check(seen, order)
        .set(["events", event.id], { type: event.type, at: new Date() }, { expireIn: "30 days" })
        .set([event.order], { ...order.value, status })
        .commit();
      if (ok) {
        console.log("order updated", { order: event.order, status });
        return Response.json({ received: true, repeated: false });
      }
    }
    return problem(503, "the order changes all the time", { "retry-after": "1" });
  },
} satisfies Script;
