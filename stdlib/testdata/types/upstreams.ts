// What the types of paginate, graphql, sse and ndjson allow and what they refuse. tsc checks it; it is never run.
import { graphql, GraphQLError } from "reprise:graphql";
import { http } from "reprise:http";
import { values, parse as parseLines } from "reprise:ndjson";
import { paginate, parseLink, type Link, type Page } from "reprise:paginate";
import type { Script } from "reprise:script";
import { events, parse } from "reprise:sse";

interface Contact {
	id: string;
}

export default {
	async run(_input, env) {
		const names: string[] = [];
		for await (const contact of paginate<Contact>(env.self, "/contacts", { cursor: { path: "meta.next" }, items: "data", query: { limit: 5 } })) names.push(contact.id);
		for await (const page of paginate<Contact>(http, new URL("https://a.example.com"), { from: null, hosts: ["b.example.com"], maxPages: 5 }).pages()) {
			const p: Page<Contact> = page;
			const cursor: string | null = p.cursor;
			names.push(cursor ?? "end");
		}
		const all: Contact[] = await paginate<Contact>(http, "x", { offset: { total: (body) => body.total }, items: (body) => body.rows, headers: { a: "1" } }).toArray();
		paginate(http, "x", { page: { query: "p", first: 0, pages: "pages" } });
		const links: Link[] = parseLink((await http.get("x")).headers.get("link"));

		const gql = graphql(env.self, "/graphql");
		const { order } = await gql<{ order: { total: number } }>("{ order { total } }");
		const { data, errors } = await gql<{ order: { total: number } }>("query Q { order { total } }", { id: 1 }, { partial: true, operationName: "Q", timeout: "5s" });
		const total: number = order.total + data.order.total;
		await gql("mutation { pay }", null, { idempotencyKey: "k", inDoubt: "retry" });
		const failed = (error: unknown) => error instanceof GraphQLError && error.errors[0]?.message.length === error.status;

		for await (const { event, data, id, retry } of events(http.get("x"))) names.push(event, data, id, String(retry?.toFixed()));
		for await (const row of values<Contact>(await http.get("x"))) names.push(row.id);
		return { names, all, links, errors, total, failed, list: parse("data: x\n\n").map((e) => e.data), rows: parseLines<Contact>("{}") };
	},
} satisfies Script;

export async function refused(): Promise<void> {
	// @ts-expect-error: there is no such option
	paginate(http, "x", { limit: 5 });
	// @ts-expect-error: the cursor has to be found
	paginate(http, "x", { cursor: {} });
	// @ts-expect-error: a client is needed
	paginate("https://a.example.com");
	// @ts-expect-error: pages are iterated over
	paginate(http, "x").length;
	// @ts-expect-error: variables are an object
	await graphql(http, "x")("{ a }", "b");
	// @ts-expect-error: the body is the query's
	await graphql(http, "x")("{ a }", {}, { json: 1 });
	// @ts-expect-error: partial answers have errors too
	(await graphql(http, "x")<{ a: 1 }>("{ a }", {}, { partial: true })).a;
	// @ts-expect-error: it can not be made
	new GraphQLError("x");
	// @ts-expect-error: it is text
	parse(http.get("x"));
}
