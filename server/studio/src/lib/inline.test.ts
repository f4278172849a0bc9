import { describe, expect, test } from "vitest";
import { duration, firstLine, inline, shortRun } from "./inline";
import { ago, clock, delta, span } from "./time";
import { tokenFrom } from "./token";
import type { Entry } from "./types";

const entry = (msg: string, fields: Record<string, unknown>): Entry => ({
  seq: 1, ts: "2026-11-22T09:30:12.345Z", level: "info", kind: "http", msg, fields,
});

describe("inline fields", () => {
  test("leave out what the message says already", () => {
    const e = entry("GET https://x.test/a → 503", { method: "GET", url: "https://x.test/a", status: 503, attempt: 2, durMs: 12 });
    expect(inline(e)).toEqual([{ key: "attempt", text: "2", tone: "plain" }]);
    expect(duration(e)).toBe("12 ms");
  });

  test("errors and statuses have a tone", () => {
    const e = entry("m", { status: 503, error: { name: "HTTPError", message: "no\n  luck", stack: "…" } });
    expect(inline(e)).toEqual([
      { key: "status", text: "503", tone: "bad" },
      { key: "error", text: "HTTPError: no luck", tone: "bad" },
    ]);
  });

  test("are few and short", () => {
    const e = entry("m", Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "x".repeat(500)])));
    expect(inline(e).length).toBe(8);
    expect(inline(e)[0]!.text.length).toBe(120);
  });
});

test("a message is one line; the rest is counted", () => {
  expect(firstLine("a\nb\nc")).toEqual({ text: "a", more: 2 });
  expect(firstLine("a")).toEqual({ text: "a", more: 0 });
  expect(firstLine("a\u202eb\u001b[31m").text).toBe("a\\u202eb\\u001b[31m");
});

test("a run is named by its end", () => expect(shortRun("01936f2e-7c1b-7d2a-9d51-0a1b2c3d4e5f")).toBe("3d4e5f"));

describe("time", () => {
  test("utc and delta", () => {
    expect(clock("2026-11-22T09:30:12.345Z", "utc")).toBe("09:30:12.345");
    expect(delta("2026-11-22T09:30:12.345Z", "2026-11-22T09:30:12.300Z")).toBe("+45 ms");
    expect(delta("2026-11-22T09:30:12.345Z", undefined)).toBe("·");
  });

  test.each([[0.4, "0.4 ms"], [45, "45 ms"], [1500, "1.50 s"], [59_949, "59.9 s"], [60_000, "1 min 00 s"], [3_720_000, "1 h 02 min"], [90_000_000, "1 d 1 h"]])(
    "%d ms", (ms, want) => expect(span(ms)).toBe(want),
  );

  test("ago", () => {
    const now = Date.parse("2026-11-22T09:31:00Z");
    expect(ago("2026-11-22T09:30:00Z", now)).toBe("1 min ago");
    expect(ago(undefined, now)).toBe("never");
    expect(ago("nonsense", now)).toBe("never");
  });
});

test.each([
  [" abc ", "abc"],
  ["http://127.0.0.1:8081/#token=a%2Bb", "a+b"],
  ["http://127.0.0.1:8081/#filter=x&token=abc", "abc"],
])("the token in %s", (pasted, want) => expect(tokenFrom(pasted)).toBe(want));
