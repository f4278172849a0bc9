const m = __reprise.module("std");

// pagesMax is how many pages are followed where nobody says: of 100 items each they are 100,000, and a list that never
// ends stops at a hundredth of the calls that a run may make.
const pagesMax = 1000;

const styles = ["link", "cursor", "offset", "page"];
const passed = ["query", "headers", "timeout", "retry", "auth", "signal", "redirect"]; // to the client
const known = [...styles, "items", "from", "maxPages", "hosts", ...passed];

export function paginate(client, url, options) {
	const plan = planOf(client, url, options);
	return {
		[Symbol.asyncIterator]: () => itemsOf(plan),
		pages: () => pagesOf(plan),
		async toArray() {
			const all = [];
			for await (const page of pagesOf(plan)) for (const item of page.items) all.push(item);
			return all;
		},
	};
}

// planOf checks the arguments.
function planOf(client, url, options) {
	if (typeof client?.get !== "function") {
		throw m.error("INVALID_ARGUMENT_ERROR", `paginate takes a client first: http, one of http.create, or env.NAME; not ${m.typeOf(client)}`);
	}
	const o = m.options(options, "paginate", known);
	const chosen = styles.filter((name) => o[name] != null);
	if (chosen.length > 1) throw m.error("INVALID_ARGUMENT_ERROR", `paginate was told both ${chosen[0]} and ${chosen[1]}; an API has one kind of pages`);
	const name = chosen[0] ?? "link";
	const request = { throwHttpErrors: true };
	for (const option of passed) if (o[option] !== undefined) request[option] = o[option];
	const text = typeof url === "string" ? url : url?.href;
	if (typeof text !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `url must be a string or a URL, not ${m.typeOf(url)}`);
	if (o.from != null && typeof o.from !== "string" && typeof o.from !== "number") {
		throw m.error("INVALID_ARGUMENT_ERROR", `from must be the cursor of a page, not ${m.typeOf(o.from)}`);
	}
	if (o.hosts != null && !Array.isArray(o.hosts)) throw m.error("INVALID_ARGUMENT_ERROR", `hosts must be a list such as ["files.example.com"], not ${m.typeOf(o.hosts)}`);
	return {
		client, request, items: o.items,
		url: text,
		from: o.from == null || o.from === "" ? undefined : String(o.from),
		most: o.maxPages == null ? pagesMax : m.count(o.maxPages, "maxPages", 1, 100_000),
		style: { link, cursor, offset, page }[name](o[name] ?? {}, text, o.hosts ?? []),
	};
}

// itemsOf goes through the items of pages. An async generator would do the same at four times the cost of an item.
function itemsOf(plan) {
	const pages = pagesOf(plan);
	let items = [];
	let at = 0;
	let over = false;
	let turning; // the promise that the next page is there, shared by those who wait for it
	const turn = async () => {
		try {
			const next = await pages.next();
			over ||= next.done === true;
			items = over ? [] : next.value.items;
			at = 0;
		} finally {
			turning = undefined;
		}
	};
	return {
		[Symbol.asyncIterator]() {
			return this;
		},
		async next() {
			while (at >= items.length && !over) await (turning ??= turn());
			return over ? { value: undefined, done: true } : { value: items[at++], done: false };
		},
		async return(value) {
			over = true;
			items = [];
			return { value, done: true };
		},
	};
}

// pagesOf follows the pages. What is wrong with the way to the next page is an error when that one is asked for: a
// script that has what it wanted hears nothing of it.
async function* pagesOf({ client, request, items, url, from, most, style }) {
	const seen = new Map(); // cursors, and the pages they led to
	let at = from;
	for (let number = 1; ; number++) {
		const promise = client.get(style.urlOf(at), at === undefined || !style.isWhole ? request : { ...request, query: undefined });
		const response = await promise;
		const body = response.status === 204 ? undefined : await response.json();
		const shown = `GET ${withoutQuery(response.url || url)}`;
		const list = listOf(items, body, response, shown);
		seen.set(style.keyOf(at, response), number);
		const next = style.next(at, body, response, list, shown);
		yield { items: list, cursor: next ?? null, number, body, response };
		if (next === undefined) return;
		const before = seen.get(next);
		if (before !== undefined) throw failure(`${shown}: page ${number} leads back to page ${before}; the list would never end`, next);
		style.check?.(next, response, shown);
		if (number >= most) throw failure(`${shown}: there are more than ${most} pages; go on with from: error.cursor, or raise maxPages`, next);
		at = next;
	}
}

// failure has the cursor for the script alone: a link may have credentials in its query, and errors are logged.
function failure(message, cursor) {
	const error = m.error("PAGINATION_ERROR", message);
	if (cursor !== undefined) Object.defineProperty(error, "cursor", { value: cursor, configurable: true, writable: true });
	return error;
}

