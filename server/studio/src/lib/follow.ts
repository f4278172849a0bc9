/**
 * Following the end of a list. The rule: the list follows until the reader
 * scrolls up, and again as soon as the reader is back at the end. Only a
 * movement upwards counts as leaving, because in a list that grows the end
 * runs away from a reader who did nothing.
 */
export interface Viewport {
  top: number;
  height: number;
  content: number;
}

export class Follow {
  following = true;
  /** Rows that came since the reader left the end. */
  unseen = 0;
  #top = 0;

  constructor(readonly slack: number) {}

  /** A scroll event. */
  scrolled(v: Viewport): void {
    const up = v.top < this.#top - 1;
    this.#top = v.top;
    if (v.content - v.height - v.top <= this.slack) this.engage();
    else if (up) this.following = false;
  }

  /** Rows were added at the end. */
  appended(rows: number): void {
    if (!this.following) this.unseen += rows;
  }

  engage(): void {
    this.following = true;
    this.unseen = 0;
  }

  leave(): void {
    this.following = false;
  }

  /** The list was cleared or replaced: positions of before mean nothing now. */
  reset(): void {
    this.engage();
    this.#top = 0;
  }
}
