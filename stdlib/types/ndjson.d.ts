declare module "reprise:ndjson" {
	/** The values of a text with a JSON value on each line. Empty lines are left out. An `InvalidJSONError` names the line. */
	export function parse<T = any>(text: string): T[];

	/**
	 * The values of a response, one after the other, each parsed when it is asked for. In a `fetch` handler they come as they arrive;
	 * in a durable run the response is read to its end first.
	 *
	 * @example
	 * for await (const row of values<Row>(http.get(`${api}/export`))) await kv.set(["rows", row.id], row);
	 */
	export function values<T = any>(response: Response | PromiseLike<Response>): AsyncIterableIterator<T>;
}
