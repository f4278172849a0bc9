// The shop's payment provider, as an API. It honours Idempotency-Key, and it is strict about its rate limit:
// every 4th charge is a 429 that says when to come back.
import { kv } from "reprise:kv";
import type { Script } from "reprise:script";
import { everyNth, id, pathOf, problem } from "../_lib/api";
import type { Charge } from "../_lib/types";

const limit = 1_000_00; // cards are good for a thousand

export default {
  async fetch(request, _env, ctx) {
    const [resource, charge, action] = pathOf(request, ctx);
    if (resource !== "charges") return problem(404, "there is /charges");
    if (request.method === "GET" && !charge) return Response.json(await summary());
    if (request.method === "POST" && !charge) {
      if (await everyNth(4, "charges")) return problem(429, "slow down", { "retry-after": "1" });
      return makeCharge(request);
    }
    if (request.method === "POST" && charge && action === "refunds") return refund(charge);
    return problem(405, `${request.method} is not possible here`);
  },
} satisfies Script;

/** POST /charges {order, amount}. With the same Idempotency-Key nobody pays twice. */
async function makeCharge(request: Request): Promise<Response> {
  const { order, amount } = (await request.json()) as { order: string; amount: number };
  if (!(amount > 0)) return problem(422, "the amount must be more than nothing");
  if (amount > limit) return problem(402, "the card was declined");

  const charge: Charge = { id: id("ch"), order, amount, status: "captured" };
  const remembered = ["idempotency", request.headers.get("idempotency-key") ?? charge.id];
  const { ok } = await kv.atomic()
    .check({ key: remembered, versionstamp: null })
    .set(remembered, charge, { expireIn: "1 day" })
    .set(["charges", charge.id], charge)
    .sum(["totals", "count"], 1)
    .sum(["totals", "amount"], amount)
    .commit();
  const made = ok ? charge : (await kv.get<Charge>(remembered)).value;
  return Response.json(made, { status: 201 });
}

/** POST /charges/:id/refunds. Refunding twice is the same as once. */
async function refund(chargeId: string): Promise<Response> {
  for (let attempt = 1; attempt <= 10; attempt++) {
    const charge = await kv.get<Charge>(["charges", chargeId]);
    if (!charge.value) return problem(404, `there is no charge ${chargeId}`);
    if (charge.value.status === "refunded") return Response.json(charge.value);

    const refunded: Charge = { ...charge.value, status: "refunded" };
    const { ok } = await kv.atomic()
      .check(charge)
      .set(["charges", chargeId], refunded)
      .sum(["totals", "amount"], -charge.value.amount)
      .commit();
    if (ok) return Response.json(refunded, { status: 201 });
  }
  return problem(503, "the ledger is busy", { "retry-after": "1" });
}

async function summary() {
  const [count, amount] = await kv.getMany<number>([["totals", "count"], ["totals", "amount"]]);
  return { count: count?.value ?? 0, amount: amount?.value ?? 0 };
}
