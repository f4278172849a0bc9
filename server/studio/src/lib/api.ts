/** The admin API, as far as the studio uses it. */
import type { Entry, Script, ServerInfo } from "./types";

/** An RFC 9457 problem, or what stands for one when the server could not be asked. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

export interface LogQuery {
  filter: string;
  from?: number;
  to?: number;
  limit: number;
  order?: "asc" | "desc";
}

export interface LogPage {
  entries: Entry[];
  next?: number;
}

export class Api {
  constructor(
    readonly token: string,
    readonly base = "/api/v1",
  ) {}

  server(): Promise<ServerInfo> {
    return this.#get("/server");
  }

  async scripts(): Promise<Script[]> {
    return (await this.#get<{ scripts: Script[] | null }>("/scripts")).scripts ?? [];
  }

  async logs(q: LogQuery): Promise<LogPage> {
    const params = new URLSearchParams();
    for (const [k, v] of Object.entries(q)) if (v !== undefined && v !== "") params.set(k, String(v));
    const page = await this.#get<{ entries: Entry[] | null; next?: number | string | null }>(`/logs?${params}`);
    const next = page.next === undefined || page.next === null ? undefined : Number(page.next);
    return { entries: page.entries ?? [], ...(next ? { next } : {}) };
  }

  async #get<T>(path: string): Promise<T> {
    let r: Response;
    try {
      r = await fetch(this.base + path, {
        headers: { Authorization: `Bearer ${this.token}`, Accept: "application/json" },
        signal: AbortSignal.timeout(20_000),
      });
    } catch (e) {
      const slow = e instanceof DOMException && e.name === "TimeoutError";
      throw new ApiError(0, slow ? "The server did not answer within 20 seconds." : "The server cannot be reached.");
    }
    if (!r.ok) throw await problem(r);
    return (await r.json()) as T;
  }
}

async function problem(r: Response): Promise<ApiError> {
  try {
    const p = (await r.json()) as { title?: string; detail?: string; hint?: string };
    return new ApiError(r.status, p.detail ?? p.title ?? `The server answered ${r.status}.`, p.hint);
  } catch {
    // Not a problem document (a proxy's page, an empty body): the status has to do.
    return new ApiError(r.status, `The server answered ${r.status} ${r.statusText}.`);
  }
}
