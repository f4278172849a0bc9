/** Scripts by folder: the order of a directory listing, each folder a heading. */
import type { Script } from "./types";

export interface Group {
  /** "" is the scripts folder itself; otherwise it ends with a slash. */
  folder: string;
  items: { script: Script; leaf: string }[];
}

export function groups(scripts: readonly Script[], find = ""): Group[] {
  const wanted = find.trim().toLowerCase();
  const out = new Map<string, Group>();
  for (const script of scripts) {
    if (wanted && !script.name.toLowerCase().includes(wanted)) continue;
    const slash = script.name.lastIndexOf("/");
    const folder = script.name.slice(0, slash + 1);
    const group = out.get(folder) ?? { folder, items: [] };
    group.items.push({ script, leaf: script.name.slice(slash + 1) });
    out.set(folder, group);
  }
  return [...out.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** A route that a browser can open as it stands: a GET without parameters. */
export function openable(path: string, methods: readonly string[] | null): boolean {
  const get = !methods || methods.length === 0 || methods.includes("GET") || methods.includes("*");
  return get && !/[:*{]/.test(path);
}
