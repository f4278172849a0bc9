// Copies the customers of the CRM, page by page. After every page it notes where it is, together with what it wrote:
// a run that stops half way is simply started again and goes on from there.
//
//   reprise run scripts/sync/contacts.ts --data .demo      (without --data nothing is kept, the checkpoint neither)
import { kv } from "reprise:kv";
import { step } from "reprise:run";
import type { Config, Script } from "reprise:script";
import type { Contact } from "../_lib/types";

export const config = {
  description: "Copy the CRM's contacts, resumable page by page.",
} satisfies Config;

interface Checkpoint {
  cursor: string | null;
  copied: number;
}

const here = ["checkpoint"];

export default {
  async run(_input, env) {
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
  },
} satisfies Script;
