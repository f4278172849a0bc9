/** The filters of before, newest last, and a walk through them with up and down. */
const KEY = "reprise.filters";
const MOST = 50;

export class FilterHistory {
  #items: string[];
  #at: number;
  #draft = "";

  constructor(private storage: Pick<Storage, "getItem" | "setItem"> | undefined) {
    this.#items = read(storage);
    this.#at = this.#items.length;
  }

  get recent(): readonly string[] {
    return this.#items;
  }

  add(filter: string): void {
    const f = filter.trim();
    if (f !== "") {
      this.#items = [...this.#items.filter((x) => x !== f), f].slice(-MOST);
      try {
        this.storage?.setItem(KEY, JSON.stringify(this.#items));
      } catch {
        // A full or forbidden storage: the history lives as long as the page.
      }
    }
    this.#at = this.#items.length;
  }

  /** One step; `current` is what stands in the box, kept for the way back. */
  step(by: -1 | 1, current: string): string | undefined {
    if (this.#at === this.#items.length) this.#draft = current;
    const to = this.#at + by;
    if (to < 0 || to > this.#items.length) return undefined;
    this.#at = to;
    return this.#items[to] ?? this.#draft;
  }
}

function read(storage: Pick<Storage, "getItem"> | undefined): string[] {
  try {
    const list: unknown = JSON.parse(storage?.getItem(KEY) ?? "[]");
    return Array.isArray(list) ? list.filter((x): x is string => typeof x === "string").slice(-MOST) : [];
  } catch {
    return []; // written by something else: start afresh
  }
}
