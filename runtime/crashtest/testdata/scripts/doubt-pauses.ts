// A write in doubt stops the run until somebody decides.
export default async function (_input: unknown, env: any) {
  return (await env.up.post("/a", { json: 1 }).json()).path;
}
