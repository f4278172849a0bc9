// Uses of the types in connections.d.ts that must check, and wrong ones that must not.
import { http, type Connection, type HTTPClient } from "reprise:http";
import { paginate } from "reprise:paginate";
import type { Env, Script } from "reprise:script";
import type { Contact } from "reprise:connections/crm";

export default {
  async run(input: { id: string }, env) {
    const id = input.id;
    const contact = await env.crm.get("/contacts/{id}", { path: { id } }).json();
    const name: string = contact.name;
    const boss: Contact | undefined = contact.boss;
    const list = await env.crm.get("/contacts", { query: { order: "asc", tag: ["a"], either: "x", "created[gt]": 1 }, timeout: "5s" }).json();
    const ids: string[] = list.map((each) => each.id);
    const made = await env.crm.post("/contacts", { json: { name: "a", secret: "b", boss: { name: "c", secret: "d" } } }).json();
    await env.crm.patch("/contacts/{id}", { path: { id }, form: { name: "b" } });
    const gone: undefined = await env.crm.delete("/contacts/{id}", { path: { id } }).json();
    const order = await env["old-shop"].post("/orders", { json: { payment: { kind: "card", parts: [{ kind: "cash" }] } } }).json();
    const response: Response = await env.crm.get("/shapes", { headers: { a: "b" } });
    const text: string = await env.crm.get("/shapes").text();

    // What the description does not have can be called as with every connection.
    await env.crm.get(`/contacts/${id}`, { query: { deep: 1 } }).json();
    await env.crm.get(new URL("https://crm.example.com/other"));
    const own = await env.crm.get("/contacts/{id}", { path: { id } }).json<{ more: number }>();
    const more: number = own.more;
    const plain: Connection = env.crm;
    const client: HTTPClient = env.crm;
    for await (const each of paginate<Contact>(env.crm, "/contacts", { items: "contacts", cursor: { path: "next" } })) each.name;
    const loose: any = env;
    loose.crm.get("/anything/{goes}", { path: {} });
    await plain.get("/anything/{goes}", { path: { goes: 1 } }).json();
    await http.get("https://example.com/{id}", { path: { id } }).json();
    await env.other.anything();
    return { name, boss, ids, made: made.id, gone, order: order?.payment, response, text, more, client };
  },
} satisfies Script;

export async function wrong(env: Env, contact: Contact) {
  // @ts-expect-error: the path has no such name
  env.crm.get("/contacts/{id}", { path: { ID: "1" } });
  // @ts-expect-error: the name has no value
  env.crm.get("/contacts/{id}");
  // @ts-expect-error: it is text
  env.crm.get("/contacts/{id}", { path: { id: 1 } });
  // @ts-expect-error: no such path
  env.crm.get("/contcts/{id}", { path: { id: "1" } });
  // @ts-expect-error: the path has no such verb
  env.crm.put("/contacts/{id}", { path: { id: "1" } });
  // @ts-expect-error: the query is needed
  env.crm.get("/contacts");
  // @ts-expect-error: no such parameter
  env.crm.get("/contacts", { query: { order: "asc", colour: "red" } });
  // @ts-expect-error: no such value
  env.crm.get("/contacts", { query: { order: "up" } });
  // @ts-expect-error: the body lacks something
  env.crm.post("/contacts", { json: { name: "a" } });
  // @ts-expect-error: what is only read can not be sent
  env.crm.post("/contacts", { json: { name: "a", secret: "b", id: "1" } });
  // @ts-expect-error: what is only written does not come back
  contact.secret;
  // @ts-expect-error: no such option
  env.crm.get("/shapes", { timout: 1 });
  // @ts-expect-error: there is no result
  const result: { id: string } = await env.crm.delete("/contacts/{id}", { path: { id: "1" } }).json();
  return result;
}
