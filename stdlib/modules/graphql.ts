const m = __reprise.module("std");

export const GraphQLError = m.errorClass("GraphQLError");

const passed = ["headers", "query", "timeout", "retry", "auth", "signal", "redirect", "idempotencyKey", "idempotent", "inDoubt"]; // to the client
const known = ["operationName", "partial", ...passed];

// errorsKept is how many of an answer's errors are recorded with a GraphQLError; a script sees all.
const errorsKept = 10;

export function graphql(client, url) {
	if (typeof client?.post !== "function") {
		throw m.error("INVALID_ARGUMENT_ERROR", `graphql takes a client first: http, one of http.create, or env.NAME; not ${m.typeOf(client)}`);
	}
	return async function gql(query, variables, options) {
		const o = m.options(options, "gql", known);
		const operation = operationOf(query, o.operationName);
		const { status, body, cause } = await send(client, url, requestOf(operation, query, variables, o));
		const errors = Array.isArray(body?.errors) ? body.errors : [];
		const data = body?.data ?? null;
		if (errors.length === 0 && data !== null) return o.partial ? { data, errors } : data;
		if (o.partial && data !== null) return { data, errors };
		throw failed(operation, status, errors, data, cause);
	};
}

// requestOf is the options of the request. A query changes nothing, so that it may be tried again, though it is a POST.
function requestOf(operation, query, variables, o) {
	const request = { throwHttpErrors: true };
	for (const name of passed) if (o[name] !== undefined) request[name] = o[name];
	if (!operation.isWrite) request.idempotent = true;
	request.headers = new Headers(o.headers ?? {});
	if (!request.headers.has("accept")) request.headers.set("accept", "application/graphql-response+json, application/json;q=0.9");
	request.json = { query };
	if (variables != null) request.json.variables = variables;
	if (o.operationName != null) request.json.operationName = o.operationName;
	return request;
}

// send makes the request. A status of failure is still an answer where the body is one of GraphQL.
async function send(client, url, request) {
	try {
		const response = await client.post(url, request);
		return { status: response.status, body: await response.json() };
	} catch (error) {
		if (error?.code !== "HTTP_ERROR" || !Array.isArray(error.data?.errors)) throw error;
		return { status: error.status, body: error.data, cause: error };
	}
}

function failed(operation, status, errors, data, cause) {
	const first = errors[0];
	const where = Array.isArray(first?.path) && first.path.length > 0 ? ` (at ${first.path.join(".").slice(0, 200)})` : "";
	const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
	const words = errors.length > 0 ? `${String(first?.message ?? "an error without a message").slice(0, 500)}${where}${more}` : "neither data nor errors; is that the address of a GraphQL API?";
	const kept = errors.slice(0, errorsKept).map((e) => ({ message: String(e?.message ?? "").slice(0, 500), path: Array.isArray(e?.path) ? e.path.slice(0, 20) : undefined, code: e?.extensions?.code }));
	const error = m.error("GRAPHQL_ERROR", `${operation.shown} was answered with ${words}`, { status, errors: kept });
	Object.defineProperty(error, "errors", { value: errors, configurable: true, writable: true });
	Object.defineProperty(error, "data", { value: data, configurable: true, writable: true });
	if (cause) Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
	return error;
}

// tokens are what counts of a document: names and brackets, and the comments and strings that may look like them.
const tokens = /#[^\n\r]*|"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n\r])*"|[A-Za-z_][A-Za-z0-9_]*|[{}()[\]]/g;

// operationOf finds out whether a document writes: it does when a mutation is in it, and where it can not be told.
function operationOf(query, operationName) {
	if (typeof query !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `gql takes a GraphQL document as text first, not ${m.typeOf(query)}`);
	// Most documents are told by a look; those that have one of these words somewhere are read.
	const kinds = query.includes("mutation") || query.includes("subscription") ? definitions(query) : [{ kind: "query", name: /\bquery\s+(\w+)/.exec(query)?.[1] }];
	if (kinds.some(({ kind, name }) => kind === "subscription" && (operationName == null || name === operationName))) {
		throw m.error("INVALID_ARGUMENT_ERROR", "gql can not subscribe: it asks once and has one answer");
	}
	const operations = kinds.filter(({ kind }) => kind === "query" || kind === "mutation");
	const isWrite = operations.length === 0 || operations.some(({ kind }) => kind === "mutation");
	const name = operationName ?? operations[0]?.name ?? "";
	return { isWrite, shown: `${isWrite ? "mutation" : "query"} ${name}`.trim() };
}

// definitions lists the kinds and names of what stands at a document's top level.
function definitions(query) {
	const found = [];
	let depth = 0;
	let current; // the definition that has begun
	for (const [token] of query.matchAll(tokens)) {
		if (token[0] === "#" || token[0] === '"') continue;
		if ("{([".includes(token)) {
			if (depth === 0 && !current) found.push((current = { kind: "query" }));
			depth++;
		} else if ("})]".includes(token)) {
			depth--;
			if (depth === 0 && token === "}") current = undefined;
		} else if (depth === 0 && !current) {
			found.push((current = { kind: token }));
		} else if (depth === 0) {
			current.name ??= token;
		}
	}
	return found;
}
