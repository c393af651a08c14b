/** A byte ring that keeps the newest `capacity` bytes; its memory grows with what it holds. */
export class ByteRing {
  readonly #capacity: number;
  #bytes = Buffer.alloc(0);
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** Returns how many bytes, old or of these, are no longer held. */
  push(bytes: Buffer): number {
    const lost = Math.max(0, this.#length + bytes.length - this.#capacity);
    const kept = bytes.length > this.#capacity ? bytes.subarray(bytes.length - this.#capacity) : bytes;
    const dropped = Math.max(0, this.#length + kept.length - this.#capacity);
    this.#head = this.#bytes.length === 0 ? 0 : (this.#head + dropped) % this.#bytes.length;
    this.#length -= dropped;
    this.#reserve(this.#length + kept.length);
    if (kept.length > 0) this.#write(kept);
    return lost;
  }

  /** A copy of what is held, oldest first. */
  snapshot(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length);
    const first = Math.min(this.#length, this.#bytes.length - this.#head);
    this.#bytes.copy(copy, 0, this.#head, this.#head + first);
    this.#bytes.copy(copy, first, 0, this.#length - first);
    return copy;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.#capacity, Math.max(length, 2 * this.#bytes.length, 4096)));
    const held = this.snapshot();
    held.copy(grown);
    this.#bytes = grown;
    this.#head = 0;
  }

  #write(bytes: Buffer): void {
    const size = this.#bytes.length;
    const tail = (this.#head + this.#length) % size;
    const first = Math.min(bytes.length, size - tail);
    bytes.copy(this.#bytes, tail, 0, first);
    bytes.copy(this.#bytes, 0, first);
    this.#length += bytes.length;
  }
}
