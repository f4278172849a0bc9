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

	type Data = string | ArrayBuffer | ArrayBufferView | Blob;
	type Encoding = "hex" | "base64" | "base64url";
	type Hash = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";
	type Algorithm = "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512" | "EdDSA";

	/**
	 * The HMAC of data, made by the server with the value of a secret. A call, like a request: a replay has the same answer.
	 *
	 * @example
	 * const signature = await hmac(secret("SIGNING_KEY"), `${timestamp}.${body}`);
	 */
	export function hmac(
		key: Secret,
		data: Data,
		options?: {
			/** Default "SHA-256". */
			hash?: Hash;
			/** Of the result. Default "hex". */
			encoding?: Encoding;
			/** How the secret's text has the bytes of the key, where it is not the key itself. */
			keyEncoding?: "base64" | "hex";
		},
	): Promise<string>;

	/** The signature of data by a private key, PEM or JWK, that is the value of a secret; that of ECDSA as in JWS. */
	export function sign(
		key: Secret,
		data: Data,
		options: {
			algorithm: Algorithm;
			/** Default "base64url". */
			encoding?: Encoding;
		},
	): Promise<string>;

	/** Whether a signature is what `hmac` (the default, SHA-256 in hex) or `sign` makes of data. It takes as long whatever is wrong with it. */
	export function verify(key: Secret, data: Data, signature: string, options?: ({ hash?: Hash; keyEncoding?: "base64" | "hex" } | { algorithm: Algorithm }) & { encoding?: Encoding }): Promise<boolean>;
}
