// Fails, and another script is told.
export const config = { onFailed: "told" } as const;

export default async function (_input: unknown, env: any) {
  await env.up.put("/doing", { json: 1 });
  throw new RangeError("out of range");
}
