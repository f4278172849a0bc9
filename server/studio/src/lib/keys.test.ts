import { expect, test } from "vitest";
import { keyOf } from "./keys";

const press = (key: string, inside = "", more = {}) =>
  keyOf({
    key, ctrlKey: false, metaKey: false, altKey: false,
    target: { closest: (s: string) => (inside !== "" && s.split(", ").includes(inside) ? {} : null) },
    ...more,
  });

test.each([
  ["j", "", "next"], ["ArrowUp", "", "before"], ["/", "", "filter"], ["G", "", "last"], ["x", "", undefined],
  ["j", "input", undefined], ["Escape", "dialog", undefined],
  ["Enter", "", "enter"], ["Enter", "button", undefined], ["j", "button", "next"],
  ["ArrowDown", "nav", undefined], ["j", "nav", "next"],
])("%s in %s is %s", (key, inside, want) => expect(press(key, inside)).toBe(want));

test("with a modifier a key is the browser's", () => expect(press("f", "", { ctrlKey: true })).toBeUndefined());
