// Shows how far it is.
import { publish, sleep } from "reprise:run";

export default async function (_input: unknown, env: any) {
  for (let percent = 0; percent <= 100; percent += 50) {
    await publish({ percent, message: `at ${percent}` });
    await env.up.get(`/parts/${percent}`);
    await sleep(50);
  }
  return "done";
}
