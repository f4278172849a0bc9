// What the type of a config allows and what it refuses. tsc checks it; it is never run.
import type { Config } from "reprise:script";

export const config = {
	egress: { allow: ["api.example.com", "*.example.net:443", "10.0.0.0/8"] },
	limits: { body: "1MiB" },
} as const satisfies Config;

// @ts-expect-error: a list is in allow
const list: Config = { egress: ["api.example.com"] };
// @ts-expect-error: allow is needed
const none: Config = { egress: {} };
// @ts-expect-error: there is no deny
const deny: Config = { egress: { allow: [], deny: [] } };

export default { run: () => [list, none, deny] };
