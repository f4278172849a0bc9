/**
 * From entries to rows. A row is what the list draws: an entry (with how often
 * it repeated), a gap that can be loaded, or a mark that the page itself drew.
 * Rows stand in the order of `seq`; that order is the server's, kept here by
 * appending only and by putting a gap's entries exactly where the gap was.
 */
import type { Ring } from "./ring";
import type { Entry } from "./types";

export interface EntryRow {
  type: "entry";
  key: number;
  entry: Entry;
  /** How many times it came in a row; `last` is the newest of them. */
  count: number;
  last: Entry;
}

export interface GapRow {
  type: "gap";
  key: number;
  from: number;
  to: number;
  reason: string;
  state: "idle" | "loading" | "failed";
  problem?: string;
}

export interface MarkRow {
  type: "mark";
  key: number;
  ts: string;
  text: string;
}

export type Row = EntryRow | GapRow | MarkRow;

let keys = 0;

export function entryRow(entry: Entry): EntryRow {
  return { type: "entry", key: ++keys, entry, count: 1, last: entry };
}

export function gapRow(from: number, to: number, reason: string): GapRow {
  return { type: "gap", key: ++keys, from, to, reason, state: "idle" };
}

export function markRow(ts: string, text: string): MarkRow {
  return { type: "mark", key: ++keys, ts, text };
}

/** Whether b says the same as a. Reloads never fold: each is an event of its own. */
function repeats(a: Entry, b: Entry): boolean {
  return (
    a.msg === b.msg &&
    a.level === b.level &&
    a.kind === b.kind &&
    a.script === b.script &&
    a.run === b.run &&
    a.kind !== "reload" &&
    JSON.stringify(a.fields) === JSON.stringify(b.fields)
  );
}

function fold(last: Row | undefined, entry: Entry): boolean {
  if (last?.type !== "entry" || !repeats(last.last, entry)) return false;
  last.count++;
  last.last = entry;
  return true;
}

/** Adds an entry at the new end; true if it made a row of its own. */
export function append(ring: Ring<Row>, entry: Entry): boolean {
  if (fold(ring.last(), entry)) return false;
  ring.push(entryRow(entry));
  return true;
}

/** Adds a gap at the new end; two gaps that touch are one. */
export function appendGap(ring: Ring<Row>, from: number, to: number, reason: string): void {
  const last = ring.last();
  if (last?.type === "gap" && last.state !== "loading" && from <= last.to + 1) {
    last.from = Math.min(last.from, from);
    last.to = Math.max(last.to, to);
    return;
  }
  ring.push(gapRow(from, to, reason));
}

export function toRows(entries: readonly Entry[]): Row[] {
  const rows: Row[] = [];
  for (const e of entries) if (!fold(rows.at(-1), e)) rows.push(entryRow(e));
  return rows;
}

/**
 * Puts loaded entries where their gap was. With `next` (the answer was one page
 * of several) what remains stays a gap. Returns how many rows it became; -1 if
 * the gap has left the ring meanwhile.
 */
export function mergeGap(ring: Ring<Row>, gap: GapRow, entries: readonly Entry[], next?: number): number {
  const at = ring.indexOf(gap);
  if (at < 0) return -1;
  const rows = toRows(entries.filter((e) => e.seq >= gap.from && e.seq <= gap.to));
  if (next !== undefined && next > gap.from && next <= gap.to) rows.push(gapRow(next, gap.to, gap.reason));
  ring.splice(at, 1, rows);
  return rows.length;
}

/** The newest and the oldest seq that a row stands for; undefined for a mark. */
export function oldestSeq(ring: Ring<Row>): number | undefined {
  for (let i = 0; i < ring.length; i++) {
    const r = ring.at(i);
    if (r?.type === "entry") return r.entry.seq;
    if (r?.type === "gap") return r.from;
  }
  return undefined;
}
