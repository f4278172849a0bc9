import { sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  try {
    await sleep("5 days");
  } finally {
    await env.up.put("/sleeper", { json: "woken" });
  }
}
