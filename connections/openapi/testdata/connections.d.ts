// Types of the connections with a description of their API, written by `reprise types`. Do not edit.

declare module "reprise:script" {
	interface Env {
		/** CRM *​/ of ours 2 */
		readonly crm: import("reprise:http").DescribedConnection<import("reprise:connections/crm").Paths>;
		/** Shop 1.0 */
		readonly "old-shop": import("reprise:http").DescribedConnection<import("reprise:connections/old-shop").Paths>;
	}
}

declare module "reprise:connections/crm" {
	export interface Paths {
		"/contacts": {
			/** Lists contacts */
			get: { query: { anything?: string | number | boolean; [of: `${"created"}[${string}]`]: string | number | boolean | undefined; either?: string | readonly (string | number | boolean)[]; fields?: string; order: Order; "page-size"?: number; tag?: readonly string[] }; result: Contact[] };
			post: { json: ContactInput; result: Contact };
		};
		"/contacts/{id}": {
			get: { path: { id: string }; result: Contact };
			patch: { path: { id: string }; json?: { name?: string }; result: Contact | undefined };
			delete: { path: { id: string }; result: undefined };
			head: { path: { id: string }; result: undefined };
		};
		"/contacts/{id}/files/{name}": {
			get: { path: { id: number; name: string | number }; result: unknown };
		};
		"/shapes": {
			get: { result: Shape_kinds };
		};
	}

	export type Order = "asc" | "desc";

	/** Somebody we know. */
	export interface Contact {
		address?: Address;
		born?: string | null;
		boss?: Contact;
		"e-mail"?: string;
		/** Given by the server *​/ */ id: string;
		labels?: { [name: string]: string };
		name: string;
	}

	/** Somebody we know. */
	export interface ContactInput {
		address?: Address;
		born?: string | null;
		boss?: ContactInput;
		"e-mail"?: string;
		labels?: { [name: string]: string };
		name: string;
		secret: string;
	}

	export interface Shape_kinds {
		all: Address & { more?: boolean };
		always?: unknown;
		any?: string;
		big?: number;
		both?: { a?: string };
		closed?: { [name: string]: never };
		constant?: "a \"b\"";
		deep?: Zip;
		free?: { [name: string]: unknown };
		list?: ("a" | "b")[];
		loose?: unknown[];
		mixed?: 1 | "two" | true | null;
		never?: never;
		number?: Type1st;
		one: Address | null | string;
		open?: unknown;
		other?: Alias;
		pair?: [string, number];
		"quoted \"name\""?: string;
		trail?: [string, ...unknown[]];
		twin?: Contact2;
		untyped?: { x?: string[] };
	}

	export interface Address {
		city: string;
		zip?: string | number;
		[name: string]: unknown;
	}

	export type Zip = string | number;

	export interface Type1st {
		self?: Type1st[];
	}

	export type Alias = Address;

	export type Contact2 = string;
}

declare module "reprise:connections/old-shop" {
	export interface Paths {
		"/orders": {
			get: { query?: { state?: "open" | "shut" | null }; result: Page };
			post: { json: Order; result: Order };
		};
		"/orders/{order-id}": {
			put: { path: { "order-id": "a" | "b" }; result: unknown };
		};
	}

	export interface Page {
		items: Order[];
		next?: string | null;
	}

	export type Order = Error_Base & { payment: Payment; total?: number };

	export type Error_Base = { at?: string; more?: { [name: string]: unknown } } | null;

	export type Payment = Card | Cash;

	export interface Card {
		kind: "card";
		parts?: Payment[];
	}

	export interface Cash {
		kind: "cash";
	}
}
