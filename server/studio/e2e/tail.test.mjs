// The tail in the cases that a real server cannot be asked for: gaps, breaks,
// restarts, floods. Always against the mock.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { start } from "../mock/server.mjs";
import { launch, open, SHOTS } from "./browser.mjs";

let browser;
let mock;
let page;
let wrong;
let close;

before(async () => void (browser = await launch()));
after(async () => void (await browser?.close()));
beforeEach(async () => {
  mock = await start();
  ({ page, wrong, close } = await open(browser));
  await page.goto(`${mock.url}/#token=${mock.token}`);
  await page.locator("[data-link='live']").waitFor();
  await page.getByText("All quiet").waitFor();
});
afterEach(async () => {
  await close?.();
  await mock?.close();
});

const pull = async (what) => assert.equal((await fetch(`${mock.url}/mock/${what}`)).status, 200);
const emit = (n, msg = "line") => pull(`emit?n=${n}&msg=${msg}`);
const row = (text) => page.locator(".row", { has: page.getByText(text, { exact: true }) });
const atEnd = () => page.evaluate(() => { const l = document.querySelector(".log"); return l.scrollHeight - l.clientHeight - l.scrollTop < 2; });
const scroll = (dy) => page.locator(".log").hover().then(() => page.mouse.wheel(0, dy));
const fine = () => assert.deepEqual(wrong, [], "errors on the page");

/** How many rows the list holds, from its height: one line is not a row. */
const rows = () => page.evaluate(() => Math.round(document.querySelector(".content").clientHeight / 24) - 1);

