import { describe, expect, test } from "vitest";
import { accept, complete, type Known } from "./complete";
import { finished, quote, terms, valueOf, withTerm } from "./terms";

const known: Known = {
  scripts: ["hello", "orders/fulfil", "orders/refund", "sync/contacts"],
  runs: ["01936f2e-7c1b"],
  fields: ["orderId", "hold"],
};

/** Completes at the | and returns the labels. */
function labels(text: string, asked = false): string[] {
  const caret = text.indexOf("|");
  return complete(text.replace("|", ""), caret, known, asked)?.items.map((i) => i.label) ?? [];
}

/** Completes at the |, takes the first one, and draws the caret. */
function taken(text: string): string {
  const caret = text.indexOf("|");
  const plain = text.replace("|", "");
  const c = complete(plain, caret, known);
  if (!c) throw new Error("nothing to take");
  const r = accept(plain, c, c.items[0]!);
  return `${r.filter.slice(0, r.caret)}|${r.filter.slice(r.caret)}`;
}

describe("completion", () => {
  test.each([
    ["lev|", ["level:"]],
    ["-lev|", ["level:"]],
    ["s|", ["script:", "status:"]],
    ["r|", ["run:", "revision:"]],
    ["level:e|", ["error"]],
    ["level:>|", [">=warn", ">=info"]],
    ["script:ord|", ["orders/fulfil", "orders/refund", "orders/*"]],
    ["script:contacts|", ["sync/contacts"]],
    ["-script:hel|", ["hello"]],
    ["run:01|", ["01936f2e-7c1b"]],
    ["kind:http,re|", ["request", "retry", "reload"]],
    ["field.|", ["field.orderId:", "field.hold:"]],
    ["field.ho|", ["field.hold:"]],
    ["level:warn sc|", ["script:"]],
    ['"lev|', []],
    ["level:error|", []],
    ["nope:|", []],
    ["|", []],
    ["level:warn |", []],
  ])("%s", (text, want) => expect(labels(text)).toEqual(want));

  test("asked for on an empty word, all keys come", () => expect(labels("level:warn |", true).length).toBe(10));

  test.each([
    ["lev|", "level:|"],
    ["lev| script:a", "level:| script:a"],
    ["level:e|", "level:error |"],
    ["script:con| level:warn", "script:sync/contacts |level:warn"],
    ["kind:http,ste|", "kind:http,step |"],
    ["-scr|", "-script:|"],
    ["level:wa|rn", "level:warn |"],
  ])("taking the first of %s", (text, want) => {
    expect(taken(text)).toBe(want);
  });
});

describe("terms", () => {
  test("know their key, value and place", () => {
    expect(terms(' -Level:>=warn  "two words" url:"a b" x').map((t) => [t.start, t.end, t.negated, t.key, t.value])).toEqual([
      [1, 14, true, "level", ">=warn"],
      [16, 27, false, "", '"two words"'],
      [28, 37, false, "url", '"a b"'],
      [38, 39, false, "", "x"],
    ]);
  });

  test("a swapped term keeps the others", () => {
    expect(withTerm("level:warn script:a -script:b word", "script", "c d")).toBe('level:warn -script:b word script:"c d"');
    expect(withTerm("script:a word", "script")).toBe("word");
    expect(withTerm("", "run", "0193")).toBe("run:0193");
    expect(valueOf('-run:a run:"b c"', "run")).toBe("b c");
    expect(valueOf("level:warn", "run")).toBeUndefined();
  });

  test("quote", () => expect([quote("a/b*"), quote('a "b"')]).toEqual(["a/b*", '"a \\"b\\""']));

  test.each([
    ["", true], ["word", true], ["level:warn", true], ["level:", false], ["level:>=", false], ["dur:>", false],
    ['"two', false], ['"two words"', true], ["-", false],
  ])("%s is finished: %s", (text, want) => expect(finished(text)).toBe(want));
});
