/** The newest entries of a stream of keys, up to a bound. */
export class Recent<V> {
  readonly #entries = new Map<string, V>();
  /**
   * Keys in the order they came. A ring of its own: a Map's first key is found by stepping over every entry deleted
   * before it, which makes "delete the oldest" linear.
   */
  readonly #ring: (string | undefined)[];
  #at = 0;

  constructor(capacity: number) {
    this.#ring = new Array<string | undefined>(capacity);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** Returns the key that had to go for a new one. */
  set(key: string, value: V): string | undefined {
    const isKnown = this.#entries.has(key);
    this.#entries.set(key, value);
    if (isKnown) return undefined;
    const oldest = this.#ring[this.#at];
    this.#ring[this.#at] = key;
    this.#at = (this.#at + 1) % this.#ring.length;
    if (oldest !== undefined) this.#entries.delete(oldest);
    return oldest;
  }
}
