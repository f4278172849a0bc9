// Refunds a charge: a small one at once, a large one when a person agrees. The run may wait for that for days; meanwhile
// it takes no memory, and restarts of the server do not matter to it.
//
//   curl localhost:8080/returns -H 'content-type: application/json' -d '{"charge":"ch_1","amount":2400}'       answers at once: where the run can be watched
//   curl localhost:8080/returns -H 'content-type: application/json' -d '{"charge":"ch_1","amount":90000}'      prints the address of a form; open it and decide
//
// ch_1 is not a charge: make one with orders/fulfil, or watch the run fail, make the charge, and `reprise runs retry` it.
import { kv } from "reprise:kv";
import { ask, current, publish, sleep } from "reprise:run";
import type { Config, Script } from "reprise:script";

export const config = {
  description: "Refund a charge; ask a person first if it is a large one.",
  http: { path: "/returns" },
  concurrency: { key: "input.charge", limit: 1 }, // two returns of one charge wait for each other
} satisfies Config;

interface Return {
  charge: string;
  /** In cents. */
  amount: number;
}

interface Decision {
  agreed: boolean;
  comment?: string;
}

const large = 500_00;
const form = {
  type: "object",
  properties: {
    agreed: { type: "boolean", title: "Refund it" },
    comment: { type: "string", title: "Comment", maxLength: 500 },
  },
  required: ["agreed"],
};

export default {
  async run({ charge, amount }, env) {
    if (amount >= large) {
      await publish({ percent: 10, message: "waiting for a decision" });
      const { agreed, comment } = await ask<Decision>({
        title: `Refund ${(amount / 100).toFixed(2)} for ${charge}?`,
        schema: form,
        timeout: "2 days",
        notify: (url) => console.log("somebody has to decide", { url }),
      });
      if (!agreed) return { status: "refused", comment };
    }

    await publish({ percent: 50, message: "refunding" });
    const refund = await env.self.post(`/shop/payments/charges/${charge}/refunds`, { idempotencyKey: `refund:${current.id}` }).json();
    await kv.atomic().set(["returns", charge], refund).sum(["refunded"], amount).commit();

    await sleep("3 seconds"); // the bank's own time, shortened for the demo
    await publish({ percent: 100, message: "done" });
    return { status: "refunded", refund };
  },
} satisfies Script<Return>;
