// The shop's customer database, as an API with pages: each answer says where the next page begins.
// Every 6th page is a 500, because there is always one of those.
import type { Script } from "reprise:script";
import { everyNth, pathOf, problem } from "../_lib/api";
import type { Contact } from "../_lib/types";

const first = ["Ada", "Alan", "Barbara", "Dennis", "Edsger", "Frances", "Grace", "Ken", "Margaret", "Tim"];
const last = ["Allen", "Dijkstra", "Hamilton", "Hopper", "Kay", "Liskov", "Lovelace", "Ritchie", "Thompson", "Turing"];

// A made-up customer for every number: no two alike, and always the same ones.
const contacts: Contact[] = Array.from({ length: 95 }, (_, i) => {
  const name = `${first[i % 10]!} ${last[(i + Math.floor(i / 10)) % 10]!}`;
  return { id: `c${String(i + 1).padStart(3, "0")}`, name, email: `${name.toLowerCase().replace(" ", ".")}.${i + 1}@example.com` };
});

export default {
  async fetch(request, _env, ctx) {
    const [resource, key] = pathOf(request, ctx);
    if (request.method !== "GET" || resource !== "contacts") return problem(404, "there is GET /contacts");
    if (key) {
      const contact = contacts.find((contact) => contact.id === key);
      return contact ? Response.json(contact) : problem(404, `there is no contact ${key}`);
    }
    if (await everyNth(6, "pages")) return problem(500, "the database went for coffee");
    return Response.json(page(new URL(request.url).searchParams));
  },
} satisfies Script;

/** GET /contacts?limit=20&cursor=… */
function page(query: URLSearchParams): { contacts: Contact[]; total: number; next: string | null } {
  const limit = Math.min(Math.max(Number(query.get("limit")) || 20, 1), 50);
  const start = contacts.findIndex((contact) => contact.id > (query.get("cursor") ?? ""));
  const found = start < 0 ? [] : contacts.slice(start, start + limit);
  const end = found.at(-1)?.id ?? null;
  return { contacts: found, total: contacts.length, next: end === contacts.at(-1)?.id ? null : end };
}
