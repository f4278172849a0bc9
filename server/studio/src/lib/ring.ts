/**
 * A list that keeps the newest `capacity` items: pushing is O(1) for ever, and
 * the oldest item makes room. `dropped` counts what has left at the old end, so
 * `dropped + index` names an item for as long as it is kept and nothing is
 * spliced in before it.
 */
export class Ring<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #length = 0;
  dropped = 0;

  constructor(readonly capacity: number) {
    if (!(capacity >= 1)) throw new RangeError("a ring needs room for one item");
  }

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length < this.capacity) {
      // Until it is full the ring is a plain array that grows: #head is 0.
      this.#items[this.#length++] = item;
      return;
    }
    this.#items[this.#head] = item;
    this.#head = (this.#head + 1) % this.capacity;
    this.dropped++;
  }

  /** The item at an index from the old end; undefined outside. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined;
    return this.#items[(this.#head + index) % this.capacity];
  }

  last(): T | undefined {
    return this.at(this.#length - 1);
  }

  slice(from: number, to: number): T[] {
    const out: T[] = [];
    for (let i = Math.max(0, from); i < Math.min(to, this.#length); i++) out.push(this.at(i) as T);
    return out;
  }

  indexOf(item: T): number {
    for (let i = this.#length - 1; i >= 0; i--) if (this.at(i) === item) return i;
    return -1;
  }

  /** Puts items in the place of `remove` others. Costs a copy: for the rare case, not for appending. */
  splice(index: number, remove: number, items: readonly T[]): void {
    const all = this.slice(0, this.#length);
    const next = all.slice(0, index).concat(items, all.slice(index + remove));
    const over = Math.max(0, next.length - this.capacity);
    this.#items = over > 0 ? next.slice(over) : next;
    this.#head = 0;
    this.#length = this.#items.length;
    this.dropped += over;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#length = 0;
    this.dropped = 0;
  }
}
