/** Sizes double from the first to the last, so a quiet stream holds little and a busy one calls seldom. */
const FIRST_BYTES = 4 * 1024;
const LAST_BYTES = 64 * 1024;

/**
 * Memory that reads fill from front to end and receivers may keep pieces of: pieces of consecutive reads share a slab,
 * so that keeping n bytes of a stream keeps at most n + one slab alive.
 */
export class Slab {
  readonly #lastBytes: number;
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #taken = 0;
  #filled = 0;

  /** `lastBytes`: the largest, where one read may bring as much. */
  constructor(lastBytes = LAST_BYTES) {
    this.#lastBytes = lastBytes;
  }

  /** Room for the next read, behind what is filled and not yet taken. Never empty. */
  room(): Buffer {
    return this.#memory.subarray(this.#filled);
  }

  /** Bytes were read into the front of `room()`. */
  fill(count: number): void {
    this.#filled += count;
  }

  /** Whether the next read should get a fresh slab: call `take` first. */
  get isFull(): boolean {
    return this.#memory.length - this.#filled < Math.min(FIRST_BYTES, this.#memory.length / 4);
  }

  /** What was filled since the last call, now the caller's; undefined if nothing was. */
  take(): Buffer | undefined {
    const piece = this.#filled > this.#taken ? this.#memory.subarray(this.#taken, this.#filled) : undefined;
    this.#taken = this.#filled;
    if (this.isFull) {
      this.#memory = Buffer.allocUnsafeSlow(Math.min(this.#lastBytes, this.#memory.length * 2));
      this.#taken = this.#filled = 0;
    }
    return piece;
  }
}
