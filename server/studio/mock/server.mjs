// A mock of the admin origin: the built page with the policy of handler.go, the
// API, the tail, and /mock/… to make things happen. For development and the
// browser tests only; the real server is the Go program.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FilterError } from "./filter.mjs";
import { Log, Tail } from "./log.mjs";
import { scripts } from "./scripts.mjs";
import { traffic } from "./traffic.mjs";
import { accept } from "./ws.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };

/** The policy, read from the Go source: the page is tested under the one that it will run under. */
function policy() {
  const source = readFileSync(join(HERE, "handler.go"), "utf8");
  const constant = /const policy = ((?:"[^"]*"(?:\s*\+\s*)?)+)/.exec(source)?.[1];
  if (!constant) throw new Error("handler.go has no `const policy`");
  return [...constant.matchAll(/"([^"]*)"/g)].map((m) => m[1]).join("");
}

export async function start({ port = 0, token = "mock-token", empty = false, quiet = true } = {}) {
  if (!existsSync(join(HERE, "dist", "index.html"))) throw new Error("there is no build to serve: run `npm run build` first");
  const log = new Log();
  const list = empty ? [] : scripts();
  const life = empty ? undefined : traffic(log, list);
  const startedAt = new Date().toISOString();
  const csp = policy();
  let origin = "";

  const json = (res, status, body) => {
    res.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json", "Cache-Control": "no-store" });
    res.end(JSON.stringify(body));
  };
  const problem = (res, status, title, detail) => json(res, status, { type: "about:blank", title, status, detail });

  async function page(res, path, acceptEncoding = "") {
    const name = path === "/" ? "index.html" : path.slice(1);
    const headers = { "Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff", "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" };
    for (const [encoding, suffix] of [["br", ".br"], ["gzip", ".gz"], ["", ""]]) {
      if (!acceptEncoding.includes(encoding)) continue;
      try {
        const body = await readFile(join(HERE, "dist", name + suffix));
        res.writeHead(200, { ...headers, ...(encoding ? { "Content-Encoding": encoding } : {}), "Content-Length": body.length });
        return res.end(body);
      } catch {
        continue; // not made in this encoding
      }
    }
    res.writeHead(404, headers);
    res.end("There is no such page here.");
  }

  function api(req, res, url) {
    if (req.headers.authorization !== `Bearer ${token}`) return problem(res, 401, "Unauthorized", "The token is missing or wrong.");
    if (url.pathname === "/api/v1/server") {
      return json(res, 200, { version: "0.1.0", boot: log.boot, startedAt, mode: "dev", addr: origin.slice(7), scriptsUrl: origin, project: "demo-shop", scripts: list.length, workers: { count: 2, alive: 2, memory: 190_000_000, memoryLimit: 512 * 1024 * 1024, sandbox: "ok", ended: 0 } });
    }
    if (url.pathname === "/api/v1/scripts") return json(res, 200, { scripts: list });
    if (url.pathname !== "/api/v1/logs") return problem(res, 404, "Not Found", "There is no such resource.");
    try {
      return json(res, 200, log.query(Object.fromEntries(url.searchParams)));
    } catch (e) {
      if (e instanceof FilterError) return problem(res, 400, "Bad Request", e.message);
      throw e;
    }
  }

  /** What the tests pull: each line makes one thing happen. */
  function control(res, url) {
    const n = Number(url.searchParams.get("n") ?? 1);
    const msg = url.searchParams.get("msg") ?? "line";
    const line = (i) => log.emit({ script: "hello", run: "run-mock", msg: n === 1 ? msg : `${msg} ${i}`, level: url.searchParams.get("level") ?? "info" });
    const acts = {
      emit: () => { for (let i = 1; i <= n; i++) line(i); },
      repeat: () => { for (let i = 1; i <= n; i++) log.emit({ script: "hello", msg }); },
      entry: () => log.emit(JSON.parse(url.searchParams.get("json"))),
      lose: () => { let i = 0; for (const t of log.tails) t.lose(n, () => line(++i)); },
      cut: () => log.cut(),
      restart: () => log.restart(url.searchParams.has("lose")),
      live: () => { for (let i = 0; i < n; i++) life?.one(); },
      decline: () => life?.decline(),
      sync: () => life?.sync(),
      reload: () => life?.reload(),
      broken: () => life?.brokenReload(),
      worker: () => life?.workerEnded(),
    };
    const act = acts[url.pathname.slice("/mock/".length)];
    if (!act) return problem(res, 404, "Not Found", "The mock cannot do that.");
    act();
    json(res, 200, { seq: log.seq });
  }

  const server = createServer((req, res) => {
    const url = new URL(req.url, "http://x");
    if (url.pathname.startsWith("/api/")) return api(req, res, url);
    if (url.pathname.startsWith("/mock/")) return control(res, url);
    return page(res, url.pathname, req.headers["accept-encoding"]);
  });
  server.on("upgrade", (req, socket) => {
    if (!req.url.startsWith("/api/v1/tail")) return socket.destroy();
    new Tail(log, accept(req, socket), token, req.headers.authorization === `Bearer ${token}`);
  });

  // The scripts' own origin: whatever is asked answers, and is an entry.
  const front = createServer((req, res) => {
    log.emit({ kind: "request", script: "hello", run: randomUUID(), msg: `${req.method} ${req.url} → 200`, fields: { method: req.method, url: req.url, status: 200, durMs: 1.2 } });
    res.end("hi\n");
  });

  await new Promise((done) => front.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${front.address().port}`;
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  const timer = quiet ? undefined : setInterval(() => life?.one(), 600);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    token,
    close: async () => {
      clearInterval(timer);
      log.cut();
      for (const s of [server, front]) {
        s.closeAllConnections();
        await new Promise((done) => s.close(done));
      }
    },
  };
}
