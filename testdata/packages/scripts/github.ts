import { Octokit } from "octokit";

export const config = { connections: ["github"] };

export default {
  async run({ port }: any, env: any) {
    const octokit = new Octokit({ baseUrl: `http://127.0.0.1:${port}`, request: { fetch: env.github.fetch } });
    const issues = await octokit.paginate("GET /repos/{owner}/{repo}/issues", { owner: "o", repo: "r" });
    const status = await octokit.request("GET /nothing").catch((error) => error.status);
    return { issues: issues.map((issue: any) => issue.title), status };
  },
};
