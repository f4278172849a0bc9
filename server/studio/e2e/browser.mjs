// What every browser test needs: a server to look at, a browser, a page that
// fails the test at any error or any breach of its own content policy.
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { start } from "../mock/server.mjs";

export const SHOTS = fileURLToPath(new URL("../shots/", import.meta.url));

const CHROMIUM = process.env.STUDIO_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** The server under test: STUDIO_URL with STUDIO_TOKEN, or a mock of our own. */
export async function target(options) {
  const url = process.env.STUDIO_URL;
  if (!url) return start(options);
  if (!process.env.STUDIO_TOKEN) throw new Error("STUDIO_URL needs STUDIO_TOKEN (see admin.token in the data folder)");
  return { url: url.replace(/\/$/, ""), token: process.env.STUDIO_TOKEN, close: async () => {} };
}

export async function launch() {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: install chromium, or say where it is in STUDIO_CHROMIUM`);
  mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** A page in a fresh context, and the list of what went wrong in it. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") wrong.push(m.text());
  });
  return { page, wrong, close: () => context.close() };
}
