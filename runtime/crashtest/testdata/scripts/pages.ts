// A list in pages, copied a few items at a time, and its cursor written down with each page.
import { map } from "reprise:flow";
import { kv } from "reprise:kv";
import { paginate } from "reprise:paginate";

export default async function (_input: unknown, env: any) {
  const list = { items: "contacts", cursor: { path: "next" } };
  for await (const page of paginate<{ id: string }>(env.up, "/shop/crm/contacts", list).pages()) {
    const commit = kv.atomic().set(["cursor"], page.cursor);
    for (const { id } of page.items) commit.sum(["copied", id], 1);
    await commit.commit();
    if (page.number === 2) break;
  }
  const { value: from } = await kv.get<string>(["cursor"]);
  return await map(paginate<{ id: string }>(env.up, "/shop/crm/contacts", { ...list, from }), { concurrency: 2 }, ({ id }) => env.up.put(`/copies/${id}`, { json: id }).json());
}
