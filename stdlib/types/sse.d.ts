declare module "reprise:sse" {
	/** An event of a `text/event-stream`. */
	export interface ServerEvent {
		/** Its type. Default "message". */
		readonly event: string;
		/** Its lines, joined with "\n". Not parsed: `JSON.parse(data)`. */
		readonly data: string;
		/** The last id that there was, or "". */
		readonly id: string;
		/** The last reconnection time that there was, in milliseconds. */
		readonly retry: number | undefined;
	}

	/** The events in the text of an event stream, as the HTML standard reads it. */
	export function parse(text: string): ServerEvent[];

	/**
	 * The events of a response. In a `fetch` handler they come as they arrive; in a durable run the response is read to its end first.
	 *
	 * @example
	 * for await (const { data } of events(http.post(url, { json: { prompt, stream: true } }))) {
	 *   if (data !== "[DONE]") text += JSON.parse(data).delta;
	 * }
	 */
	export function events(response: Response | PromiseLike<Response>): AsyncIterableIterator<ServerEvent>;
}
