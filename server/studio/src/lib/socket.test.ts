import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BACKLOG, REFUSED, TailSocket, type LinkState, type Wire } from "./socket";
import type { ServerFrame, TailError } from "./types";

class FakeWire implements Wire {
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  say(frame: ServerFrame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  hello(boot = "b1", seq = 100) {
    this.onopen?.();
    this.say({ type: "hello", protocol: 1, boot, version: "0", seq, oldest: 1 });
  }
  batch(filterId: string, ...seqs: number[]) {
    this.say({ type: "batch", filterId, entries: seqs.map((seq) => ({ seq, ts: "", level: "info", kind: "console", msg: "" })) });
  }
  refuse(filterId: string) {
    this.say({ type: "error", code: "INVALID_FILTER", message: "unknown key", column: 1, filterId });
  }
  get last() {
    return this.sent.at(-1);
  }
}

function open(filter = "") {
  const wires: FakeWire[] = [];
  const log: string[] = [];
  const states: LinkState[] = [];
  const socket = new TailSocket({
    url: "ws://x", token: "secret", filter, random: () => 1,
    dial: () => {
      const w = new FakeWire();
      wires.push(w);
      return w;
    },
    events: {
      state: (s) => states.push(s),
      start: (f) => log.push(`start ${f}`),
      entries: (l) => log.push(l.map((e) => e.seq).join(",")),
      gap: (from, to) => log.push(`gap ${from}-${to}`),
      restarted: (lost) => log.push(lost ? "another log" : "restarted"),
      badFilter: (e: TailError) => log.push(`bad ${e.message}`),
      problem: (e) => log.push(`problem ${e.code}`),
    },
  });
  return { socket, wires, log, states, wire: () => wires.at(-1)!, state: () => states.at(-1)! };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("connecting", () => {
  test("the first frame is the token, then the backlog is asked for", () => {
    const t = open();
    t.wire().hello();
    expect(t.wire().sent).toEqual([
      { type: "auth", token: "secret" },
      { type: "subscribe", filterId: "f0", filter: "", tail: BACKLOG },
    ]);
    t.wire().batch("f0", 99, 100);
    expect(t.log).toEqual(["99,100"]);
    expect(t.state()).toEqual({ is: "live" });
  });

  test("a refused token ends it", () => {
    const t = open();
    t.wire().onclose?.({ code: REFUSED, reason: "" });
    expect(t.state()).toEqual({ is: "refused" });
    vi.advanceTimersByTime(60_000);
    expect(t.wires.length).toBe(1);
  });

  test("attempts wait longer and longer, up to a limit; a hello starts that over", () => {
    const t = open();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      t.wire().onclose?.({ code: 1006, reason: "" });
      const s = t.state();
      if (s.is !== "waiting") throw new Error(s.is);
      waits.push(s.until - Date.now());
      vi.advanceTimersByTime(waits.at(-1)!);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    t.wire().hello();
    t.wire().onclose?.({ code: 1006, reason: "" });
    vi.advanceTimersByTime(500);
    expect(t.wires.length).toBe(10);
  });

  test("retryNow does not wait", () => {
    const t = open();
    t.wire().onclose?.({ code: 1006, reason: "" });
    t.socket.retryNow();
    expect(t.wires.length).toBe(2);
    vi.advanceTimersByTime(5000);
    expect(t.wires.length).toBe(2);
  });

  test("silence is a break, a ping is not silence", () => {
    const t = open();
    t.wire().hello();
    vi.advanceTimersByTime(30_000);
    t.wire().say({ type: "ping", ts: "", seq: 100 });
    vi.advanceTimersByTime(30_000);
    expect(t.state().is).toBe("live");
    vi.advanceTimersByTime(11_000);
    expect(t.wires.length).toBe(2);
    expect(t.wires[0]!.closed).toBe(true);
  });

  test("a frame that is no JSON is said and survived", () => {
    const t = open();
    t.wire().hello();
    t.wire().onmessage?.({ data: "{" });
    t.wire().batch("f0", 1);
    expect(t.log).toEqual(["problem BAD_FRAME", "1"]);
  });
});

describe("going on after a break", () => {
  const broken = (boot: string, seq: number) => {
    const t = open();
    t.wire().hello();
    t.wire().batch("f0", 101, 105);
    t.wire().onclose?.({ code: 1006, reason: "" });
    vi.advanceTimersByTime(500);
    t.wire().hello(boot, seq);
    return t;
  };

  test("asks for what came after the cursor", () => {
    const t = broken("b1", 110);
    expect(t.wire().last).toEqual({ type: "subscribe", filterId: "f0", filter: "", since: { boot: "b1", seq: 105 } });
    expect(t.log).toEqual(["101,105"]);
  });

  test("a restarted server is said; its numbers go on", () => {
    const t = broken("b2", 110);
    expect(t.wire().last).toMatchObject({ since: { boot: "b1", seq: 105 } });
    expect(t.log).toEqual(["101,105", "restarted"]);
  });

  test("another log starts over", () => {
    const t = broken("b2", 3);
    expect(t.wire().last).toMatchObject({ tail: BACKLOG });
    expect(t.log).toEqual(["101,105", "another log"]);
    t.wire().batch("f0", 2, 3);
    expect(t.log.at(-1)).toBe("2,3");
  });

  test("a hold is held again", () => {
    const t = open();
    t.wire().hello();
    t.socket.hold(true);
    expect(t.wire().last).toEqual({ type: "pause" });
    t.wire().onclose?.({ code: 1006, reason: "" });
    vi.advanceTimersByTime(500);
    t.wire().hello();
    expect(t.wire().last).toEqual({ type: "pause" });
    t.socket.hold(false);
    expect(t.wire().last).toEqual({ type: "resume" });
  });
});

describe("filters", () => {
  const live = (filter = "") => {
    const t = open(filter);
    t.wire().hello();
    return t;
  };

  test("are in force with their first batch; late ones of the old are ignored", () => {
    const t = live();
    t.wire().batch("f0", 1);
    t.socket.subscribe("level:warn");
    t.wire().batch("f0", 2);
    t.wire().batch("f1", 3);
    t.wire().batch("f0", 4);
    expect(t.log).toEqual(["1", "2", "start level:warn", "3"]);
  });

  test("are in force after a moment when nothing matches", () => {
    const t = live();
    t.socket.subscribe("nothing");
    vi.advanceTimersByTime(400);
    expect(t.log).toEqual(["start nothing"]);
  });

  test("that are refused leave the one before", () => {
    const t = live();
    t.wire().batch("f0", 1);
    t.socket.subscribe("level:warn");
    t.wire().batch("f1", 2);
    t.socket.subscribe("levle:x");
    t.wire().refuse("f2");
    t.wire().batch("f1", 3);
    expect(t.log).toEqual(["1", "start level:warn", "2", "bad unknown key", "3"]);
  });

  test("that are refused at the very start fall back to everything", () => {
    const t = live("levle:x");
    expect(t.wire().last).toMatchObject({ filterId: "f1", filter: "levle:x" });
    t.wire().refuse("f1");
    expect(t.wire().last).toMatchObject({ filterId: "f0", filter: "", tail: BACKLOG });
    t.wire().batch("f0", 7);
    expect(t.log).toEqual(["bad unknown key", "7"]);
  });

  test("asked for while broken come with the next connection", () => {
    const t = live();
    t.wire().onclose?.({ code: 1006, reason: "" });
    t.socket.subscribe("kind:http");
    vi.advanceTimersByTime(500);
    t.wire().hello();
    expect(t.wire().last).toMatchObject({ filter: "kind:http", tail: BACKLOG });
  });

  test("refused late, after they were taken for accepted, start the old one over", () => {
    const t = live();
    t.wire().batch("f0", 1);
    t.socket.subscribe("levle:x");
    vi.advanceTimersByTime(400);
    t.wire().refuse("f1");
    expect(t.log).toEqual(["1", "start levle:x", "bad unknown key", "start "]);
    expect(t.wire().last).toEqual({ type: "subscribe", filterId: "f2", filter: "", tail: BACKLOG });
  });

  test("refused on a fresh connection: the one in force goes on after what was seen", () => {
    const t = live();
    t.wire().batch("f0", 105);
    t.wire().onclose?.({ code: 1006, reason: "" });
    t.socket.subscribe("levle:x");
    vi.advanceTimersByTime(500);
    t.wire().hello("b1", 110);
    t.wire().refuse("f1");
    expect(t.wire().last).toEqual({ type: "subscribe", filterId: "f0", filter: "", since: { boot: "b1", seq: 105 } });
  });

  test("a gap moves the cursor: what it hid is not sent again", () => {
    const t = live();
    t.wire().batch("f0", 105);
    t.wire().say({ type: "gap", filterId: "f0", from: 106, to: 200, reason: "slow reader" });
    t.wire().onclose?.({ code: 1006, reason: "" });
    vi.advanceTimersByTime(500);
    t.wire().hello("b1", 300);
    expect(t.wire().last).toMatchObject({ since: { seq: 200 } });
  });

  test("gaps of the old filter are ignored", () => {
    const t = live();
    t.socket.subscribe("x");
    t.wire().say({ type: "gap", filterId: "f1", from: 2, to: 5, reason: "slow reader" });
    t.wire().say({ type: "gap", filterId: "f0", from: 6, to: 9, reason: "slow reader" });
    expect(t.log).toEqual(["start x", "gap 2-5"]);
  });
});
