// What the type of a webhook's config allows and what it refuses. tsc checks it; it is never run.
import type { Config, Delivery, Script } from "reprise:script";

export const config = {
	webhook: {
		path: "/hooks/stripe", verify: { type: "stripe", secret: ["OLD", "NEW"] }, tolerance: "1m",
		dedupe: { key: "body.data.object.id", ttl: "3 days" }, ack: "after",
	},
} as const satisfies Config;

const custom: Config = { webhook: { verify: { type: "hmac", secret: "S", header: "X-Sign", encoding: "base64", timestamp: "X-Time" }, dedupe: false } };
const token: Config = { webhook: { verify: { type: "jwt", jwks: "https://a.example.com/keys", issuer: "a", audience: ["b"] } } };

// @ts-expect-error: nothing is verified
const open: Config = { webhook: { path: "/x" } };
// @ts-expect-error: there is no such scheme
const scheme: Config = { webhook: { verify: { type: "paypal", secret: "S" } } };
// @ts-expect-error: two secrets at most
const three: Config = { webhook: { verify: { type: "github", secret: ["A", "B", "C"] } } };
// @ts-expect-error: a key is of a header or of the body
const key: Config = { webhook: { verify: { type: "github", secret: "A" }, dedupe: { key: "id" } } };
// @ts-expect-error: hmac needs a header
const header: Config = { webhook: { verify: { type: "hmac", secret: "A" } } };

export default {
	run(delivery: Delivery<{ type: string }>) {
		const id: string | null = delivery.id, kind: string = delivery.body.type, raw: string = delivery.text, agent: string | undefined = delivery.headers["user-agent"];
		return [id, kind, raw, agent, custom, token, open, scheme, three, key, header];
	},
} satisfies Script;
