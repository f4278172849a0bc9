/**
 * Types of what a script exports. There is nothing in it at run time: use `import type`.
 *
 * @example
 * import type { Config, Script } from "reprise:script";
 *
 * export const config = { http: { path: "/orders", method: "POST" } } satisfies Config;
 *
 * export default {
 *   async fetch(request, env) { return Response.json(await env.self.get("/hello").json()); },
 * } satisfies Script;
 */
declare module "reprise:script" {
	import type { Connection } from "reprise:http";

	/** `export const config`: a literal, read without executing the script. */
	export interface Config {
		/** A sentence for people. */
		description?: string;
		/** How long a fetch request may take: milliseconds or text. Default 30 s, at most 15 minutes. */
		timeout?: number | string;
		/** Whether requests may share a VM, one after another ("reuse", the default), or get a new one each ("fresh"). */
		isolation?: "reuse" | "fresh";
		/**
		 * What the script may use, as far as the server allows: asking for more is an error. Times are text ("500ms") or
		 * milliseconds, sizes are text ("1MiB", "500KB") or bytes.
		 */
		limits?: Limits;
		/**
		 * What the script calls by URL, of what the server allows: hosts, `*.example.com` for the names below one, addresses
		 * and prefixes for URLs that have an address, each but prefixes with a port if only that is meant. An empty list is
		 * nothing. Connections are not touched.
		 */
		egress?: { allow: readonly string[] };
		/** The connections that the script uses, as `env.NAME`. */
		connections?: readonly string[];
		http?: {
			/** The route, with `:parameters` and perhaps a `*` at the end. Default: the script's name. */
			path?: string;
			/** Default: all. */
			method?: Method | readonly Method[];
			/** Whether pages of other origins may call: all, the listed ones, or in detail. */
			cors?: true | string | readonly string[] | {
				origins?: string | readonly string[];
				methods?: Method | readonly Method[];
				headers?: string | readonly string[];
				credentials?: boolean;
				maxAge?: number | string;
			};
			/** Who may call: everybody, or who sends `Authorization: Bearer` with the value of a secret. */
			auth?: "none" | { token: string };
			/**
			 * What the request that starts a run is answered with: "accepted" (the default) is 202 at once, with where the run
			 * can be watched; "result" waits up to 30 s for the result. Only where the `run` handler owns the route.
			 */
			respond?: "accepted" | "result";
		};

		/**
		 * Takes the deliveries of a webhook: each is verified before any code of the script, kept, answered, and starts the
		 * `run` handler with a {@link Delivery}. Instead of `http`.
		 *
		 * @example { verify: { type: "stripe", secret: "STRIPE_WEBHOOK" } }
		 */
		webhook?: Webhook;

		/**
		 * When the handler `scheduled` is called: a cron expression of five fields (minute, hour, day of the month, month,
		 * day of the week), with seconds before them if there are six, or `@daily` and the like. In UTC, unless said otherwise.
		 *
		 * @example "0 3 * * *"  // 03:00 every day
		 * @example "30 8 * * MON-FRI"  // 08:30 on working days
		 */
		schedule?: string | Schedule;
		/**
		 * How many runs are under way at once; others wait, first in first out. With `key`, a dotted path into the input
		 * ("input.orderId"), each value there has the limit for itself.
		 */
		concurrency?: number | { limit: number; key?: InputPath };
		/** How many runs begin in a time, in all or for each value of `key`; others wait, first in first out. */
		rate?: { limit: number; per: number | string; key?: InputPath };
		/** What becomes of a run that fails: it is undone and ends ("fail", the default), or stops before that until somebody decides ("pause"). */
		onFailure?: "fail" | "pause";
		/** The script that is started with every run that failed. */
		onFailed?: string;
		/** When a run waits for the disk: before what can be seen from outside ("gated", the default), or at every step ("strict"). */
		durability?: "gated" | "strict";
	}

	/** What a script may use. A run has the limits that its script has now, also when its code is older. */
	export interface Limits {
		/** CPU time of a turn: the code between two awaits. Default 1 s. */
		turnCpu?: number | string;
		/** CPU time of all turns of a run, or of a request. Default 30 s. */
		runCpu?: number | string;
		/** How many calls of a run are performed at the same time; more wait. Default 64. */
		callsInFlight?: number;
		/** How many calls a run may make before it is paused. Default 100,000. */
		calls?: number;
		/** How deep the call stack may be. Default 1,000. */
		callDepth?: number;
		/** The largest body of a request to the script, and of either side of its calls. Default 32 MiB. */
		body?: number | string;
		/** The largest result of a run, and answer that the script made itself. Default 8 MiB. */
		result?: number | string;
		/** The largest value of the key-value store. Default and most: 1 MB. */
		kvValue?: number | string;
		/** How many lines the script may print in a second, 2.5 times as many at once. Default 200. */
		logRate?: number;
		/** How large the script may be with everything it imports. Default 4 MiB. */
		source?: number | string;
	}

