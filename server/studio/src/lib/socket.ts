/**
 * The tail's connection: one websocket that comes back by itself. It owns three
 * things and nothing else: being connected (backoff, watchdog), being subscribed
 * (which filter is in force, which one was asked for) and the cursor, so that
 * after a break it goes on exactly where it was.
 *
 * A filter is changed by subscribing anew, because the reader wants to see the
 * past through the new filter too. The server says no with an `error` frame and
 * says nothing when it agrees; so a filter is in force with its first batch, or
 * after `SETTLE` ms without a no.
 */
import type { Batch, ClientFrame, Entry, Gap, Hello, ServerFrame, TailError } from "./types";

export const BACKLOG = 1000;
const SETTLE = 400;
/** The server pings after 15 s of silence; two missed pings and some slack. */
const WATCHDOG = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** The close code of a refused token. */
export const REFUSED = 4401;

export type LinkState =
  | { is: "connecting" }
  | { is: "live" }
  | { is: "waiting"; until: number; why: string }
  | { is: "refused" }
  | { is: "closed" };

export interface Events {
  state(s: LinkState): void;
  /** A subscription starts over: what is shown belongs to another filter. */
  start(filter: string): void;
  entries(list: Entry[]): void;
  gap(from: number, to: number, reason: string): void;
  /** The server was restarted; `lost`: and its log is another one. */
  restarted(lost: boolean): void;
  /** The filter was refused; the one before stays. */
  badFilter(e: TailError): void;
  problem(e: TailError): void;
}

