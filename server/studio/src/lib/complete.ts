/** Completion of the filter box: keys first, then the values that a key can have. */
import { terms, type Term } from "./terms";

export interface Known {
  scripts: readonly string[];
  runs: readonly string[];
  fields: readonly string[];
}

export interface Suggestion {
  /** What replaces the text between `from` and `to`. */
  insert: string;
  label: string;
  hint: string;
}

export interface Completion {
  from: number;
  to: number;
  items: Suggestion[];
}

export const KEYS: readonly { key: string; hint: string }[] = [
  { key: "level", hint: "warn, or >=warn and above" },
  { key: "script", hint: "a name; * matches anything" },
  { key: "run", hint: "a run's id, or how it begins" },
  { key: "kind", hint: "console, http, run, …" },
  { key: "status", hint: "503, 5xx, >=400, failed" },
  { key: "dur", hint: ">500 (ms), >1s" },
  { key: "method", hint: "GET, POST, …" },
  { key: "url", hint: "*payments*" },
  { key: "revision", hint: "how it begins" },
  { key: "field", hint: "field.NAME:value, any other field" },
];

const VALUES: Record<string, readonly string[]> = {
  level: [">=warn", "error", "warn", "info", "debug", ">=info"],
  kind: ["console", "http", "request", "run", "retry", "step", "kv", "reload", "server"],
  status: ["failed", "succeeded", "running", "waiting", "paused", "cancelled", ">=400", "4xx", "5xx", "2xx", "200", "429", "503"],
  dur: [">100", ">500", ">1s", ">10s"],
  method: ["GET", "POST", "PUT", "PATCH", "DELETE"],
};

const MOST = 9;

/** What could stand at the caret; undefined when there is nothing to offer. `asked`: offer keys on an empty word too. */
export function complete(filter: string, caret: number, known: Known, asked = false): Completion | undefined {
  const here = terms(filter).find((t) => caret > t.start && caret <= t.end);
  if (!here) return asked ? keys("", caret, caret, known) : undefined;
  if (here.key === "" || caret < here.valueStart) {
    if (here.text.includes('"')) return undefined;
    const from = here.start + (here.negated ? 1 : 0);
    return keys(filter.slice(from, caret), from, here.end, known);
  }
  return values(here, filter.slice(here.valueStart, caret), known);
}

function keys(prefix: string, from: number, to: number, known: Known): Completion | undefined {
  const p = prefix.toLowerCase();
  const items: Suggestion[] = [];
  if (p.startsWith("field.")) {
    for (const f of known.fields) {
      if (`field.${f}`.toLowerCase().startsWith(p)) items.push({ insert: `field.${f}:`, label: `field.${f}:`, hint: "" });
    }
  } else {
    for (const k of KEYS) {
      const text = k.key === "field" ? "field." : `${k.key}:`;
      if (text.startsWith(p)) items.push({ insert: text, label: text, hint: k.hint });
    }
  }
  return items.length > 0 ? { from, to, items: items.slice(0, p === "" ? items.length : MOST) } : undefined;
}

function values(here: Term, prefix: string, known: Known): Completion | undefined {
  // kind:http,re| completes what stands after the last comma.
  const comma = here.key === "kind" ? prefix.lastIndexOf(",") + 1 : 0;
  const p = prefix.slice(comma).toLowerCase();
  const items = candidates(here.key, known)
    .filter((v) => v.toLowerCase() !== p && matches(here.key, v.toLowerCase(), p))
    .slice(0, MOST)
    .map((v) => ({ insert: `${v} `, label: v, hint: "" }));
  return items.length > 0 ? { from: here.valueStart + comma, to: here.end, items } : undefined;
}

function candidates(key: string, known: Known): readonly string[] {
  if (key === "script") return [...known.scripts, ...folders(known.scripts)];
  if (key === "run") return known.runs;
  return VALUES[key] ?? [];
}

/** Script names are found by any part of them: who remembers the folder? */
function matches(key: string, value: string, prefix: string): boolean {
  return key === "script" ? value.includes(prefix) : value.startsWith(prefix);
}

function folders(scripts: readonly string[]): string[] {
  const out = new Set<string>();
  for (const s of scripts) {
    const slash = s.lastIndexOf("/");
    if (slash > 0) out.add(`${s.slice(0, slash)}/*`);
  }
  return [...out].sort();
}

/** The text and the caret after a suggestion is taken. */
export function accept(filter: string, c: Completion, item: Suggestion): { filter: string; caret: number } {
  const rest = filter.slice(c.to);
  const insert = item.insert.endsWith(" ") && rest.startsWith(" ") ? item.insert.trimEnd() : item.insert;
  return { filter: filter.slice(0, c.from) + insert + rest, caret: c.from + item.insert.length };
}
