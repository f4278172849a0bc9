// The shapes of the admin API and of the tail, as docs/reference says them.

export type Level = "debug" | "info" | "warn" | "error";

export type Kind = "console" | "http" | "request" | "run" | "retry" | "step" | "kv" | "reload" | "server";

export interface Position {
  file: string;
  line: number;
  column?: number;
}

export interface Entry {
  seq: number;
  ts: string;
  level: Level;
  kind: Kind;
  script?: string;
  revision?: string;
  run?: string;
  turn?: number;
  msg: string;
  fields?: Record<string, unknown>;
  src?: Position;
}

export type ClientFrame =
  | { type: "auth"; token: string }
  | { type: "subscribe"; filterId: string; filter: string; tail: number }
  | { type: "subscribe"; filterId: string; filter: string; since: Cursor }
  | { type: "pause" }
  | { type: "resume" };

export interface Cursor {
  boot: string;
  seq: number;
}

export interface Hello {
  type: "hello";
  protocol: number;
  boot: string;
  version: string;
  seq: number;
  oldest: number;
}

export interface Batch {
  type: "batch";
  filterId: string;
  entries: Entry[];
}

export interface Gap {
  type: "gap";
  filterId: string;
  from: number;
  to: number;
  reason: string;
}

export interface TailError {
  type: "error";
  code: string;
  message: string;
  column?: number;
  filterId?: string;
}

export type ServerFrame = Hello | Batch | Gap | TailError | { type: "ping"; ts: string; seq: number };

export type ScriptState = "live" | "stale" | "broken";

export interface Route {
  path: string;
  methods: string[];
  handler: string;
}

export interface ScriptError {
  name: string;
  code?: string;
  message: string;
  src?: Position;
  frame?: string;
  stack?: string;
}

export interface Script {
  name: string;
  file: string;
  state: ScriptState;
  revision?: string;
  loadedAt?: string;
  handlers?: string[] | null;
  config?: unknown;
  routes?: Route[] | null;
  bytes?: number;
  stats?: { requests?: number; runs?: number; failures?: number; running?: number; lastActivity?: string };
  error?: ScriptError;
  /** There while the revision that serves executes in a process of its own. */
  apart?: { until: string };
}

export interface ServerInfo {
  version: string;
  boot: string;
  startedAt: string;
  mode: "dev" | "serve";
  addr: string;
  scriptsUrl: string;
  project: string;
  scripts?: number;
  workers?: { count: number; alive: number; memory: number; memoryLimit: number; sandbox: string; ended: number };
}
