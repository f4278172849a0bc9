/** What of an entry's fields stands on its one line, and how. */
import { span } from "./time";
import type { Entry } from "./types";

export interface Inline {
  key: string;
  text: string;
  tone: "plain" | "good" | "bad" | "warn";
}

const MOST = 8;
const LONGEST = 120;

/** The fields worth a place beside the message: short, and not already said by it. */
export function inline(entry: Entry): Inline[] {
  const out: Inline[] = [];
  for (const [key, value] of Object.entries(entry.fields ?? {})) {
    if (out.length === MOST) break;
    if (value === undefined || key === "durMs" || key === "stack" || key === "frame") continue;
    const text = short(value);
    if (text.length > 1 && entry.msg.includes(text)) continue;
    out.push({ key, text, tone: key === "status" ? tone(value) : key === "error" ? "bad" : "plain" });
  }
  return out;
}

/** How long it took, if the entry says so. */
export function duration(entry: Entry): string {
  const ms = entry.fields?.["durMs"];
  return typeof ms === "number" ? span(ms) : "";
}

export function tone(status: unknown): Inline["tone"] {
  if (typeof status === "number") return status >= 500 ? "bad" : status >= 400 ? "warn" : "plain";
  if (status === "failed" || status === "diverged") return "bad";
  if (status === "paused" || status === "cancelled") return "warn";
  return status === "succeeded" ? "good" : "plain";
}

function short(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = value;
  else if (isError(value)) text = `${value.name ? `${value.name}: ` : ""}${value.message}`;
  else text = JSON.stringify(value) ?? String(value);
  text = visible(text.replace(/\s+/g, " "));
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

export interface ErrorLike {
  name?: string;
  code?: string;
  message: string;
  stack?: string;
  cause?: unknown;
}

export function isError(v: unknown): v is ErrorLike {
  return typeof v === "object" && v !== null && typeof (v as ErrorLike).message === "string";
}

/**
 * Shows the characters that turn the direction of text or steer a terminal,
 * instead of obeying them: what scripts print may come from anywhere.
 */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The first line, and how many more there are. */
export function firstLine(msg: string): { text: string; more: number } {
  msg = visible(msg);
  const end = msg.indexOf("\n");
  if (end < 0) return { text: msg, more: 0 };
  return { text: msg.slice(0, end), more: msg.split("\n").length - 1 };
}

/**
 * The end of a run's id. Ids begin with the time they were made (UUIDv7), so
 * runs that started together differ only at the end.
 */
export function shortRun(id: string): string {
  return id.length > 8 ? id.slice(-6) : id;
}
