import { expect, test } from "vitest";
import { FilterHistory } from "./history";

function storage(initial?: string) {
  let kept: string | null = initial ?? null;
  return { getItem: () => kept, setItem: (_: string, v: string) => void (kept = v) };
}

test("up and down walk, and the draft comes back", () => {
  const h = new FilterHistory(storage());
  h.add("a");
  h.add("b");
  expect([h.step(-1, "draft"), h.step(-1, "b"), h.step(-1, "a")]).toEqual(["b", "a", undefined]);
  expect([h.step(1, "a"), h.step(1, "b"), h.step(1, "draft")]).toEqual(["b", "draft", undefined]);
});

test("a filter used again moves to the end; it outlives the page", () => {
  const s = storage();
  const h = new FilterHistory(s);
  for (const f of ["a", "b", " a ", ""]) h.add(f);
  expect(new FilterHistory(s).recent).toEqual(["b", "a"]);
});

test("what something else wrote is not trusted", () => {
  expect(new FilterHistory(storage("{")).recent).toEqual([]);
  expect(new FilterHistory(storage('["a", 1]')).recent).toEqual(["a"]);
  expect(new FilterHistory(undefined).recent).toEqual([]);
});
