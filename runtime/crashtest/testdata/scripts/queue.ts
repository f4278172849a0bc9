// Starts runs of which one may be under way at a time.
import { start } from "reprise:run";

export default async function () {
  for (let n = 1; n <= 4; n++) await start("limited", { n, key: n % 2 });
  return "started";
}
