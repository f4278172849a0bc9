import { expect, test } from "vitest";
import { groups, openable } from "./tree";
import type { Script } from "./types";

const scripts = ["hello", "orders/fulfil", "orders/eu/refund", "orders/ship", "a/b"].map((name): Script => ({ name, file: name, state: "live" }));
const draw = (find?: string) => groups(scripts, find).map((g) => `${g.folder}[${g.items.map((i) => i.leaf).join(" ")}]`).join(" ");

test("folders are headings, the root comes first", () => {
  expect(draw()).toBe("[hello] a/[b] orders/[fulfil ship] orders/eu/[refund]");
});

test("finding looks at the whole name", () => expect(draw("ORDERS/f")).toBe("orders/[fulfil]"));

test.each([
  ["/orders", ["GET", "POST"], true], ["/orders", [], true], ["/orders", null, true],
  ["/orders", ["POST"], false], ["/orders/:id", ["GET"], false], ["/files/*", ["GET"], false],
])("%s %j opens: %s", (path, methods, want) => expect(openable(path, methods)).toBe(want));
