// The mock's log and its tails: hello, subscribe, batches, gaps, pings.
import { randomBytes } from "node:crypto";
import { compile, FilterError } from "./filter.mjs";

const QUEUE = 20_000;

export class Log {
  entries = [];
  seq = 0;
  boot = randomBytes(6).toString("hex");
  tails = new Set();

  emit(entry) {
    const e = { seq: ++this.seq, ts: new Date().toISOString(), level: "info", kind: "console", ...entry };
    this.entries.push(e);
    if (this.entries.length > 200_000) this.entries.splice(0, 50_000);
    for (const t of this.tails) t.offer(e);
    return e;
  }

  query(q) {
    const keep = compile(q.filter ?? "");
    const from = Number(q.from ?? 0);
    const to = Number(q.to ?? Infinity);
    const limit = Number(q.limit ?? 100);
    const found = this.entries.filter((e) => e.seq >= from && e.seq <= to && keep(e));
    if (q.order === "desc") found.reverse();
    const entries = found.slice(0, limit);
    const more = found[limit];
    return { entries, ...(more ? { next: more.seq } : {}) };
  }

  /** Forgets its boot id and, if asked, everything else: a restart. */
  restart(lose) {
    this.boot = randomBytes(6).toString("hex");
    if (lose) {
      this.entries = [];
      this.seq = 0;
    }
    this.cut();
  }

  cut() {
    for (const t of this.tails) t.ws.cut();
  }
}

export class Tail {
  #queue = [];
  #timer;
  #keep = () => false;
  #id = "";
  #paused = false;
  #gap;

  constructor(log, ws, token, authorised) {
    Object.assign(this, { log, ws, token });
    ws.onclose = () => this.#end();
    ws.onmessage = (text) => this.#receive(JSON.parse(text));
    this.late = setTimeout(() => ws.close(4401, "no token"), 5000);
    if (authorised) this.#hello();
  }

  #end() {
    clearTimeout(this.late);
    clearTimeout(this.#timer);
    clearInterval(this.ping);
    this.log.tails.delete(this);
  }

  #receive(frame) {
    if (frame.type === "auth") return frame.token === this.token ? this.#hello() : this.ws.close(4401, "wrong token");
    if (!this.log.tails.has(this)) return this.ws.close(4401, "no token");
    if (frame.type === "subscribe") return this.#subscribe(frame);
    this.#paused = frame.type === "pause";
    if (!this.#paused) this.#flush();
  }

  #hello() {
    clearTimeout(this.late);
    this.log.tails.add(this);
    this.say({ type: "hello", protocol: 1, boot: this.log.boot, version: "mock", seq: this.log.seq, oldest: this.log.entries[0]?.seq ?? 0 });
    this.ping = setInterval(() => this.say({ type: "ping", ts: new Date().toISOString(), seq: this.log.seq }), 15_000);
  }

  #subscribe(frame) {
    try {
      this.#keep = compile(frame.filter);
    } catch (e) {
      if (!(e instanceof FilterError)) throw e;
      return this.say({ type: "error", code: "INVALID_FILTER", message: e.message, column: e.column, filterId: frame.filterId });
    }
    this.#id = frame.filterId;
    this.#gap = undefined;
    const past = this.log.entries.filter(this.#keep);
    this.#queue = frame.since ? past.filter((e) => e.seq > frame.since.seq) : past.slice(-frame.tail);
    this.#flush();
  }

  offer(entry) {
    if (!this.#keep(entry)) return;
    this.#queue.push(entry);
    if (this.#queue.length > QUEUE) {
      const [dropped] = this.#queue.splice(0, 1);
      this.#gap = { from: this.#gap?.from ?? dropped.seq, to: dropped.seq };
    }
    this.#timer ??= setTimeout(() => this.#flush(), 30);
  }

  /** Loses the next n entries, as a slow reader would. */
  lose(n, emit) {
    const keep = this.#keep;
    this.#keep = () => false;
    const from = this.log.seq + 1;
    for (let i = 0; i < n; i++) emit();
    this.#keep = keep;
    this.#flush();
    this.say({ type: "gap", filterId: this.#id, from, to: this.log.seq, reason: "slow reader" });
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#paused) return;
    if (this.#gap) this.say({ type: "gap", filterId: this.#id, ...this.#gap, reason: "paused" });
    this.#gap = undefined;
    while (this.#queue.length > 0) this.say({ type: "batch", filterId: this.#id, entries: this.#queue.splice(0, 500) });
  }

  say(frame) {
    this.ws.send(JSON.stringify(frame));
  }
}