	/** How deliveries come, and what is done with them. */
	export interface Webhook {
		/** The route, without parameters. Default: the script's name. */
		path?: string;
		/** How a delivery shows who has sent it. */
		verify: Verify;
		/** How far the time of a signature may be from now, at most 24 hours, where what is signed has a time. Default 5 minutes. */
		tolerance?: number | string;
		/**
		 * What makes two deliveries the same: of equal ones within `ttl` (default 24 hours, at most 31 days) one starts a run.
		 * Default: the id that the sender gives them. `false`: each starts a run.
		 */
		dedupe?: false | { key?: `header.${string}` | `body.${string}`; ttl?: number | string };
		/**
		 * When the sender is answered: "before" the run (the default), with 202 as soon as the delivery is on disk; or
		 * "after" it, with how it ended, if that is within 30 seconds. Then the sender can try again what failed.
		 */
		ack?: "before" | "after";
	}

	/** The name of a secret; or two, of which each will do, while one takes the other's place. */
	export type SecretNames = string | readonly [string] | readonly [string, string];

	export type Verify =
		| { type: "standard-webhooks" | "stripe" | "github" | "slack" | "shopify"; secret: SecretNames }
		| {
			/** Any other that signs with a shared secret. */
			type: "hmac";
			secret: SecretNames;
			/** The header with the signature. */
			header: string;
			/** Default "sha256". */
			algorithm?: "sha1" | "sha256" | "sha384" | "sha512";
			/** How the signature is written. Default "hex". */
			encoding?: "hex" | "base64" | "base64url";
			/** How the secret is written. Default: it is the key as it is. */
			keyEncoding?: "hex" | "base64";
			/** What stands before the signature: "sha256=". */
			prefix?: string;
			/** The header with the time, in seconds or milliseconds since 1970. */
			timestamp?: string;
			/** What is signed, with `{body}`, `{timestamp}` and `{header.NAME}`. Default "{body}", with a time "{timestamp}.{body}". */
			message?: string;
		}
		| {
			/** A token of an identity provider. */
			type: "jwt";
			/** The https URL of the issuer's keys. */
			jwks: string;
			issuer: string;
			/** Whom the token has to be for: one of these. */
			audience: string | readonly string[];
			/** Default "Authorization", after "Bearer". Another one has the token alone, or after "Bearer". */
			header?: string;
		};

	/** The input of a run that a webhook starts. */
	export interface Delivery<Body = any> {
		/** The sender's own id of what it delivers, or null. */
		readonly id: string | null;
		/** By names in small letters, without those that verify it. Lines of one name are joined by ", ". */
		readonly headers: Readonly<Record<string, string>>;
		/** The value, if the body is JSON, and else its text. */
		readonly body: Body;
		/** The body as it came. */
		readonly text: string;
	}

	export interface Schedule {
		cron: string;
		/** An IANA name, such as "Europe/Oslo". Default: UTC. */
		timezone?: string;
		/** When the run before has not ended: make no run ("skip", the default), wait for it ("queue"), or run beside it ("allow"). */
		overlap?: "skip" | "queue" | "allow";
		/** What passed while the server did not run: skip it ("none", the default), make up for the latest, or for all. */
		catchUp?: "none" | "latest" | "all";
	}

	/** A dotted path into the input: no expressions. */
	export type InputPath = "input" | `input.${string}`;

	export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

	/**
	 * A handler's second argument: connections, and the plain values of `env:` in reprise.yaml. Name yours with
	 * `declare module "reprise:script" { interface Env { crm: Connection } }`.
	 */
	export interface Env {
		/** This server's own scripts. */
		readonly self: Connection;
		readonly [name: string]: any;
	}

	/** A handler's third argument. */
	export interface Context {
		/** The id of the run. */
		readonly run: string;
		readonly script: string;
		readonly revision: string;
		/** Keeps the run alive until the promise has settled, after the answer too. */
		waitUntil(promise: Promise<unknown>): void;
	}

	export interface FetchContext extends Context {
		/** The values of the path's `:parameters`. */
		readonly params: Readonly<Record<string, string>>;
	}

	/** Answers an HTTP request. */
	export type FetchHandler = (request: Request, env: Env, ctx: FetchContext) => Response | Promise<Response>;

	/** Does a piece of work: JSON in, JSON out. */
	export type RunHandler<Input = any, Output = unknown> = (input: Input, env: Env, ctx: Context) => Output | Promise<Output>;

	/** What a scheduled handler is called with. */
	export interface ScheduledEvent {
		/** The time that the schedule said, in milliseconds: `new Date(event.scheduledTime)`. It may be later by now. */
		readonly scheduledTime: number;
	}

	/** Is called at the times that `config.schedule` says. */
	export type ScheduledHandler = (event: ScheduledEvent, env: Env, ctx: Context) => unknown;

	/** The default export of a script: one handler at least. A function alone is a run handler. */
	export interface Script<Input = any, Output = unknown> {
		fetch?: FetchHandler;
		run?: RunHandler<Input, Output>;
		scheduled?: ScheduledHandler;
	}
}
