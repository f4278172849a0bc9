// npm run shots: pictures of every view in both themes, to be looked at.
import { join } from "node:path";
import { start } from "../mock/server.mjs";
import { launch, open, SHOTS } from "./browser.mjs";

const SIZES = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const browser = await launch();
const mock = await start();
const bare = await start({ empty: true });
const pull = (what) => fetch(`${mock.url}/mock/${what}`);
await pull("live?n=60");
await pull("reload");
await pull("live?n=6");
await pull("repeat?n=41&msg=heartbeat");
await pull("broken");
await pull("live?n=4");
await pull("sync");
await pull("worker");
await pull("decline");

for (const theme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, wrong, close } = await open(browser, { viewport, colorScheme: theme });
    const shot = async (name) => {
      await page.waitForTimeout(250);
      await page.screenshot({ path: join(SHOTS, `${size}-${theme}-${name}.png`) });
    };
    await pull("decline");
    await page.goto(`${mock.url}/`);
    await shot("gate");
    await page.goto(`${mock.url}/#token=${mock.token}`);
    await page.locator(".row").first().waitFor();
    if (size === "desk") await pull("lose?n=841");
    await shot("tail");
    await page.keyboard.press("k");
    await page.keyboard.press("k");
    await page.locator(".row.error").last().click();
    await page.locator("aside").waitFor();
    await pull("emit?n=37");
    await shot("detail");
    await page.keyboard.press("Escape");
    if (size === "phone") await page.getByRole("button", { name: /Scripts/ }).click();
    await page.locator("[data-script='orders/fulfil']").click();
    if (size === "phone") await page.getByRole("button", { name: /Scripts/ }).click();
    await page.waitForTimeout(600);
    await shot("script");
    await pull("worker");
    await page.locator("[data-script='sync/contacts']").click();
    if (size === "phone") await page.getByRole("button", { name: /Scripts/ }).click();
    await page.locator("[data-script='sync/contacts'] ~ .detail .apart").waitFor();
    await shot("apart");
    if (size === "phone") await page.getByRole("button", { name: /Scripts/ }).click();
    await page.locator(".row.error", { hasText: "worker 1 has ended" }).last().locator(".text").click();
    await page.locator("aside").waitFor();
    await shot("worker");
    await page.keyboard.press("Escape");
    const box = page.getByRole("combobox");
    await box.fill("levle:warn ");
    await page.locator("#filter-error").waitFor();
    await shot("filter-error");
    await box.fill("");
    await box.pressSequentially("level:>=warn s");
    await shot("complete");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "How filters are written" }).click();
    await shot("filter-help");
    await page.getByRole("button", { name: "How filters are written" }).click();
    await page.getByRole("button", { name: /Help and keyboard/ }).click();
    await shot("help");
    await page.goto(`${bare.url}/#token=${bare.token}`);
    await page.getByText("All quiet").waitFor();
    await shot("empty");
    if (size === "phone") {
      await page.getByRole("button", { name: /Scripts/ }).click();
      await shot("empty-scripts");
    }
    if (wrong.length > 0) process.stdout.write(`${size} ${theme}: ${wrong.join("\n")}\n`);
    await close();
  }
}
await browser.close();
await mock.close();
await bare.close();
