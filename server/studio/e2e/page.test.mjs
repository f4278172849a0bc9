// The page against any server: the mock by default, a real one with STUDIO_URL
// and STUDIO_TOKEN. Nothing here needs more than one script that answers GET.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, open, SHOTS, target } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST_BYTES = 120 * 1024;

let browser;
let server;
before(async () => {
  server = await target();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Opens the studio with its token and hands it to the test; errors on the page fail the test. */
async function visit(options, body) {
  const { page, wrong, close } = await open(browser, options);
  try {
    await page.goto(`${server.url}/#token=${server.token}`);
    await page.locator("[data-link='live']").waitFor();
    await page.locator("[data-script]").first().waitFor({ state: "attached" }); // on a phone they are behind a button
    await body(page);
    assert.deepEqual(wrong, [], "errors on the page");
  } finally {
    await close();
  }
}

/** Asks a script for something, from outside the browser, and returns its name. */
async function poke(page) {
  const item = page.locator("li:has([data-script]):has(.about a)").first();
  const link = await item.locator(".about a").first().getAttribute("href");
  await fetch(link);
  return item.locator("[data-script]").getAttribute("data-script");
}

// axe needs its source in the page; the page's own policy would not let it in as a script element.
async function axe(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")})`);
}

describe("the token", () => {
  test("moves from the address to the session, and outlives a reload", () =>
    visit({}, async (page) => {
      assert.equal(new URL(page.url()).hash, "");
      assert.equal(await page.evaluate(() => sessionStorage.getItem("reprise.token")), server.token);
      await page.reload();
      await page.locator("[data-link='live']").waitFor();
    }));

  test("is asked for, refused when wrong, taken when pasted as an address", async () => {
    const { page, close } = await open(browser);
    await page.goto(server.url);
    await page.getByRole("heading", { name: "The studio needs a token" }).waitFor();
    assert.deepEqual(await axe(page), []);
    await page.getByLabel(/^Token/).fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("does not know this token").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.getByLabel(/^Token/).fill(`${server.url}/#token=${server.token}`);
    await page.getByRole("button", { name: "Open the studio" }).click();
    await page.locator("[data-link='live']").waitFor();
    await close();
  });
});

describe("the page", () => {
  test("is small, and breaks none of its own policy", async () => {
    const { page, wrong, close } = await open(browser);
    let bytes = 0;
    const sizes = [];
    page.on("requestfinished", (r) => {
      if (!new URL(r.url()).pathname.startsWith("/api/")) sizes.push(r.sizes().then((s) => (bytes += s.responseBodySize)));
    });
    const answer = await page.goto(`${server.url}/#token=${server.token}`);
    await page.locator("[data-link='live']").waitFor();
    await Promise.all(sizes);
    assert.ok(bytes > 1000 && bytes <= MOST_BYTES, `${bytes} bytes transferred`);
    const csp = answer.headers()["content-security-policy"];
    assert.match(csp, /default-src 'self'/);
    assert.doesNotMatch(csp, /unsafe/);
    assert.deepEqual(wrong, []);
    await close();
  });

  for (const theme of ["light", "dark"]) {
    test(`is accessible in ${theme}, with and without details`, () =>
      visit({ colorScheme: theme, reducedMotion: "reduce" }, async (page) => {
        const script = await poke(page);
        const row = page.locator(".row", { hasText: script }).last();
        await row.waitFor();
        assert.deepEqual(await axe(page), []);
        await page.screenshot({ path: join(SHOTS, `page-${theme}.png`) });
        await row.locator(".text").click();
        await page.locator("aside").waitFor();
        assert.deepEqual(await axe(page), []);
        await page.screenshot({ path: join(SHOTS, `page-${theme}-details.png`) });
        await page.keyboard.press("?");
        await page.locator("dialog[open]").waitFor();
        assert.deepEqual(await axe(page), []);
      }));
  }

  test("fits a phone", () =>
    visit({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
      const over = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(await over(), 0);
      await page.getByRole("button", { name: /^Scripts/ }).click();
      assert.deepEqual(await axe(page), []);
      await page.locator("[data-script]").first().click();
      assert.match(await page.getByRole("combobox").inputValue(), /^script:/);
      assert.equal(await over(), 0);
      assert.deepEqual(await axe(page), []);
    }));
});

describe("scripts and the tail", () => {
  test("a request to a script is an entry at once, with details", () =>
    visit({}, async (page) => {
      const script = await poke(page);
      const row = page.locator(".row", { hasText: script }).last();
      await row.waitFor({ timeout: 3000 });
      await row.locator(".text").click();
      await page.locator("aside dd", { hasText: script }).first().waitFor();
      await page.keyboard.press("Escape");
      await page.locator("aside").waitFor({ state: "detached" });
    }));

  test("picking a script filters, shows its details, and again takes it back", () =>
    visit({}, async (page) => {
      const name = await poke(page);
      const item = page.locator(`[data-script="${name}"]`);
      await item.click();
      assert.equal(await page.getByRole("combobox").inputValue(), `script:${name}`);
      assert.equal(await item.getAttribute("aria-expanded"), "true");
      await page.locator(".list:not(.pending)").waitFor();
      await page.locator(".row").first().waitFor();
      const from = await page.locator(".row .script").allTextContents();
      assert.deepEqual([...new Set(from)], [name]);
      assert.match(page.url(), /#filter=script/);
      await page.reload();
      await page.locator("[data-link='live']").waitFor();
      assert.equal(await page.getByRole("combobox").inputValue(), `script:${name}`);
      await item.click();
      assert.equal(await page.getByRole("combobox").inputValue(), "");
    }));

  test("a wrong filter is explained under the box, and the one before stays", () =>
    visit({}, async (page) => {
      await poke(page);
      await page.locator(".row").first().waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("levle:warn");
      await page.keyboard.press("Enter");
      const error = page.locator("#filter-error");
      await error.waitFor();
      assert.match(await error.innerText(), /levle/);
      assert.equal(await page.getByRole("combobox").getAttribute("aria-invalid"), "true");
      await page.locator(".row").first().waitFor();
      const newest = await page.locator(".row").evaluateAll((rows) => Math.max(...rows.map((r) => Number(r.dataset.seq))));
      await poke(page);
      await page.waitForFunction((n) => [...document.querySelectorAll(".row")].some((r) => Number(r.dataset.seq) > n), newest);
    }));
});
