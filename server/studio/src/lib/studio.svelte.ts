/** The state of the page as a whole: who we are to the server, what it serves, how we look at it. */
import { Api, ApiError } from "./api";
import { Tail } from "./tail.svelte";
import { valueOf, withTerm } from "./terms";
import { TIME_MODES, type TimeMode } from "./time";
import { forgetToken, keepToken, takeToken } from "./token";
import type { Script, ServerInfo } from "./types";

const POLL = 2000;

export type Theme = "system" | "light" | "dark";

export class Studio {
  gate = $state<"open" | "missing" | "refused">("missing");
  server = $state.raw<ServerInfo | undefined>();
  /** The project's name for people: its folder, without the way there. */
  readonly project = $derived(this.server?.project.split(/[\\/]/).findLast((part) => part !== "") ?? "");
  scripts = $state.raw<Script[] | undefined>();
  /** Why the list of scripts is not fresh; empty when it is. */
  stale = $state("");
  now = $state(Date.now());
  tail = $state.raw<Tail | undefined>();
  /** What stands in the filter box; the tail has what is in force. */
  filter = $state("");
  time = $state<TimeMode>(readChoice("reprise.time", TIME_MODES, "local"));
  theme = $state<Theme>(readChoice("reprise.theme", ["system", "light", "dark"], "system"));

  #api: Api | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const token = takeToken();
    this.filter = new URLSearchParams(location.hash.slice(1)).get("filter") ?? "";
    if (token) this.#enter(token);
    addEventListener("hashchange", () => {
      const given = takeToken();
      if (given) this.enter(given);
    });
    document.addEventListener("visibilitychange", () => this.#awake());
    addEventListener("online", () => this.#awake());
  }

  /** The script that the filter names, if it names exactly one. */
  get script(): string | undefined {
    const name = valueOf(this.filter, "script");
    return this.scripts?.some((s) => s.name === name) ? name : undefined;
  }

  enter(token: string): void {
    this.#leave();
    keepToken(token);
    this.#enter(token);
  }

  /** Changes the filter: the box, the address and the tail. */
  apply(filter: string): void {
    this.filter = filter;
    const hash = filter.trim() ? `#${new URLSearchParams({ filter: filter.trim() })}` : "";
    history.replaceState(history.state, "", location.pathname + location.search + hash);
    this.tail?.setFilter(filter.trim());
  }

  only(key: "script" | "run", value: string | undefined): void {
    this.apply(withTerm(this.filter, key, value));
  }

  toggleScript(name: string): void {
    this.only("script", this.script === name ? undefined : name);
  }

  nextTime(): void {
    this.time = TIME_MODES[(TIME_MODES.indexOf(this.time) + 1) % TIME_MODES.length] ?? "local";
    keepChoice("reprise.time", this.time);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    keepChoice("reprise.theme", theme);
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }

  #enter(token: string): void {
    this.#api = new Api(token);
    this.gate = "open";
    this.tail = new Tail(this.#api, this.filter.trim(), { refused: () => this.#refuse(), reload: () => this.#refreshSoon() });
    void this.#poll();
  }

  #leave(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#soon);
    this.tail?.close();
    this.tail = undefined;
    this.#api = undefined;
    this.server = undefined;
    this.scripts = undefined;
  }

  #refuse(): void {
    if (this.gate === "refused") return;
    this.#leave();
    forgetToken();
    this.gate = "refused";
  }

  async #poll(): Promise<void> {
    await this.#refresh();
    clearTimeout(this.#timer);
    if (this.#api) this.#timer = setTimeout(() => void this.#poll(), document.hidden ? POLL * 10 : POLL);
  }

  async #refresh(): Promise<void> {
    const api = this.#api;
    if (!api) return;
    try {
      // Told once, and again after every break: a restarted server may be another version.
      const server = this.server && !this.stale ? this.server : await api.server();
      const scripts = await api.scripts();
      if (api !== this.#api) return;
      this.server = server;
      this.scripts = scripts;
      this.stale = "";
    } catch (e) {
      if (api !== this.#api) return;
      if (e instanceof ApiError && (e.status === 401 || e.status === 403)) return this.#refuse();
      this.stale = e instanceof Error ? e.message : String(e);
    }
    this.now = Date.now();
  }

  /** A script was reloaded: the list is asked for at once, but once for a burst. */
  #refreshSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.#refresh(), 120);
  }

  #awake(): void {
    if (document.hidden) return;
    this.tail?.retryNow();
    void this.#poll();
  }
}

function readChoice<T extends string>(key: string, all: readonly T[], otherwise: T): T {
  try {
    const kept = localStorage.getItem(key);
    return all.find((x) => x === kept) ?? otherwise;
  } catch {
    return otherwise; // storage is forbidden here
  }
}

function keepChoice(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is forbidden here: the choice lives as long as the page.
  }
}
