// The shop's carrier, as an API. It is correct, and slow: every label takes a while, and every 3rd takes its time.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";
import type { Script } from "reprise:script";
import { everyNth, id, pathOf, problem } from "../_lib/api";
import type { Label, Order } from "../_lib/types";

const countries = ["AT", "CH", "DE", "FR", "GB", "US"];

export default {
  async fetch(request, _env, ctx) {
    const [resource, key] = pathOf(request, ctx);
    if (resource !== "labels") return problem(404, "there is /labels");
    switch (request.method) {
      case "GET":
        await sleep(150);
        return Response.json({ labels: await recent() });
      case "POST":
        await sleep((await everyNth(3, "labels")) ? 1500 : 200);
        return makeLabel(request);
      case "DELETE":
        await kv.delete(["labels", key ?? ""]);
        return new Response(null, { status: 204 });
    }
    return problem(405, `${request.method} is not possible here`);
  },
} satisfies Script;

/** POST /labels {order, address}. The same order gets the same label. */
async function makeLabel(request: Request): Promise<Response> {
  const { order, address } = (await request.json()) as { order: string; address: Order["address"] };
  if (!countries.includes(address.country)) return problem(422, `we do not ship to ${address.country}`);

  const label: Label = { id: id("l"), order, carrier: "Post Horn", tracking: crypto.randomUUID() };
  const { ok } = await kv.atomic()
    .check({ key: ["orders", order], versionstamp: null })
    .set(["orders", order], label, { expireIn: "1 day" })
    .set(["labels", label.id], label)
    .commit();
  const made = ok ? label : (await kv.get<Label>(["orders", order])).value;
  return Response.json(made, { status: 201 });
}

async function recent(): Promise<Label[]> {
  const labels: Label[] = [];
  for await (const { value } of kv.list<Label>({ prefix: ["labels"] }, { limit: 10 })) labels.push(value);
  return labels;
}
