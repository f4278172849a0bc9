export default async function (input: any, env: any) {
  await env.up.put("/told", { json: { script: input.run.script, status: input.run.status, error: input.run.error.message } });
  return input.run.error.name;
}
