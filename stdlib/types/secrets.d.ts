declare module "reprise:secrets" {
	/**
	 * A secret, as scripts hold it: a token that stands for the value. The server puts the value in its
	 * place in requests just before they leave, in headers, URLs and bodies.
	 */
	export type Secret = string & { readonly __secret: unique symbol };

	/**
	 * The token of a secret, the same within one run. The value is set outside: with `reprise secret set NAME`, or
	 * as `REPRISE_SECRET_NAME` in the environment, or in `.env` in development.
	 *
	 * @throws SecretMissingError when there is no secret of that name
	 *
	 * @example
	 * import { secret } from "reprise:secrets";
	 * await http.get(url, { headers: { "x-api-key": secret("CRM_KEY") } });
	 */
	export function secret(name: string): Secret;
}
