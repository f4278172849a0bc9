declare module "reprise:paginate" {
	import type { HTTPClient, HTTPOptions } from "reprise:http";

	/** A path into the answer, such as "meta.next", or a function that finds it. */
	type Where<T> = string | ((body: any, response: Response) => T);

	export interface PaginateOptions<T> extends Pick<HTTPOptions, "query" | "headers" | "timeout" | "retry" | "auth" | "signal" | "redirect"> {
		/** The next page is a URL: in the `Link` header under `rel` ("next"), or in the body at `path`. This is the default. */
		link?: { rel?: string; path?: Where<string | null | undefined> };
		/** The answer says a cursor at `path`, which is sent back in the query, as "cursor" or under another name. */
		cursor?: { path: Where<string | number | null | undefined>; query?: string };
		/** The next page begins behind the items of this one, up to an empty page, or to the number at `total`. Sent as "offset". */
		offset?: { query?: string; total?: Where<number | string | null | undefined> };
		/** Pages are numbered from `first` (1), up to an empty page, or as many as the number at `pages` says. Sent as "page". */
		page?: { query?: string; first?: number; pages?: Where<number | string | null | undefined> };
		/** Where in the answer the items are. Default: the answer is a list. */
		items?: Where<readonly T[] | null>;
		/** Go on from here: the `cursor` of a page of the same list. */
		from?: string | number | null;
		/** How many pages there may be, 1 to 100,000. One more is a `PaginationError`. Default 1,000. */
		maxPages?: number;
		/** Other hosts that links may lead to. They get the headers and credentials of the requests. */
		hosts?: readonly string[];
	}

	export interface Page<T> {
		readonly items: T[];
		/** Where the next page is: `from` goes on there. Null after the last one. */
		readonly cursor: string | null;
		/** 1 for the first page that was asked for. */
		readonly number: number;
		/** The answer. */
		readonly body: any;
		readonly response: Response;
	}

	/** Items, read page after page as they are asked for. */
	export interface Pages<T> extends AsyncIterable<T> {
		/** The same, page by page. */
		pages(): AsyncIterableIterator<Page<T>>;
		/** All items. */
		toArray(): Promise<T[]>;
	}

	/**
	 * Reads a list that an API gives in pages.
	 *
	 * @example
	 * for await (const contact of paginate<Contact>(env.self, "/shop/crm/contacts", { items: "contacts", cursor: { path: "next" } })) {
	 *   console.log(contact.name);
	 * }
	 */
	export function paginate<T = any>(client: HTTPClient, url: string | URL, options?: PaginateOptions<T>): Pages<T>;

	/** One link of a `Link` header. */
	export interface Link {
		/** As it is written there, relative perhaps. */
		url: string;
		/** In small letters. */
		rel: string[];
		/** All parameters, names in small letters; of several with one name the first. */
		params: Record<string, string>;
	}

	/** Reads a `Link` header (RFC 8288). */
	export function parseLink(header: string | null | undefined): Link[];
}