// listOf finds the items in a page. Null is how some APIs write an empty list.
function listOf(items, body, response, shown) {
	if (body === undefined) return [];
	const list = items == null ? body : pick(items, body, response, "items");
	if (list === null && items != null) return [];
	if (Array.isArray(list)) return list;
	const has = typeof body === "object" && body !== null && !Array.isArray(body) ? `; the answer has ${Object.keys(body).slice(0, 10).join(", ") || "nothing"}` : "";
	throw m.error("PAGINATION_ERROR", `${shown}: ${typeof items === "string" ? `there is no list at items: "${items}"` : items ? "items gave no list" : "the answer is no list; say where it is, such as items: \"data\""}${has}`);
}

// pick follows a path such as "meta.next", or asks a function.
function pick(where, body, response, name) {
	if (typeof where === "function") return where(body, response);
	if (typeof where !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `${name} must be a path such as "meta.${name}" or a function, not ${m.typeOf(where)}`);
	let value = body;
	for (const part of where.split(".")) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
		value = value[part];
	}
	return value;
}

// ---- The kinds of pages. Each says which URL a cursor means, and what comes after a page. ----

// link: the next page is a URL, in the Link header (RFC 8288) or in the body.
function link(options, url, hosts) {
	const { rel = "next", path } = m.options(options, "link", ["rel", "path"]);
	if (typeof rel !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `rel must be a string, not ${m.typeOf(rel)}`);
	const places = new Places(url, hosts);
	return {
		isWhole: true, // a link has the query in it
		urlOf: (at) => (at === undefined ? url : places.from(at)),
		keyOf(at, response) {
			places.learn(at ?? url, response);
			return at ?? places.relative(response.url);
		},
		next(_at, body, response, _list, shown) {
			const target = path === undefined ? linked(response, rel) : pick(path, body, response, "path");
			if (target == null || target === "") return undefined;
			if (typeof target !== "string") throw failure(`${shown}: the link to the next page is ${m.typeOf(target)}, not text`);
			const full = URL.parse(target, response.url || undefined);
			if (full === null) throw failure(`${shown}: the link to the next page is no URL: ${withoutQuery(target).slice(0, 80)}`);
			full.hash = "";
			return places.relative(full.href);
		},
		check: (next, response, shown) => places.check(next, response, shown),
	};
}

// linked finds the target of a relation. A link with an anchor is about something else than the page.
function linked(response, rel) {
	const found = parseLink(response.headers.get("link")).find((l) => l.rel.includes(rel.toLowerCase()) && l.params.anchor === undefined);
	return found?.url;
}

// Places knows where links may lead: to the host of the list, and to those that the script names. A client with a base
// URL is given paths again, so that cursors that are kept go on to work when its base has changed.
class Places {
	#url;
	#hosts;
	#origin; // of the list
	#base = ""; // what the client puts before a path

	constructor(url, hosts) {
		this.#url = url;
		this.#hosts = hosts;
		if (isAbsolute(url)) this.#origin = new URL(url).origin;
	}