describe("following", () => {
  test("stops when the reader scrolls up, counts what comes, and goes on at the pill", async () => {
    await emit(200);
    await row("line 200").waitFor();
    assert.ok(await atEnd());
    await scroll(-600);
    await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
    const first = await page.locator(".row").first().getAttribute("data-seq");
    await emit(37, "fresh");
    const pill = page.getByRole("button", { name: "37 new" });
    await pill.waitFor();
    assert.equal(await page.locator(".row").first().getAttribute("data-seq"), first, "the list moved under the reader");
    await pill.click();
    await row("fresh 37").waitFor();
    await page.getByRole("button", { name: "Follow", pressed: true }).waitFor();
    assert.ok(await atEnd());
    fine();
  });

  test("scrolling back to the end follows again", async () => {
    await emit(200);
    await row("line 200").waitFor();
    await scroll(-600);
    await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
    await scroll(5000);
    await page.getByRole("button", { name: "Follow", pressed: true }).waitFor();
  });

  test("the keys j, k, Enter, Esc, f walk, open, close and follow", async () => {
    await emit(100);
    await row("line 100").waitFor();
    for (const key of ["k", "k", "ArrowUp", "j"]) await page.keyboard.press(key);
    assert.match(await page.locator(".row.selected").innerText(), /line 99/);
    await page.keyboard.press("Enter");
    await page.locator("aside", { hasText: "line 99" }).waitFor();
    await page.keyboard.press("k");
    await page.locator("aside", { hasText: "line 98" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator("aside").waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await row("line 1").waitFor();
    await page.keyboard.press("f");
    await row("line 100").waitFor();
    assert.ok(await atEnd());
    fine();
  });
});

describe("pausing and clearing", () => {
  test("a pause holds, counts, and loses nothing", async () => {
    await emit(5);
    await row("line 5").waitFor();
    await page.keyboard.press("p");
    await emit(12, "later");
    await page.getByRole("button", { name: "Resume 12 new" }).waitFor();
    assert.equal(await rows(), 5);
    await page.keyboard.press("p");
    await row("later 12").waitFor();
    assert.equal(await rows(), 17);
  });

  test("a long pause makes the server hold; what it dropped is a gap", async () => {
    await page.keyboard.press("p");
    await emit(12_000);
    await page.getByRole("button", { name: /Resume 12,000\+ new/ }).waitFor();
    await emit(25_000, "more");
    await page.keyboard.press("p");
    await row("more 25000").waitFor();
    assert.equal(await rows(), 32_001);
    await scroll(-20_002 * 24);
    await page.locator(".gap", { hasText: "5,000 entries are not shown (paused)" }).waitFor();
    fine();
  });

  test("clear empties the view only", async () => {
    await emit(5);
    await row("line 5").waitFor();
    await page.keyboard.press("c");
    await page.getByText("A clean page").waitFor();
    await emit(1, "after");
    await row("after").waitFor();
    assert.equal(await rows(), 1);
    await page.getByRole("button", { name: "Load earlier entries" }).click();
    await row("line 5").waitFor();
    assert.equal(await rows(), 6);
    await page.getByRole("button", { name: "Load earlier entries" }).waitFor({ state: "detached" });
    await page.keyboard.press("c");
    await page.getByRole("button", { name: "bring back what was there" }).click();
    await row("after").waitFor();
  });
});

describe("rows", () => {
  test("repeats fold into one and keep counting", async () => {
    await pull("repeat?n=40&msg=heartbeat");
    await page.getByText("×40").waitFor();
    await pull("repeat?n=1&msg=heartbeat");
    await page.getByText("×41").waitFor();
    assert.equal(await rows(), 1);
    await page.locator(".row .text").click();
    await page.getByText(/41 times within/).waitFor();
  });

  test("a gap is loaded in its place, page by page", async () => {
    await emit(3);
    await pull("lose?n=600&msg=lost");
    await page.locator(".gap", { hasText: "600 entries are not shown (slow reader)" }).waitFor();
    await emit(1, "after");
    await page.locator(".gap").click();
    await page.locator(".gap", { hasText: "100 entries" }).waitFor();
    await page.getByRole("button", { name: "Follow", exact: true }).waitFor();
    await page.locator(".gap").click();
    await page.locator(".gap").waitFor({ state: "detached" });
    assert.equal(await rows(), 604);
    const seqs = (await page.locator(".row").evaluateAll((l) => l.map((x) => Number(x.dataset.seq)))).toSorted((a, b) => a - b);
    for (let i = 1; i < seqs.length; i++) assert.equal(seqs[i], seqs[i - 1] + 1);
    fine();
  });

  test("a reload is a rule; one that failed has its code frame", async () => {
    await pull("reload");
    await page.locator(".row.reload").waitFor();
    await pull("broken");
    await page.locator(".row.reload.error .text").click();
    await page.locator("aside .hit", { hasText: "return answer.json()" }).waitFor();
    await page.locator("aside").getByText("scripts/orders/fulfil.ts:16:12").waitFor();
    fine();
  });

  test("HTML in a message is text", async () => {
    await pull(`entry?json=${encodeURIComponent(JSON.stringify({ msg: "<img src=x onerror=alert(1)>", fields: { html: "<b>bold</b>" } }))}`);
    await row("<img src=x onerror=alert(1)>").waitFor();
    await page.locator(".row .text").click();
    await page.locator("aside pre", { hasText: "<b>bold</b>" }).waitFor();
    assert.equal(await page.locator(".tail img, .tail b").count(), 0);
    fine();
  });

  test("time is local, UTC, or since the one above", async () => {
    await emit(2);
    await row("line 2").waitFor();
    await page.keyboard.press("t");
    await page.getByRole("button", { name: "UTC" }).waitFor();
    await page.keyboard.press("t");
    await page.getByRole("button", { name: "Δ time" }).waitFor();
    assert.match(await page.locator(".row time").last().innerText(), /^(·|\+\d+ ms)$/);
  });

  test("a failed run shows its error, its stack and its cause", async () => {
    await pull("decline");
    await page.locator(".row.error .text").last().click();
    const aside = page.locator("aside");
    await aside.getByText("at charge (scripts/orders/fulfil.ts:22:24)").waitFor();
    await aside.getByText("DeclinedError: the card has too little on it").waitFor();
    await aside.getByRole("button", { name: "Only this run" }).click();
    assert.match(await page.getByRole("combobox").inputValue(), /^run:[0-9a-f-]{36}$/);
  });
});

describe("a worker that ended", () => {
  test("is an entry of the script whose doing it was, which is marked in the list", async () => {
    const item = page.locator("li:has([data-script='sync/contacts'])");
    await item.waitFor();
    assert.equal(await page.locator(".apart").count(), 0);
    await pull("worker");
    const badge = item.locator(".about .apart");
    await badge.waitFor();
    assert.match(await badge.getAttribute("title"), /^its last run or request ended its worker process; it executes apart until \d\d:\d\d:\d\d$/);
    assert.equal(await page.locator(".about .apart").count(), 1, "others are not marked");
    const ended = page.locator(".row.error", { hasText: "worker 1 has ended" });
    await ended.waitFor();
    assert.equal(await ended.locator(".script").innerText(), "sync/contacts");
    assert.equal(await ended.locator(".kind").innerText(), "server");
    await page.locator(".row.warn", { hasText: "orders/refund was executing there" }).waitFor();
    await ended.locator(".text").click();
    const aside = page.locator("aside");
    await aside.getByText("executes in the quarantine, one turn at a time").waitFor();
    await aside.getByRole("button", { name: "Only this script" }).click();
    await page.locator(".list:not(.pending)").waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 2);
    await item.locator(".detail .apart", { hasText: "Its last run or request ended its worker process; it executes apart until" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".row", { hasText: "ResourceError" }).locator(".text").click();
    await aside.getByText("at scheduled, last seen (scripts/sync/contacts.ts:18:13)").waitFor();
    fine();
  });
});

describe("the filter box", () => {
  test("completes keys and script names, and remembers", async () => {
    await pull("live?n=20");
    await page.locator(".row").first().waitFor();
    const box = page.getByRole("combobox");
    await page.keyboard.press("/");
    await page.keyboard.type("scr");
    await page.keyboard.press("Tab");
    assert.equal(await box.inputValue(), "script:");
    await page.keyboard.type("ful");
    await page.getByRole("option", { name: "orders/fulfil" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.equal(await box.inputValue(), "script:orders/fulfil ");
    await page.keyboard.press("Enter");
    await page.locator(".list:not(.pending)").waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(".row .script")].every((s) => s.textContent === "orders/fulfil"));
    await box.fill("");
    await page.keyboard.press("ArrowUp");
    assert.equal((await box.inputValue()).trim(), "script:orders/fulfil");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("role")), "log");
    fine();
  });

  test("typing applies by itself, and finds the past", async () => {
    await emit(50);
    await row("line 50").waitFor();
    await page.getByRole("combobox").fill('"line 7"');
    await page.waitForFunction(() => document.querySelectorAll(".row").length === 1);
    await page.getByRole("combobox").fill("nothing-like-it");
    await page.getByText("Nothing matches yet").waitFor();
    await page.getByRole("button", { name: "show everything" }).click();
    await row("line 50").waitFor();
  });

  test("clicking a run in a row filters by it", async () => {
    await pull("live?n=12");
    await page.locator(".row .run").last().click();
    assert.match(await page.getByRole("combobox").inputValue(), /^run:/);
  });
});

