// Small helpers that the demo shop's APIs share. A file or folder whose name
// begins with an underscore is no script: it can be imported, and nothing else.
import { kv } from "reprise:kv";
import type { FetchContext } from "reprise:script";

/** The parts of the path below the script: for shop/inventory, "/shop/inventory/holds/h1" is ["holds", "h1"]. */
export function pathOf(request: Request, ctx: FetchContext): string[] {
  const below = new URL(request.url).pathname.slice(`/${ctx.script}`.length);
  return below.split("/").filter(Boolean).map(decodeURIComponent);
}

/** An error answer, in the form of RFC 9457. */
export function problem(status: number, title: string, headers: Record<string, string> = {}): Response {
  return Response.json({ status, title }, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

/**
 * Whether this is the n-th, 2n-th, 3n-th … request for something. Real APIs fail now and then; those of the shop do
 * it by counting, so that you can watch it happen. `kv` is the namespace of the script that imports this file.
 */
export async function everyNth(n: number, what: string): Promise<boolean> {
  await kv.atomic().sum(["requests", what], 1).commit();
  const count = await kv.get<number>(["requests", what]);
  return (count.value ?? 0) % n === 0;
}

/** A short random id with a prefix that says what it is: "h_3f9a0c1e". */
export function id(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().slice(0, 8)}`;
}
