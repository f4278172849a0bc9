/**
 * The tail as the page shows it. Frames land in an inbox; once per animation
 * frame the inbox becomes rows and the page is told, so that 10,000 lines a
 * second cost one drawing per frame. The ring itself is not reactive: `version`
 * is, and views read the ring anew when it changes.
 */
import type { Api } from "./api";
import { isFieldBag, RecentSet } from "./recent";
import { Ring } from "./ring";
import { append, appendGap, markRow, mergeGap, oldestSeq, toRows, type GapRow, type Row } from "./rows";
import { TailSocket, type LinkState } from "./socket";
import type { Entry, TailError } from "./types";

const CAPACITY = 100_000;
/** So much is held in the page while paused; beyond it the server holds, and drops what it must. */
const HELD_MOST = 10_000;
const PAGE = 500;

type Item =
  | { is: "entry"; entry: Entry }
  | { is: "gap"; from: number; to: number; reason: string }
  | { is: "mark"; text: string; lost: boolean }
  | { is: "start" };

export class Tail {
  readonly ring = new Ring<Row>(CAPACITY);
  /** Rises with every change of the ring. */
  version = $state(0);
  /** Rises when the list starts over. */
  epoch = $state(0);
  link = $state.raw<LinkState>({ is: "connecting" });
  /** The filter in force, and the one on its way there. */
  filter = $state("");
  pending = $state(false);
  filterError = $state.raw<TailError | undefined>();
  problem = $state("");
  paused = $state(false);
  /** The view was emptied by hand: there is more than is shown. */
  cleared = $state(false);
  held = $state(0);
  holding = $state(false);
  older = $state<"idle" | "loading" | "none">("idle");

  /** Rows ever appended, and rows that came (+) or went (−) above the others. */
  appended = 0;
  shifted = 0;

  readonly runs = new RecentSet(20);
  readonly fields = new RecentSet(60);

  #api: Api;
  #socket: TailSocket;
  #inbox: Item[] = [];
  #scheduled = false;
  #lastSeq = 0;
  #onReload: () => void;

  constructor(api: Api, filter: string, on: { refused: () => void; reload: () => void }) {
    this.#api = api;
    this.#onReload = on.reload;
    this.pending = filter !== "";
    const url = new URL(`${api.base}/tail`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    this.#socket = new TailSocket({
      url: url.href,
      token: api.token,
      filter,
      events: {
        state: (s) => {
          this.link = s;
          if (s.is === "live") this.problem = "";
          if (s.is === "refused") on.refused();
        },
        start: (f) => {
          this.filter = f;
          this.pending = false;
          this.filterError = undefined;
          this.#push({ is: "start" });
        },
        entries: (list) => this.#push(...list.map((entry): Item => ({ is: "entry", entry }))),
        gap: (from, to, reason) => this.#push({ is: "gap", from, to, reason }),
        restarted: (lost) =>
          this.#push({ is: "mark", lost, text: lost ? "the server started with a new log" : "the server was restarted" }),
        badFilter: (e) => {
          this.pending = false;
          this.filterError = e;
        },
        problem: (e) => (this.problem = e.message),
      },
    });
  }

  close(): void {
    this.#socket.close();
  }

  retryNow(): void {
    this.#socket.retryNow();
  }

  setFilter(filter: string): void {
    this.filterError = undefined;
    if (filter === this.filter && !this.pending) return;
    this.pending = true;
    if (this.paused) this.resume();
    this.#socket.subscribe(filter);
  }

  pause(): void {
    this.paused = true;
    this.held = 0;
  }

  resume(): void {
    this.paused = false;
    this.holding = false;
    this.held = 0;
    this.#socket.hold(false);
    this.#schedule();
  }

  /** Empties the view; the log itself is untouched. */
  clear(): void {
    this.ring.clear();
    this.older = "idle";
    this.cleared = true;
    this.epoch++;
    this.version++;
  }

  /** Puts what a gap hid in its place, a page at a time. */
  async loadGap(gap: GapRow): Promise<void> {
    if (gap.state === "loading") return;
    gap.state = "loading";
    this.version++;
    try {
      const { from, to } = gap;
      const page = await this.#api.logs({ filter: this.filter, from, to, limit: PAGE, order: "asc" });
      mergeGap(this.ring, gap, page.entries, page.next);
    } catch (e) {
      gap.state = "failed";
      gap.problem = e instanceof Error ? e.message : String(e);
    }
    this.version++;
  }

  /** Loads the page before the first row. */
  async loadOlder(): Promise<void> {
    const before = oldestSeq(this.ring);
    if (this.older !== "idle") return;
    if (before === 1) {
      this.older = "none";
      return;
    }
    this.older = "loading";
    const epoch = this.epoch;
    try {
      const to = before === undefined ? {} : { to: before - 1 };
      const page = await this.#api.logs({ filter: this.filter, ...to, limit: PAGE, order: "desc" });
      if (epoch !== this.epoch) return;
      const rows = toRows(page.entries.reverse());
      const room = this.ring.capacity - this.ring.length;
      this.ring.splice(0, 0, rows.slice(Math.max(0, rows.length - room)));
      this.shifted += Math.min(room, rows.length);
      this.older = page.next === undefined || rows.length >= room ? "none" : "idle";
      this.version++;
    } catch (e) {
      this.older = "idle";
      this.problem = e instanceof Error ? e.message : String(e);
    }
  }

  #push(...items: Item[]): void {
    for (const i of items) this.#inbox.push(i);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A hidden page gets no animation frames, and its log must not be lost.
    if (document.hidden) setTimeout(() => this.#flush(), 250);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.paused) return this.#hold();
    const items = this.#inbox;
    if (items.length === 0) return;
    this.#inbox = [];
    const dropped = this.ring.dropped;
    for (const item of items) this.#take(item);
    this.shifted -= Math.max(0, this.ring.dropped - dropped);
    this.version++;
  }

  #hold(): void {
    this.held = this.#inbox.length;
    if (this.held >= HELD_MOST && !this.holding) {
      this.holding = true;
      this.#socket.hold(true);
    }
  }

  #take(item: Item): void {
    switch (item.is) {
      case "start":
        this.ring.clear();
        this.#lastSeq = 0;
        this.older = "idle";
        this.cleared = false;
        this.epoch++;
        return;
      case "gap":
        this.#lastSeq = Math.max(this.#lastSeq, item.to);
        return appendGap(this.ring, item.from, item.to, item.reason);
      case "mark":
        if (item.lost) this.#lastSeq = 0;
        this.ring.push(markRow(new Date().toISOString(), item.text));
        return;
      case "entry":
        return this.#entry(item.entry);
    }
  }

  #entry(entry: Entry): void {
    if (entry.seq <= this.#lastSeq) return; // seen already
    this.#lastSeq = entry.seq;
    if (append(this.ring, entry)) this.appended++;
    if (entry.run) this.runs.add(entry.run);
    if (isFieldBag(entry.fields)) for (const k of Object.keys(entry.fields)) this.fields.add(k);
    if (entry.kind === "reload" || (entry.kind === "server" && entry.script)) this.#onReload(); // how a script is has changed
  }
}