describe("the connection", () => {
  test("comes back by itself; nothing is lost or doubled", async () => {
    await emit(10);
    await row("line 10").waitFor();
    await pull("cut");
    await page.locator("[data-link='waiting'], [data-link='connecting']").waitFor();
    await emit(10, "missed");
    await row("missed 10").waitFor();
    assert.equal(await rows(), 20);
    const texts = await page.locator(".row .msg").allTextContents();
    assert.equal(new Set(texts).size, 20);
  });

  test("a restart is marked; the numbers go on", async () => {
    await emit(3);
    await row("line 3").waitFor();
    await pull("restart");
    await page.getByText("the server was restarted").waitFor();
    await emit(1, "again");
    await row("again").waitFor();
    assert.equal(await rows(), 5);
  });

  test("a restart with a new log starts over", async () => {
    await emit(30);
    await row("line 30").waitFor();
    await pull("restart?lose");
    await page.getByText("the server started with a new log").waitFor();
    await emit(2, "again");
    await row("again 2").waitFor();
    assert.equal(await rows(), 33);
  });

  test("a server that is gone is said, and asked again on request", async () => {
    const port = new URL(mock.url).port;
    await emit(3);
    await row("line 3").waitFor();
    await mock.close();
    await page.locator("[data-link='waiting']").waitFor();
    await page.getByText("The server cannot be reached. What you see is from before.").waitFor();
    await page.screenshot({ path: join(SHOTS, "tail-offline.png") });
    mock = await start({ port: Number(port) });
    await page.locator("[data-link='live']").waitFor();
    await page.getByText("What you see is from before.").waitFor({ state: "detached" });
  });
});

test("100,000 rows scroll smoothly while 5,000 lines a second come in", async () => {
  await emit(1);
  await row("line").waitFor();
  for (let i = 0; i < 24; i++) await emit(5000);
  await page.waitForFunction(() => document.querySelector(".content").clientHeight > 99_999 * 24, undefined, { timeout: 60_000 });
  assert.equal(await rows(), 100_000);
  const flood = (async () => { for (let i = 0; i < 10; i++) { await emit(1000, "flood"); await page.waitForTimeout(150); } })();
  // The reader drags through the whole list; each frame must have its rows.
  const r = await page.evaluate(async () => {
    const log = document.querySelector(".log");
    const frames = [];
    let blank = 0;
    const next = () => new Promise(requestAnimationFrame);
    for (let i = 0; i < 90; i++) {
      const t = performance.now();
      log.scrollTop = (log.scrollHeight * ((i * 37) % 90)) / 90;
      await next();
      await next();
      frames.push((performance.now() - t) / 2);
      const box = log.getBoundingClientRect();
      if (!document.elementFromPoint(box.left + 200, box.top + box.height / 2)?.closest(".row, .gap")) blank++;
    }
    frames.sort((a, b) => a - b);
    return { median: frames[45], p95: frames[85], blank };
  });
  await flood;
  process.stdout.write(`# 100,000 rows: frame median ${r.median.toFixed(1)} ms, p95 ${r.p95.toFixed(1)} ms, ${r.blank} blank\n`);
  assert.equal(r.blank, 0);
  // Generous, for a busy machine: a list that draws all its rows takes seconds.
  assert.ok(r.median < 250, `median frame ${r.median} ms`);
  assert.equal(await page.locator(".row").count() < 120, true);
  fine();
});

test("the theme follows the system until it is chosen, and is remembered", async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await paper();
  assert.notEqual(dark, light);
  const button = page.getByRole("button", { name: /^Theme/ });
  await button.click();
  await button.click();
  assert.equal(await paper(), dark);
  await page.reload();
  await page.locator("[data-link='live']").waitFor();
  assert.equal(await paper(), dark);
});