/** What is used of a WebSocket. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((ev: { data: unknown }) => void) | null;
  onclose: ((ev: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

interface Subscription {
  id: string;
  filter: string;
}

export interface Options {
  url: string;
  token: string;
  filter: string;
  events: Events;
  dial?: (url: string) => Wire;
  random?: () => number;
}

export class TailSocket {
  #o: Options;
  #wire: Wire | undefined;
  #live = false;
  #closed = false;
  #held = false;
  #failures = 0;
  #ids = 0;
  #boot = "";
  #seq = 0;
  #active: Subscription;
  #before = "";
  #wanted: Subscription | undefined;
  #subscribed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #settle: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#o = options;
    // "" is in force until the server takes what was asked for.
    this.#active = { id: "f0", filter: "" };
    if (options.filter !== "") this.#wanted = { id: this.#nextId(), filter: options.filter };
    this.#connect();
  }

  subscribe(filter: string): void {
    this.#wanted = { id: this.#nextId(), filter };
    if (this.#live) this.#ask(this.#wanted);
  }

  /** Holds delivery back at the server; what does not fit there becomes a gap. */
  hold(on: boolean): void {
    if (on === this.#held) return;
    this.#held = on;
    if (this.#live) this.#send({ type: on ? "pause" : "resume" });
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    if (this.#live || this.#closed || !this.#retry) return;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#clear();
    this.#drop();
    this.#o.events.state({ is: "closed" });
  }

  #connect(): void {
    this.#clear();
    this.#o.events.state({ is: "connecting" });
    const wire = (this.#o.dial ?? dial)(this.#o.url);
    this.#wire = wire;
    this.#watchdog();
    wire.onopen = () => this.#send({ type: "auth", token: this.#o.token });
    wire.onmessage = (ev) => this.#receive(String(ev.data));
    wire.onclose = (ev) => this.#lost(ev.code, ev.reason);
  }

  #receive(text: string): void {
    this.#watchdog();
    let frame: ServerFrame;
    try {
      frame = JSON.parse(text) as ServerFrame;
    } catch {
      this.#o.events.problem({ type: "error", code: "BAD_FRAME", message: "The server sent a frame that is not JSON." });
      return;
    }
    switch (frame.type) {
      case "hello":
        return this.#hello(frame);
      case "batch":
        return this.#batch(frame);
      case "gap":
        return this.#gap(frame);
      case "error":
        return this.#refused(frame);
      case "ping":
        return;
    }
  }

  #hello(hello: Hello): void {
    this.#live = true;
    this.#failures = 0;
    this.#o.events.state({ is: "live" });
    const before = this.#boot;
    this.#boot = hello.boot;
    // The log outlives restarts; a smaller newest number means it is another log.
    const lost = before !== "" && hello.seq < this.#seq;
    if (before !== "" && before !== hello.boot) this.#o.events.restarted(lost);
    if (lost) this.#seq = 0;
    this.#subscribed = false;
    if (this.#wanted) this.#ask(this.#wanted);
    else this.#goOn(before);
    if (this.#held) this.#send({ type: "pause" });
  }

  /** Subscribes to the filter in force: after what was seen, or afresh when nothing was. */
  #goOn(boot: string): void {
    if (this.#seq === 0) return this.#ask(this.#active);
    this.#subscribed = true;
    const { id, filter } = this.#active;
    this.#send({ type: "subscribe", filterId: id, filter, since: { boot, seq: this.#seq } });
  }

  #ask(s: Subscription): void {
    this.#send({ type: "subscribe", filterId: s.id, filter: s.filter, tail: BACKLOG });
    clearTimeout(this.#settle);
    if (s === this.#wanted) this.#settle = setTimeout(() => this.#current(s.id), SETTLE);
    else this.#subscribed = true;
  }

  #gap(frame: Gap): void {
    if (!this.#current(frame.filterId)) return;
    this.#seq = Math.max(this.#seq, frame.to);
    this.#o.events.gap(frame.from, frame.to, frame.reason);
  }

  #batch(frame: Batch): void {
    if (!this.#current(frame.filterId)) return;
    const last = frame.entries.at(-1);
    if (last && last.seq > this.#seq) this.#seq = last.seq;
    this.#o.events.entries(frame.entries);
  }

  /** Whether a frame's filter is the one in force; the first frame of the wanted one puts it in force. */
  #current(id: string): boolean {
    if (this.#wanted?.id === id) {
      clearTimeout(this.#settle);
      this.#before = this.#active.filter;
      this.#active = this.#wanted;
      this.#wanted = undefined;
      this.#subscribed = true;
      this.#o.events.start(this.#active.filter);
    }
    return id === this.#active.id;
  }

  #refused(e: TailError): void {
    if (e.code !== "INVALID_FILTER") return this.#o.events.problem(e);
    if (this.#wanted && e.filterId === this.#wanted.id) {
      clearTimeout(this.#settle);
      this.#wanted = undefined;
      this.#o.events.badFilter(e);
      // On a fresh connection nothing is subscribed yet: the filter in force has to be asked for.
      if (!this.#subscribed) this.#goOn(this.#boot);
    } else if (e.filterId === this.#active.id) {
      // The no came after SETTLE: the page shows the new filter already, so the old one starts over.
      this.#active = { id: this.#nextId(), filter: this.#before };
      this.#o.events.badFilter(e);
      this.#o.events.start(this.#active.filter);
      this.#ask(this.#active);
    }
  }

  #lost(code: number, reason: string): void {
    this.#drop();
    if (this.#closed) return;
    this.#clear();
    if (code === REFUSED) {
      this.#closed = true;
      this.#o.events.state({ is: "refused" });
      return;
    }
    const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++);
    const wait = ceiling * (0.5 + 0.5 * (this.#o.random ?? Math.random)());
    this.#o.events.state({ is: "waiting", until: Date.now() + wait, why: reason || "the connection broke" });
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #watchdog(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lost(4000, "the server fell silent"), WATCHDOG);
  }

  #drop(): void {
    this.#live = false;
    const wire = this.#wire;
    this.#wire = undefined;
    if (!wire) return;
    wire.onopen = wire.onmessage = wire.onclose = null;
    wire.close();
  }

  #clear(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    clearTimeout(this.#settle);
    this.#retry = undefined;
  }

  #send(frame: ClientFrame): void {
    this.#wire?.send(JSON.stringify(frame));
  }

  #nextId(): string {
    return `f${++this.#ids}`;
  }
}

function dial(url: string): Wire {
  return new WebSocket(url) as unknown as Wire;
}
