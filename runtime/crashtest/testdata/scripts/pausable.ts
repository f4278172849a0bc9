// Is paused in the middle of a slow write, which is awaited.
export default async function (_input: unknown, env: any) {
  await env.up.put("/first", { json: 1 });
  await env.up.put("/slow?ms=20000", { json: 2 });
  return await env.up.put("/last", { json: 3 }).json();
}
