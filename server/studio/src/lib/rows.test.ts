import { describe, expect, test } from "vitest";
import { Ring } from "./ring";
import { append, appendGap, mergeGap, oldestSeq, type GapRow, type Row } from "./rows";
import type { Entry } from "./types";

const entry = (seq: number, msg = `m${seq}`, more: Partial<Entry> = {}): Entry => ({
  seq, ts: new Date(seq * 1000).toISOString(), level: "info", kind: "console", msg, ...more,
});

/** A ring in one line: seq, xN for repeats, [from-to] for a gap. */
function draw(ring: Ring<Row>): string {
  return ring.slice(0, ring.length).map((r) => {
    if (r.type === "gap") return `[${r.from}-${r.to}]`;
    if (r.type === "mark") return "--";
    return r.count > 1 ? `${r.entry.seq}x${r.count}` : `${r.entry.seq}`;
  }).join(" ");
}

describe("folding", () => {
  test("repeats become one row that knows its first and its last", () => {
    const ring = new Ring<Row>(10);
    expect(append(ring, entry(1, "tick"))).toBe(true);
    expect(append(ring, entry(2, "tick"))).toBe(false);
    append(ring, entry(3, "tick"));
    append(ring, entry(4, "tock"));
    expect(draw(ring)).toBe("1x3 4");
    const row = ring.at(0);
    expect(row?.type === "entry" && row.last.seq).toBe(3);
  });

  test.each<[string, Partial<Entry>]>([
    ["level", { level: "warn" }],
    ["kind", { kind: "step" }],
    ["script", { script: "b" }],
    ["run", { run: "2" }],
    ["fields", { fields: { n: 2 } }],
  ])("another %s is another row", (_, more) => {
    const ring = new Ring<Row>(10);
    const base = { script: "a", run: "1", fields: { n: 1 } };
    append(ring, entry(1, "tick", base));
    append(ring, entry(2, "tick", { ...base, ...more }));
    expect(draw(ring)).toBe("1 2");
  });

  test("reloads never fold", () => {
    const ring = new Ring<Row>(10);
    append(ring, entry(1, "loaded", { kind: "reload" }));
    append(ring, entry(2, "loaded", { kind: "reload" }));
    expect(draw(ring)).toBe("1 2");
  });
});

describe("gaps", () => {
  const setup = () => {
    const ring = new Ring<Row>(100);
    append(ring, entry(1));
    appendGap(ring, 2, 9, "slow reader");
    append(ring, entry(10));
    return { ring, gap: ring.at(1) as GapRow };
  };

  test("that touch are one", () => {
    const ring = new Ring<Row>(10);
    appendGap(ring, 2, 5, "x");
    appendGap(ring, 6, 9, "x");
    appendGap(ring, 20, 30, "x");
    expect(draw(ring)).toBe("[2-9] [20-30]");
  });

  test("are replaced by what they hid, folded, without what is outside", () => {
    const { ring, gap } = setup();
    const n = mergeGap(ring, gap, [entry(1), entry(3), entry(4, "r"), entry(5, "r"), entry(10)]);
    expect(draw(ring)).toBe("1 3 4x2 10");
    expect(n).toBe(2);
  });

  test("keep what the page did not bring", () => {
    const { ring, gap } = setup();
    mergeGap(ring, gap, [entry(2), entry(3)], 4);
    expect(draw(ring)).toBe("1 2 3 [4-9] 10");
  });

  test("that were empty vanish; a next outside is the end", () => {
    const { ring, gap } = setup();
    mergeGap(ring, gap, [], 10);
    expect(draw(ring)).toBe("1 10");
  });

  test("that left the ring are let go", () => {
    const { ring, gap } = setup();
    ring.clear();
    expect(mergeGap(ring, gap, [entry(2)])).toBe(-1);
    expect(ring.length).toBe(0);
  });

  test("count for the oldest seq", () => {
    const ring = new Ring<Row>(10);
    expect(oldestSeq(ring)).toBeUndefined();
    appendGap(ring, 7, 9, "x");
    append(ring, entry(10));
    expect(oldestSeq(ring)).toBe(7);
  });
});
