import { expect, test } from "vitest";
import { apartNote } from "./apart";
import { clock } from "./time";

const apart = { until: "2026-11-22T12:03:10Z" };

test("a script that is kept apart says why, and until when", () => {
  expect(apartNote({ apart }, "utc")).toBe("its last run or request ended its worker process; it executes apart until 12:03:10 UTC");
  for (const mode of ["local", "delta"] as const) {
    expect(apartNote({ apart }, mode)).toBe(`its last run or request ended its worker process; it executes apart until ${clock(apart.until, "local").slice(0, 8)}`);
  }
});

test("others say nothing", () => expect(apartNote({}, "utc")).toBe(""));
