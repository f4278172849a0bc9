/** What is said of a script that executes apart, in the process where it can hurt nobody else. */
import { clock, type TimeMode } from "./time";
import type { Script } from "./types";

/** A sentence, or nothing for a script that executes where all do. The server says when it is over, not this machine's clock. */
export function apartNote(script: Pick<Script, "apart">, mode: TimeMode): string {
  const until = script.apart?.until;
  if (!until) return "";
  const time = mode === "utc" ? `${clock(until, "utc").slice(0, 8)} UTC` : clock(until, "local").slice(0, 8);
  return `its last run or request ended its worker process; it executes apart until ${time}`;
}