	// from is a cursor that a script has kept, or that this list had.
	from(at) {
		if (this.#origin !== undefined) {
			const full = URL.parse(at, this.#url);
			if (full === null) throw m.error("INVALID_ARGUMENT_ERROR", `from is no URL: ${withoutQuery(at).slice(0, 80)}`);
			this.#refuse(full, "from");
			return full.href;
		}
		return at;
	}

	// learn sees, by the answer to a path, what the client has put before it.
	learn(asked, response) {
		if (this.#origin !== undefined || response.redirected || this.#base || !response.url || isAbsolute(asked)) return;
		const { origin, pathname } = new URL(response.url);
		const path = new URL(asked.replace(/^[/\\]*/, "/"), origin).pathname;
		if (pathname.endsWith(path)) this.#base = origin + pathname.slice(0, pathname.length - path.length);
	}

	// relative is a URL as the client takes it.
	relative(href) {
		return this.#base && href.startsWith(`${this.#base}/`) ? href.slice(this.#base.length) : href;
	}

	check(next, response, shown) {
		if (!isAbsolute(next)) return; // below the client's base
		if (this.#origin === undefined && response.redirected) return; // the client knows its host
		this.#refuse(new URL(next), shown, this.#origin ?? (response.url ? new URL(response.url).origin : undefined));
	}

	#refuse(full, shown, origin = this.#origin) {
		const isSafe = full.protocol === "https:" || origin?.startsWith(`${full.protocol}//`);
		if (full.origin === origin || (isSafe && this.#hosts.includes(full.host))) return;
		throw failure(`${shown}: the next page is said to be at ${full.origin}, which is not ${origin ?? "the list's host"} and would get its headers and credentials; if that is right, allow it with hosts: ["${full.host}"]`);
	}
}

// cursor: the body says a cursor, which the next request sends back.
function cursor(options, url) {
	const { path, query = "cursor" } = m.options(options, "cursor", ["path", "query"]);
	if (path == null) throw m.error("INVALID_ARGUMENT_ERROR", "cursor needs a path to the next cursor in the answer, such as cursor: { path: \"meta.next\" }");
	return {
		urlOf: (at) => (at === undefined ? url : withQuery(url, query, at)),
		keyOf: (at) => at,
		next(_at, body, response, _list, shown) {
			const value = body === undefined ? undefined : pick(path, body, response, "path");
			if (value == null || value === "" || value === false) return undefined;
			if (typeof value !== "string" && typeof value !== "number") throw failure(`${shown}: the next cursor is ${m.typeOf(value)}, not text or a number`);
			return String(value);
		},
	};
}

// offset: the next page begins behind the items that there were. A short page is not the last one, because servers
// give fewer items than they are asked for; an empty one is.
function offset(options, url) {
	const { query = "offset", total } = m.options(options, "offset", ["query", "total"]);
	return counted(url, query, 0, (at, body, response, list) => {
		const next = at + list.length;
		const all = total === undefined ? undefined : numberOf(pick(total, body, response, "total"));
		return list.length === 0 || next >= all ? undefined : next;
	});
}

// page: pages are numbered.
function page(options, url) {
	const { query = "page", first = 1, pages } = m.options(options, "page", ["query", "first", "pages"]);
	m.count(first, "first", 0, 1_000_000);
	return counted(url, query, first, (at, body, response, list) => {
		const last = pages === undefined ? undefined : numberOf(pick(pages, body, response, "pages"));
		return list.length === 0 || at + 1 >= last + first ? undefined : at + 1;
	});
}

// numberOf reads a number, which some APIs write as text. What is none is not known.
const numberOf = (value) => (typeof value === "number" || (typeof value === "string" && /^[0-9]+$/.test(value)) ? Number(value) : undefined);

function counted(url, query, first, next) {
	const number = (at) => {
		const n = at === undefined ? first : Number(at);
		if (!Number.isSafeInteger(n) || n < 0) throw m.error("INVALID_ARGUMENT_ERROR", `from must be a whole number here, not ${at.slice(0, 80)}`);
		return n;
	};
	return {
		urlOf: (at) => withQuery(url, query, number(at)),
		keyOf: (at) => String(number(at)),
		next(at, body, response, list) {
			const n = body === undefined ? undefined : next(number(at), body, response, list);
			return n === undefined ? undefined : String(n);
		},
	};
}

// ---- URLs ----

const isAbsolute = (text) => /^[a-z][a-z0-9+.-]*:/i.test(text);

const withoutQuery = (url) => url.replace(/[?#].*$/s, "");

function withQuery(url, name, value) {
	const at = url.indexOf("#");
	const bare = at < 0 ? url : url.slice(0, at);
	return `${bare}${bare.includes("?") ? "&" : "?"}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}

// parseLink reads a Link header as appendix B of RFC 8288 says. What can not be read ends it.
export function parseLink(header) {
	const text = header ?? "";
	const links = [];
	let at = 0;
	const skip = (chars) => {
		while (at < text.length && chars.includes(text[at])) at++;
	};
	const until = (chars) => {
		const start = at;
		while (at < text.length && !chars.includes(text[at])) at++;
		return text.slice(start, at);
	};
	const quoted = () => {
		let value = "";
		for (at++; at < text.length && text[at] !== '"'; at++) {
			if (text[at] === "\\" && at + 1 < text.length) at++;
			value += text[at];
		}
		at++;
		return value;
	};
	for (;;) {
		skip(" \t,");
		if (text[at] !== "<") return links;
		at++;
		const url = until(">");
		if (at >= text.length) return links;
		at++;
		const params = {};
		for (skip(" \t"); text[at] === ";"; skip(" \t")) {
			at++;
			skip(" \t");
			const name = until(" \t=;,").toLowerCase();
			skip(" \t");
			let value = "";
			if (text[at] === "=") {
				at++;
				skip(" \t");
				value = text[at] === '"' ? quoted() : until(";,").trimEnd();
			}
			if (name !== "" && name !== "__proto__" && !Object.hasOwn(params, name)) params[name] = value; // the first one counts
		}
		links.push({ url, rel: (params.rel ?? "").toLowerCase().split(/[ \t]+/).filter(Boolean), params });
		until(",");
	}
}
