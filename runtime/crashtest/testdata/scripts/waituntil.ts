// Goes on behind its result.
import { kv } from "reprise:kv";
import { sleep } from "reprise:run";

export default {
  async run(_input: unknown, env: any, ctx: any) {
    ctx.waitUntil(sleep("10s").then(() => env.up.put("/after", { json: 1 })).then(() => kv.set(["after"], true)));
    await env.up.get("/before");
    return "early";
  },
};
