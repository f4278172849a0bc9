/** The newest few distinct strings, newest first when read. */
export class RecentSet {
  #items = new Set<string>();

  constructor(readonly most: number) {}

  add(item: string): void {
    this.#items.delete(item);
    this.#items.add(item);
    if (this.#items.size > this.most) {
      const [oldest] = this.#items;
      this.#items.delete(oldest as string);
    }
  }

  list(): string[] {
    return [...this.#items].reverse();
  }
}

export function isFieldBag(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}
