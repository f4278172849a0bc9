/** Which key means what, anywhere on the page where nothing is being written. */
export type Action =
  | "filter" | "next" | "before" | "first" | "last" | "enter" | "escape" | "follow" | "pause" | "clear" | "time" | "run" | "script" | "help";

const KEYS: Record<string, Action> = {
  "/": "filter",
  j: "next",
  ArrowDown: "next",
  k: "before",
  ArrowUp: "before",
  g: "first",
  G: "last",
  Enter: "enter",
  Escape: "escape",
  f: "follow",
  p: "pause",
  c: "clear",
  t: "time",
  r: "run",
  s: "script",
  "?": "help",
};

/** What is used of a KeyboardEvent. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  target: { closest?(selector: string): unknown } | EventTarget | null;
}

export function keyOf(e: Press): Action | undefined {
  if (e.ctrlKey || e.metaKey || e.altKey) return undefined;
  const action = KEYS[e.key];
  const within = (selector: string) => (e.target as { closest?(s: string): unknown } | null)?.closest?.(selector);
  if (!action || within("input, textarea, select, [contenteditable], dialog")) return undefined;
  // Enter on a button or a link is its own; arrows scroll what scrolls by itself.
  if (action === "enter" && within("button, a, summary")) return undefined;
  if (e.key.startsWith("Arrow") && within('pre, nav, aside [tabindex="0"]')) return undefined;
  return action;
}
