// Pages through an async generator, with calls in finally.
import { sleep } from "reprise:run";

async function* pages(env: any) {
  let cursor: string | null = null;
  try {
    do {
      const page: any = await env.up.get("/shop/crm/contacts", { query: { cursor } }).json();
      yield* page.contacts;
      cursor = page.next;
      await sleep(2500);
    } while (cursor);
  } finally {
    await env.up.put("/closed", { json: cursor });
  }
}

export default async function (_input: unknown, env: any) {
  const all: string[] = [];
  for await (const contact of pages(env)) all.push(contact.id);
  const some: string[] = [];
  for await (const contact of pages(env)) {
    some.push(contact.id);
    if (some.length === 4) break;
  }
  return { all, some };
}
