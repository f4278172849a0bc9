// Copies the customers of the CRM, page by page, every night. After every page it notes where it is, together with what
// it wrote: a run that fails half way is simply started again and goes on from there. (One that is interrupted by a
// restart goes on by itself.)
//
//   reprise runs start sync/contacts --wait 30s            now, on the running server
//   reprise run scripts/sync/contacts.ts --data .demo      in a process of its own
import { kv } from "reprise:kv";
import { step } from "reprise:run";
import type { Config, Env, Script } from "reprise:script";
import type { Contact } from "../_lib/types";

export const config = {
  description: "Copy the CRM's contacts every night, resumable page by page.",
  schedule: { cron: "30 3 * * *", timezone: "Europe/Oslo", catchUp: "latest" },
} satisfies Config;

interface Checkpoint {
  cursor: string | null;
  copied: number;
}

const here = ["checkpoint"];

export default {
  scheduled: (_event, env) => copy(env),
  run: (_input, env) => copy(env),
} satisfies Script;

async function copy(env: Env): Promise<{ copied: number }> {
  let checkpoint = await kv.get<Checkpoint>(here);
  let { cursor, copied } = checkpoint.value ?? { cursor: null, copied: 0 };
  if (cursor) console.log("going on", { after: cursor, copied });

  do {
    const page = await step(`page after ${cursor ?? "the start"}`, () =>
      env.self.get("/shop/crm/contacts", { query: { cursor, limit: 20 } }).json<{ contacts: Contact[]; next: string | null }>());

    // The contacts and the checkpoint are one commit: never one without the other. The check is for the case that
    // two runs copy at the same time: the second one to commit stops.
    copied += page.contacts.length;
    const commit = kv.atomic().check(checkpoint).set(here, { cursor: page.next, copied });
    for (const contact of page.contacts) commit.set(["contacts", contact.id], contact);
    if (!(await commit.commit()).ok) throw new Error("another run is copying the contacts; leave it to that one");

    checkpoint = await kv.get<Checkpoint>(here);
    cursor = page.next;
    console.log("copied a page", { copied, next: cursor });
  } while (cursor);

  await kv.delete(here); // the next run begins at the start
  return { copied };
}
