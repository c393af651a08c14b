/** What a tee sink receives: bytes at their offset, or how many bytes are missing before what comes next. */
export type TeeEvent = { type: 'data'; offset: number; bytes: Buffer } | { type: 'missed'; bytes: number };

/**
 * The bounded queue before a sink. When it is over its capacity either the oldest entry goes – counted, and told before
 * the next bytes that are delivered – or the producer waits.
 */
export class TeeQueue {
  readonly #capacity: number;
  readonly #dropOldest: boolean;
  #entries: TeeEvent[] = [];
  /** Bytes dropped in front of the first entry and not told yet. */
  #untold = 0;
  #missed = 0;
  #closed = false;
  #taker: (() => void) | undefined;
  #room: (() => void)[] = [];

  /** `capacity` counts entries; 0 is a rendezvous. */
  constructor(capacity: number, dropOldest: boolean) {
    this.#capacity = capacity;
    this.#dropOldest = dropOldest;
  }

  /** All bytes that never reached the sink through this queue. */
  get missedBytes(): number {
    return this.#missed;
  }

  async push(entry: TeeEvent): Promise<void> {
    if (this.#closed) {
      this.#missed += sizeOf(entry);
      return;
    }
    if (entry.type === 'missed') this.#missed += sizeOf(entry);
    this.#entries.push(entry);
    this.#wakeTaker();
    while (this.#isOver()) {
      if (this.#dropOldest) this.#drop();
      else await new Promise<void>((resolve) => this.#room.push(resolve));
    }
  }

  /** The next entry; undefined once closed and empty. A trailing loss is told last. */
  async take(): Promise<TeeEvent | undefined> {
    for (;;) {
      if (this.#untold > 0 && (this.#entries.length > 0 || this.#closed)) {
        const bytes = this.#untold;
        this.#untold = 0;
        return { type: 'missed', bytes };
      }
      const entry = this.#entries.shift();
      if (entry !== undefined) {
        this.#makeRoom();
        return entry;
      }
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        this.#taker = resolve;
      });
    }
  }

  /** Nothing more comes; what is queued is still taken. */
  close(): void {
    this.#closed = true;
    this.#wakeTaker();
    this.#makeRoom();
  }

  /** The sink is broken: what is queued, and everything after it, counts as missed. */
  abandon(): void {
    while (this.#entries.length > 0) this.#drop();
    this.#untold = 0;
    this.close();
  }

  #isOver(): boolean {
    // An entry a waiting taker is about to get does not count.
    return !this.#closed && this.#entries.length > this.#capacity + (this.#taker === undefined ? 0 : 1);
  }

  #drop(): void {
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    this.#untold += sizeOf(entry);
    if (entry.type === 'data') this.#missed += entry.bytes.length;
  }

  #wakeTaker(): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.();
  }

  #makeRoom(): void {
    const waiting = this.#room;
    this.#room = [];
    for (const resolve of waiting) resolve();
  }
}

function sizeOf(entry: TeeEvent): number {
  return entry.type === 'data' ? entry.bytes.length : entry.bytes;
}
