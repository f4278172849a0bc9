import { describe, expect, test } from "vitest";
import { Ring } from "./ring";

const all = <T>(r: Ring<T>) => r.slice(0, r.length);

describe("ring", () => {
  test("keeps the newest and counts what left", () => {
    const r = new Ring<number>(3);
    for (let i = 1; i <= 5; i++) r.push(i);
    expect(all(r)).toEqual([3, 4, 5]);
    expect(r.dropped).toBe(2);
    expect([r.at(0), r.at(2), r.at(3), r.at(-1), r.last()]).toEqual([3, 5, undefined, undefined, 5]);
  });

  test("finds an item after the wrap", () => {
    const r = new Ring<string>(2);
    for (const x of ["a", "b", "c"]) r.push(x);
    expect([r.indexOf("a"), r.indexOf("b"), r.indexOf("c")]).toEqual([-1, 0, 1]);
  });

  test("splices in the middle of a wrapped ring", () => {
    const r = new Ring<number>(5);
    for (let i = 1; i <= 6; i++) r.push(i); // 2 3 4 5 6
    r.splice(1, 1, [30, 31]);
    expect(all(r)).toEqual([30, 31, 4, 5, 6]); // 2 was the oldest and made room
    expect(r.dropped).toBe(2);
    r.push(7);
    expect(all(r)).toEqual([31, 4, 5, 6, 7]);
  });

  test("agrees with a plain array under many operations", () => {
    const r = new Ring<number>(17);
    let model: number[] = [];
    let seed = 7;
    const next = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
    for (let step = 0; step < 5000; step++) {
      if (next(10) < 8) {
        r.push(step);
        model.push(step);
      } else {
        const i = next(model.length + 1);
        const del = next(3);
        const items = Array.from({ length: next(4) }, (_, k) => -k - step);
        r.splice(i, del, items);
        model.splice(i, del, ...items);
      }
      model = model.slice(-17);
      expect(all(r)).toEqual(model);
    }
  });

  test("pushing does not get slower with size", () => {
    const r = new Ring<number>(100_000);
    const start = performance.now();
    for (let i = 0; i < 1_000_000; i++) r.push(i);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(r.at(0)).toBe(900_000);
  });

  test("clear starts over; no room is refused", () => {
    const r = new Ring<number>(2);
    r.push(1);
    r.clear();
    expect([r.length, r.dropped, r.last()]).toEqual([0, 0, undefined]);
    expect(() => new Ring(0)).toThrow(RangeError);
  });
});
