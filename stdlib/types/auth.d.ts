declare module "reprise:auth" {
	import type { Secret } from "reprise:secrets";

	/** How a request is authenticated: a value for the option `auth` of `reprise:http`. */
	export interface Auth {
		readonly type: "bearer" | "basic" | "apiKey" | "oauth2" | "standardWebhooks";
	}

	/** `Authorization: Bearer …` */
	export function bearer(token: Secret): Auth;

	/** HTTP basic authentication. The user may be literal text, the password is a secret. */
	export function basic(user: string, password: Secret): Auth;

	/** A key in a header, in the query or in a cookie: one of the three names where. */
	export function apiKey(
		options:
			| { header: string; query?: undefined; cookie?: undefined; value: Secret }
			| { query: string; header?: undefined; cookie?: undefined; value: Secret }
			| { cookie: string; header?: undefined; query?: undefined; value: Secret },
	): Auth;

	export interface OAuth2Options {
		/** The token endpoint. */
		tokenUrl: string;
		clientId: string;
		clientSecret: Secret;
		/** A list, or text with spaces between the scopes. */
		scopes?: readonly string[] | string;
		audience?: string;
	}

	/**
	 * OAuth 2.0 client credentials. The access token is asked for at first need, shared by all runs, replaced
	 * before it ends, and replaced once more when the API answers 401.
	 */
	export function oauth2(options: OAuth2Options): Auth;

	/**
	 * Signs each attempt as Standard Webhooks have it: `webhook-timestamp` and `webhook-signature`. The request needs a
	 * header `webhook-id`. `webhooks.send` of reprise:webhooks does all of it.
	 */
	export function standardWebhooks(secret: Secret): Auth;
}
