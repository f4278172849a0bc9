declare module "reprise:kv" {
	/** Parts sort by type in this order, Uint8Array first; numbers and bigints by value, text by code points. */
	export type KeyPart = Uint8Array | string | number | bigint | boolean;

	/** A tuple: `["orders", 42]`. A key sorts before all keys that begin with it. At most 2 KiB. */
	export type Key = readonly KeyPart[];

	/** JSON, and Uint8Array, Date, bigint, Map and Set anywhere in it. At most 1 MB as JSON text. */
	export type Value = unknown;

	/** What is stored under a key. */
	export interface Entry<T = any> {
		readonly key: KeyPart[];
		readonly value: T;
		/** 20 digits that grow with every write; it identifies this write of the key. */
		readonly versionstamp: string;
	}

	/** What is stored under a key, or that nothing is. */
	export type MaybeEntry<T = any> = Entry<T> | { readonly key: KeyPart[]; readonly value: null; readonly versionstamp: null };

	export interface SetOptions {
		/** After how long the key disappears: milliseconds, or text such as "5 minutes". */
		expireIn?: number | string;
	}

	/** Keys that begin with `prefix` (itself excluded), from `start` (included), before `end` (excluded). */
	export type Selector = { prefix: Key; start?: Key; end?: undefined } | { prefix: Key; start?: undefined; end: Key } | { prefix?: undefined; start: Key; end?: Key } | { prefix?: undefined; start?: undefined; end: Key };

	export interface ListOptions {
		/** How many entries in all. Default: all. */
		limit?: number;
		/** From the last key to the first. */
		reverse?: boolean;
		/** The cursor of another list over the same range: goes on behind it. */
		cursor?: string;
		/** How many entries are read at once, 1 to 1000. Default 100. */
		batchSize?: number;
	}

	/** Entries, read batch after batch as they are asked for. */
	export interface List<T> extends AsyncIterableIterator<Entry<T>> {
		/** Where the next list goes on; empty when the range has come to its end. */
		readonly cursor: string;
		/** All entries that are left. */
		toArray(): Promise<Entry<T>[]>;
	}

	/** A versionstamp of null checks that there is no such key. An entry is a check too. */
	export interface Check {
		key: Key;
		versionstamp: string | null;
	}

	export type CommitResult = { readonly ok: true; readonly versionstamp: string } | { readonly ok: false; readonly versionstamp?: undefined };

	/** Checks and writes that happen together or not at all. At most 100 of each, and 2 MB. */
	export interface Atomic {
		/** Commits only if each key still has its versionstamp. */
		check(...checks: (Check | MaybeEntry)[]): this;
		set(key: Key, value: Value, options?: SetOptions): this;
		delete(key: Key): this;
		/** Adds to the number under a key; an absent one counts as 0. */
		sum(key: Key, n: number, options?: SetOptions): this;
		/** `ok` is false when a check did not hold; then nothing was written. */
		commit(): Promise<CommitResult>;
	}

	export interface KV {
		get<T = any>(key: Key): Promise<MaybeEntry<T>>;
		/** Reads up to 100 keys, all at the same moment. */
		getMany<T = any>(keys: readonly Key[]): Promise<MaybeEntry<T>[]>;
		set(key: Key, value: Value, options?: SetOptions): Promise<{ readonly ok: true; readonly versionstamp: string }>;
		delete(key: Key): Promise<void>;
		/**
		 * @example
		 * for await (const { key, value } of kv.list({ prefix: ["orders"] })) console.log(key, value);
		 */
		list<T = any>(selector: Selector, options?: ListOptions): List<T>;
		/**
		 * @example
		 * const stock = await kv.get<number>(["stock", sku]);
		 * const { ok } = await kv.atomic().check(stock).set(["stock", sku], (stock.value ?? 0) - 1).commit();
		 */
		atomic(): Atomic;
		/** A namespace that scripts share by its name. */
		open(name: string): KV;
	}

	/** This script's own namespace of the key-value store. */
	export const kv: KV;
}
