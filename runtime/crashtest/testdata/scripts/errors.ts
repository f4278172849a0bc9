// Errors that are thrown, caught, wrapped and thrown again.
import { sleep } from "reprise:run";

class ShopError extends Error {
  override name = "ShopError";
  code = "SHOP_ERROR";
}

export default async function (_input: unknown, env: any) {
  const caught: string[] = [];
  for (const path of ["/status/400", "/status/404", "/status/500?after=1"]) {
    await env.up.get(path, { retry: 1 }).catch((e: any) => caught.push(`${e.name} ${e.status} ${e.message}`));
  }
  try {
    null!.x;
  } catch (e: any) {
    caught.push(e.name);
  }
  await sleep(3000);
  await env.up.put("/caught", { json: caught });
  try {
    await env.up.get("/status/403");
  } catch (cause) {
    throw new ShopError("the shop says no", { cause });
  } finally {
    await env.up.put("/finally", { json: 1 });
  }
}
