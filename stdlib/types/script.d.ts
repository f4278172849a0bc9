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
		};
	}

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

	/** Is called at set times. */
	export type ScheduledHandler = (event: any, env: Env, ctx: Context) => unknown;

	/** The default export of a script: one handler at least. A function alone is a run handler. */
	export interface Script<Input = any, Output = unknown> {
		fetch?: FetchHandler;
		run?: RunHandler<Input, Output>;
		scheduled?: ScheduledHandler;
	}
}
