declare module "reprise:graphql" {
	import type { HTTPClient, HTTPOptions } from "reprise:http";

	/** An error of an answer, as the API wrote it. */
	export interface GraphQLErrorItem {
		message: string;
		path?: readonly (string | number)[];
		locations?: readonly { line: number; column: number }[];
		extensions?: Record<string, any>;
	}

	export interface GraphQLOptions extends Omit<HTTPOptions, "json" | "form" | "body" | "throwHttpErrors"> {
		/** Which operation of the document is meant, where it has several. */
		operationName?: string;
		/** Give `{ data, errors }` where there is data, instead of throwing for the errors. Default false. */
		partial?: boolean;
	}

	/** Asks a GraphQL API. */
	export interface GraphQLClient {
		<T = any>(query: string, variables: Record<string, unknown> | null | undefined, options: GraphQLOptions & { partial: true }): Promise<{ data: T; errors: GraphQLErrorItem[] }>;
		<T = any>(query: string, variables?: Record<string, unknown> | null, options?: GraphQLOptions & { partial?: false }): Promise<T>;
	}

	/**
	 * A client for the GraphQL API at a URL, or at a path of a client. Documents with a mutation are writes: they are
	 * tried again only with an `idempotencyKey`, or `idempotent`. Queries are tried again.
	 *
	 * @example
	 * const gql = graphql(env.self, "/graphql");
	 * const { order } = await gql<{ order: Order }>("query ($id: ID!) { order(id: $id) { total } }", { id });
	 */
	export function graphql(client: HTTPClient, url: string | URL): GraphQLClient;

	/** A GraphQL API answered with errors, or without data. */
	export class GraphQLError extends Error {
		private constructor();
		readonly name: "GraphQLError";
		readonly code: "GRAPHQL_ERROR";
		/** The HTTP status. */
		readonly status: number;
		readonly errors: GraphQLErrorItem[];
		/** What there is of an answer; null where there is none. */
		readonly data: any;
	}
}
