// Pages of every kind, followed at the same time, and a query of GraphQL for each item.
import { map } from "reprise:flow";
import { graphql } from "reprise:graphql";
import { http } from "reprise:http";
import { values } from "reprise:ndjson";
import { paginate } from "reprise:paginate";

export default async function run(order, env) {
	const log: unknown[] = [];
	const gql = graphql(env.shop, "/graphql");
	const lists = [
		paginate(http, "http://up.example/a", { items: "list", cursor: { path: "n" }, maxPages: 2 }),
		paginate(env.shop, "/b", { items: "list", offset: { total: "n" }, from: 3, maxPages: 2 }),
		paginate(env.self, "/c", { items: (body) => body.list ?? [], page: { pages: "n" } }),
		paginate(http, "http://up.example/d", { items: "list", link: { path: (body) => `/d?n=${body.n}` } }),
	];
	const read = async (list: (typeof lists)[number], i: number) => {
		for await (const page of list.pages()) {
			log.push([i, page.number, page.cursor, page.items.length]);
			if (page.number === 3) break;
		}
	};
	const ends = await map(lists, { stopOnError: false }, read);
	log.push(ends.map((r) => (r.ok ? "end" : [r.error.name, r.error.message, r.error.cursor, r.error.stack])));
	log.push(await gql("mutation { pay }", order, { partial: true }).catch((e) => [e.name, e.message, e.status]));
	try {
		for await (const value of values(http.get("http://up.example/lines"))) log.push(value.n);
	} catch (e: any) {
		log.push([e.name, e.message, e.line]);
	}
	return log;
}
