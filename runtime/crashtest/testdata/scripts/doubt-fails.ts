// A write in doubt is an error that the script can catch.
export default async function (_input: unknown, env: any) {
  try {
    await env.up.post("/a", { json: 1, inDoubt: "fail" });
    return "fine";
  } catch (e: any) {
    return e.code;
  }
}
