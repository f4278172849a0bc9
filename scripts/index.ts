// The front page: a script named `index` answers "/". It lists the examples, with something to try for each.
import type { Script } from "reprise:script";

const examples: { name: string; about: string; tries: string[] }[] = [
  { name: "hello", about: "The smallest script: an HTTP handler and a run.", tries: ["curl 'ORIGIN/hello?name=Ada'", `reprise run scripts/hello.ts --input '{"name":"Ada"}'`] },
  {
    name: "orders/fulfil",
    about: "Reserve, charge, ship, over three APIs that fail now and then. The second order can not be shipped: everything is taken back.",
    tries: ["GB", "Atlantis"].map((country, i) =>
      `curl ORIGIN/orders -d '{"id":"o${i + 1}","items":[{"sku":"mug","quantity":2}],"total":2400,"address":{"name":"Ada","country":"${country}"}}'`),
  },
  {
    name: "orders/returns",
    about: "A durable run behind a route: a large refund waits until a person has decided, over restarts if need be. The log shows the address of the form.",
    tries: [`curl ORIGIN/returns -H 'content-type: application/json' -d '{"charge":"ch_1","amount":90000}'`],
  },
  { name: "dashboard/overview", about: "Four APIs asked at once, partial answers included.", tries: ["curl ORIGIN/dashboard/overview"] },
  { name: "dashboard/customers", about: "A list in pages beside a quick answer, and what is there in two seconds.", tries: ["curl ORIGIN/dashboard/customers"] },
  { name: "sync/contacts", about: "Copy a paged list every night, with a checkpoint to go on from.", tries: ["reprise runs start sync/contacts --wait 30s"] },
  {
    name: "hooks/payment",
    about: "A webhook that needs a token (set REPRISE_SECRET_PAYMENT_HOOK_TOKEN) and counts each event once.",
    tries: [`curl ORIGIN/hooks/payment -H 'authorization: Bearer demo' -d '{"id":"e1","type":"charge.paid","order":"o1"}'`],
  },
  {
    name: "shop/…",
    about: "The upstream APIs are scripts too: inventory, payments, shipping, crm.",
    tries: ["curl ORIGIN/shop/inventory/items", "curl ORIGIN/shop/payments/charges", "curl ORIGIN/shop/shipping/labels", "curl 'ORIGIN/shop/crm/contacts?limit=3'"],
  },
];

export default {
  fetch(request) {
    const { origin, pathname } = new URL(request.url);
    if (pathname !== "/") return Response.json({ status: 404, title: `no script answers ${pathname}` }, { status: 404 });
    return new Response(page(origin), { headers: { "content-type": "text/html; charset=utf-8" } });
  },
} satisfies Script;

function page(origin: string): string {
  const sections = examples.map(({ name, about, tries }) => `
    <section>
      <h2>${escape(name)}</h2>
      <p>${escape(about)}</p>
      <pre>${tries.map((line) => escape(line.replaceAll("ORIGIN", origin))).join("\n")}</pre>
    </section>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reprise: examples</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; }
  h1 { font-weight: 600; margin-bottom: 0; }
  h2 { font: 600 1.05rem/1.5 ui-monospace, monospace; margin: 2rem 0 0; }
  p { margin: .25rem 0 .5rem; opacity: .8; }
  pre { margin: 0; padding: .75rem 1rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 8%, transparent); overflow-x: auto; font-size: .875rem; }
</style>
<h1>It runs.</h1>
<p>These are the example scripts. Edit one and save: the next request gets the new code. The studio, at the URL in your
terminal, shows what they print and whom they call, as it happens.</p>
${sections.join("")}
</html>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
