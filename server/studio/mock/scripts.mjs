// The scripts that the mock pretends to serve: the demo shop, with one stale and one broken.
import { createHash } from "node:crypto";

const FRAME = `  14 |   const hold = await step("reserve", async () => {
  15 |     const answer = await env.warehouse.post("/holds", { json: items });
> 16 |     return answer.json()
     |            ^ Expected ";" but found "}"
  17 |   }});
  18 |   return hold;`;

const revision = (name) => createHash("sha256").update(name).digest("hex").slice(0, 12);

function script(name, handlers, routes, more = {}) {
  return {
    name, file: `scripts/${name}.ts`, state: "live", revision: revision(name), loadedAt: new Date(Date.now() - 90_000).toISOString(), handlers,
    config: {}, routes: routes.map(([methods, path, handler = "fetch"]) => ({ methods, path, handler })), bytes: 2048 + name.length * 300,
    stats: { requests: 0, failures: 0, running: 0 }, ...more,
  };
}

export function scripts() {
  return [
    script("dashboard/overview", ["fetch"], [[["GET"], "/dashboard"]]),
    script("hello", ["fetch"], [[["GET"], "/hello"]]),
    script("hooks/payment", ["fetch"], [[["POST"], "/hooks/payment"]]),
    script("orders/fulfil", ["run"], [[["POST"], "/orders", "run"]], {
      state: "stale",
      error: { name: "CompileError", code: "COMPILE_ERROR", message: 'Expected ";" but found "}"', src: { file: "scripts/orders/fulfil.ts", line: 16, column: 12 }, frame: FRAME },
    }),
    script("orders/refund", ["run"], [[["POST"], "/orders/:id/refund", "run"]]),
    {
      ...script("reports/weekly", [], []), state: "broken", revision: undefined,
      error: {
        name: "ConfigError", code: "CONFIG_ERROR", message: 'config.schedule: "every monday" is not a cron expression', src: { file: "scripts/reports/weekly.ts", line: 4, column: 13 },
        frame: '  2 |\n  3 | export const config = {\n> 4 |   schedule: "every monday",\n    |             ^\n  5 | } as const;',
      },
    },
    script("shop/crm", ["fetch"], [[["GET", "POST"], "/shop/crm"]]),
    script("shop/inventory", ["fetch"], [[["GET", "POST"], "/shop/inventory"]]),
    script("shop/payments", ["fetch"], [[["POST"], "/shop/payments"]]),
    script("shop/shipping", ["fetch"], [[["POST"], "/shop/shipping"]]),
    script("sync/contacts", ["run", "scheduled"], [], { config: { schedule: "*/5 * * * *" } }),
  ];
}
