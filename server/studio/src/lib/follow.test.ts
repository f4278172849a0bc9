import { expect, test } from "vitest";
import { Follow } from "./follow";

const at = (top: number, content = 1000) => ({ top, height: 100, content });

test("a growing list does not stop following", () => {
  const f = new Follow(24);
  f.scrolled(at(900));
  f.scrolled(at(900, 1500)); // the content grew under a reader who did nothing
  expect(f.following).toBe(true);
});

test("scrolling up leaves, and counts what comes", () => {
  const f = new Follow(24);
  f.scrolled(at(900));
  f.scrolled(at(700));
  expect(f.following).toBe(false);
  f.appended(30);
  f.appended(7);
  expect(f.unseen).toBe(37);
});

test("coming back to the end follows again", () => {
  const f = new Follow(24);
  f.scrolled(at(900));
  f.scrolled(at(300));
  f.appended(3);
  f.scrolled(at(600));
  expect(f.following).toBe(false);
  f.scrolled(at(880)); // within the slack
  expect([f.following, f.unseen]).toEqual([true, 0]);
});

test("while following nothing is unseen", () => {
  const f = new Follow(24);
  f.appended(5);
  expect(f.unseen).toBe(0);
  f.leave();
  f.appended(5);
  f.reset();
  expect([f.following, f.unseen]).toEqual([true, 0]);
});
