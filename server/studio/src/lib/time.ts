/** How moments and lengths of time are written. */
export type TimeMode = "local" | "utc" | "delta";

export const TIME_MODES: readonly TimeMode[] = ["local", "utc", "delta"];

const pad = (n: number, width = 2) => String(n).padStart(width, "0");

export function clock(ts: string, mode: "local" | "utc"): string {
  if (mode === "utc") return ts.slice(11, 23).padEnd(12, "0");
  const d = new Date(ts);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}.${pad(d.getMilliseconds(), 3)}`;
}

/** The time since the entry above. */
export function delta(ts: string, before: string | undefined): string {
  if (before === undefined) return "·";
  const ms = Date.parse(ts) - Date.parse(before);
  return ms === 0 ? "·" : (ms > 0 ? "+" : "−") + span(Math.abs(ms));
}

export function span(ms: number): string {
  if (ms < 1) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** How long ago, roughly: for a glance, not for arithmetic. */
export function ago(ts: string | undefined, now: number): string {
  if (!ts) return "never";
  const s = Math.max(0, Math.round((now - Date.parse(ts)) / 1000));
  if (Number.isNaN(s)) return "never";
  if (s < 5) return "now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}

/** Date and time in full, for the detail panel. */
export function full(ts: string, mode: "local" | "utc"): string {
  if (mode === "utc") return `${ts.slice(0, 10)} ${clock(ts, "utc")} UTC`;
  const d = new Date(ts);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(ts, "local")}`;
}
