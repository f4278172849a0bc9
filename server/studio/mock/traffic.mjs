// Plausible life: orders with retries and failures, a dashboard, a sync, a webhook.
import { randomBytes } from "node:crypto";

/** Deterministic, so that two screenshots of the same code look alike. */
export function random(seed) {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 4294967296;
    return seed / 4294967296;
  };
}

export function traffic(log, list, rnd = random(7)) {
  const by = Object.fromEntries(list.map((s) => [s.name, s]));
  const ms = (most) => Math.round(rnd() * most * 10) / 10;
  const pick = (items) => items[Math.floor(rnd() * items.length)];
  const run = () => {
    const h = randomBytes(10).toString("hex");
    const t = Date.now().toString(16).padStart(12, "0");
    return `${t.slice(0, 8)}-${t.slice(8)}-7${h.slice(0, 3)}-9${h.slice(3, 6)}-${h.slice(6, 18)}`;
  };
  const say = (script, id) => {
    const s = by[script];
    s.stats.lastActivity = new Date().toISOString();
    let turn = 0;
    return (kind, level, msg, fields, line) =>
      log.emit({
        level, kind, script, revision: s.revision, run: id, turn: ++turn, msg, ...(fields ? { fields } : {}),
        ...(line ? { src: { file: s.file, line, column: 5 } } : {}),
      });
  };
  const end = (script, failed) => {
    by[script].stats.requests++;
    if (failed) by[script].stats.failures++;
  };

  function order() {
    const id = run();
    const out = say("orders/fulfil", id);
    const orderId = `o_${Math.floor(rnd() * 9000 + 1000)}`;
    out("run", "info", "run started", { handler: "run" });
    out("console", "info", `order ${orderId} received`, { orderId, items: Math.ceil(rnd() * 5), total: Math.round(rnd() * 20000) / 100 }, 9);
    out("http", "info", "POST http://127.0.0.1:8080/shop/inventory/holds → 201", { method: "POST", url: "http://127.0.0.1:8080/shop/inventory/holds", status: 201, durMs: ms(40) }, 15);
    out("step", "debug", "step reserve done", { step: "reserve", durMs: ms(60) }, 14);
    const bad = rnd();
    if (bad < 0.35) {
      out("retry", "warn", "POST http://127.0.0.1:8080/shop/payments/charges → 429; again in 1.2 s (attempt 2 of 4, the server asked for it)", { method: "POST", url: "http://127.0.0.1:8080/shop/payments/charges", status: 429, attempt: 1, wait: 1200, durMs: ms(30) }, 22);
    }
    if (bad < 0.14) return decline(out, orderId);
    out("http", "info", "POST http://127.0.0.1:8080/shop/payments/charges → 200", { method: "POST", url: "http://127.0.0.1:8080/shop/payments/charges", status: 200, durMs: ms(180) }, 22);
    out("kv", "debug", "set [orders, " + orderId + "]", { durMs: ms(3) }, 31);
    out("console", "info", "shipped", { orderId, tracking: `ZX${Math.floor(rnd() * 1e9)}`, carrier: pick(["dhl", "ups", "post"]) }, 34);
    out("run", "info", "run succeeded", { status: "succeeded", durMs: ms(900) });
    end("orders/fulfil", false);
  }

  function decline(out, orderId) {
    const stack = "HTTPError: POST http://127.0.0.1:8080/shop/payments/charges answered 402 Payment Required\n    at charge (scripts/orders/fulfil.ts:22:24)\n    at run (scripts/orders/fulfil.ts:21:16)\n    at step (reprise:run:1:1)";
    const error = {
      name: "HTTPError", code: "HTTP_ERROR", message: "POST http://127.0.0.1:8080/shop/payments/charges answered 402 Payment Required", stack,
      cause: { name: "DeclinedError", code: "CARD_DECLINED", message: "the card has too little on it" },
    };
    out("http", "error", "POST http://127.0.0.1:8080/shop/payments/charges → 402", { method: "POST", url: "http://127.0.0.1:8080/shop/payments/charges", status: 402, durMs: ms(180) }, 22);
    out("console", "warn", "charge declined, giving the stock back", { orderId, tries: 2 }, 27);
    out("step", "info", "undo reserve", { step: "reserve", durMs: ms(25) }, 14);
    out("run", "error", `run failed: ${error.message}`, { status: "failed", durMs: ms(900), error });
    end("orders/fulfil", true);
  }

  function dashboard() {
    const out = say("dashboard/overview", run());
    for (const api of ["inventory", "payments", "crm"]) out("http", "info", `GET http://127.0.0.1:8080/shop/${api}/stats → 200`, { method: "GET", url: `http://127.0.0.1:8080/shop/${api}/stats`, status: 200, durMs: ms(90) }, 12);
    if (rnd() < 0.3) out("console", "warn", "shipping took too long; the page goes without it", { upstream: "shipping", timeoutMs: 250 }, 19);
    out("request", "info", "GET /dashboard → 200", { method: "GET", url: "/dashboard", status: 200, durMs: ms(140) });
    end("dashboard/overview", false);
  }

  function sync() {
    const out = say("sync/contacts", run());
    out("run", "info", "run started", { handler: "scheduled" });
    for (let page = 1; page < 4; page++) out("console", "info", `page ${page} of 3`, { contacts: 100, cursor: `c_${page}00` }, 18);
    out("console", "info", "contacts in step\n  created  12\n  updated  44\n  deleted   1", { created: 12, updated: 44, deleted: 1 }, 26);
    out("run", "info", "run succeeded", { status: "succeeded", durMs: ms(2600) });
    end("sync/contacts", false);
  }

  function hook() {
    const out = say("hooks/payment", run());
    out("console", "debug", "signature checked", { scheme: "standard-webhooks" }, 8);
    out("request", "info", "POST /hooks/payment → 204", { method: "POST", url: "/hooks/payment", status: 204, durMs: ms(8) });
    end("hooks/payment", false);
  }

  function poll() {
    const out = say("shop/shipping", run());
    for (let i = 0; i < 2 + rnd() * 12; i++) out("console", "debug", "waiting for the carrier", undefined, 40);
  }

  const reload = (name = "dashboard/overview") =>
    log.emit({ kind: "reload", script: name, revision: by[name].revision, msg: `${name} reloaded`, fields: { durMs: 18.4, bytes: by[name].bytes }, src: { file: by[name].file, line: 1 } });

  const brokenReload = () => {
    const s = by["orders/fulfil"];
    log.emit({ kind: "reload", level: "error", script: s.name, msg: `${s.name} did not load: ${s.error.message}; revision ${s.revision} still serves`, fields: { frame: s.error.frame }, src: s.error.src });
  };

  /** A native loop: the worker ends, the script is kept apart for a while, and its neighbour is played again. */
  const workerEnded = () => {
    const s = by["sync/contacts"];
    const [id, until] = [run(), new Date(Date.now() + 30_000).toISOString()];
    const fields = { worker: "1", pid: 4711, limit: "turnCpu" };
    const why = `a turn of ${s.name} used more than 1s of CPU time and could not be stopped`;
    s.apart = { until };
    say(s.name, id)("server", "error", `worker 1 has ended: ${why}; another one takes its place. For the next 30s, what begins of ${s.name} executes in the quarantine, one turn at a time`, { ...fields, apart: until });
    say("orders/refund", run())("server", "warn", "worker 2 has ended: it was ended by signal 9 (killed); another one takes its place. orders/refund was executing there and may be why; the run is played again, alone in a process", { worker: "2", pid: 4712, limit: "process" });
    const message = `${why}, so its worker process was ended; look for a built-in function that never comes to its end, or has too much to do`;
    const error = { name: "ResourceError", code: "RESOURCE_ERROR", message, stack: `ResourceError: ${message}\n    at scheduled, last seen (${s.file}:18:13)`, data: { limit: "turnCpu", used: 1510, allowed: 1000, killed: true } };
    say(s.name, id)("run", "error", `failed: ResourceError: ${message}`, { status: "failed", durMs: 1710, error }, 18);
    end(s.name, true);
  };

  const acts = [order, order, order, dashboard, dashboard, hook, sync, poll];
  return { one: () => pick(acts)(), order, decline: () => decline(say("orders/fulfil", run()), "o_1"), reload, brokenReload, sync, workerEnded };
}
