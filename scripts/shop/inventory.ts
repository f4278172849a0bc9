// The shop's stock, as an API: items are held for an order until they are shipped or released.
// It is one of four upstream APIs that the examples orchestrate; it fails like a real one: every 5th hold is a 503.
import { kv } from "reprise:kv";
import type { Script } from "reprise:script";
import { everyNth, id, pathOf, problem } from "../_lib/api";
import type { Hold, Line } from "../_lib/types";

interface Item {
  sku: string;
  name: string;
  stock: number;
}

const catalogue: Item[] = [
  { sku: "mug", name: "Enamel mug", stock: 500 },
  { sku: "lamp", name: "Desk lamp", stock: 120 },
  { sku: "chair", name: "Folding chair", stock: 40 },
  { sku: "globe", name: "Antique globe", stock: 1 },
];

export default {
  async fetch(request, _env, ctx) {
    const [resource, key] = pathOf(request, ctx);
    switch (`${request.method} ${resource ?? ""}`) {
      case "GET items":
        return key ? getItem(key) : Response.json({ items: await allItems() });
      case "POST holds":
        if (await everyNth(5, "holds")) return problem(503, "the warehouse is restarting its terminal");
        return makeHold(request);
      case "DELETE holds":
        return releaseHold(key ?? "");
    }
    return problem(404, "there are /items, /items/:sku and /holds");
  },
} satisfies Script;

async function allItems(): Promise<Item[]> {
  const stored = await kv.getMany<Item>(catalogue.map((item) => ["items", item.sku]));
  return stored.map((entry, i) => entry.value ?? catalogue[i]!);
}

async function getItem(sku: string): Promise<Response> {
  const item = (await allItems()).find((item) => item.sku === sku);
  return item ? Response.json(item) : problem(404, `there is no item ${sku}`);
}

/** POST /holds {items}. The same Idempotency-Key gets the same hold, however often it is sent. */
async function makeHold(request: Request): Promise<Response> {
  const { items } = (await request.json()) as { items: Line[] };
  const hold: Hold = { id: id("h"), items };
  const remembered = ["idempotency", request.headers.get("idempotency-key") ?? hold.id];

  // Read, decide, write only if nothing has changed meanwhile; if it has, start over.
  for (let attempt = 1; attempt <= 10; attempt++) {
    const before = await kv.get<Hold>(remembered);
    if (before.value) return Response.json(before.value, { status: 201 });

    const commit = kv.atomic().check(before).set(remembered, hold, { expireIn: "1 day" }).set(["holds", hold.id], hold);
    for (const { sku, quantity } of items) {
      const entry = await kv.get<Item>(["items", sku]);
      const item = entry.value ?? catalogue.find((item) => item.sku === sku);
      if (!item) return problem(404, `there is no item ${sku}`);
      if (item.stock < quantity) return problem(409, `only ${item.stock} of ${sku} left`);
      commit.check(entry).set(["items", sku], { ...item, stock: item.stock - quantity });
    }
    if ((await commit.commit()).ok) return Response.json(hold, { status: 201 });
  }
  return problem(503, "too many customers want the same thing", { "retry-after": "1" });
}

/** DELETE /holds/:id puts the items back. Deleting twice is the same as once. */
async function releaseHold(holdId: string): Promise<Response> {
  for (let attempt = 1; attempt <= 10; attempt++) {
    const hold = await kv.get<Hold>(["holds", holdId]);
    if (!hold.value) return new Response(null, { status: 204 });

    const commit = kv.atomic().check(hold).delete(["holds", holdId]);
    for (const { sku, quantity } of hold.value.items) {
      const entry = await kv.get<Item>(["items", sku]);
      if (entry.value) commit.check(entry).set(["items", sku], { ...entry.value, stock: entry.value.stock + quantity });
    }
    if ((await commit.commit()).ok) return new Response(null, { status: 204 });
  }
  return problem(503, "too many customers want the same thing", { "retry-after": "1" });
}
