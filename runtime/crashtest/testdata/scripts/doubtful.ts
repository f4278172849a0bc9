// Writes that nobody keyed, which may be sent again.
export default async function (_input: unknown, env: any) {
  const a = await env.up.post("/a", { json: 1, inDoubt: "retry" }).json();
  const b = await Promise.all([2, 3].map((n) => env.up.post("/b", { json: n, inDoubt: "retry" }).json()));
  return [a, b];
}
