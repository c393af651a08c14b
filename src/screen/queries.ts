/**
 * Which terminal queries of the child await an answer, and whose it is (DESIGN §6 "Screen"): the driver's terminal
 * answers those in bytes it was sent live, the shim all others, nobody any twice.
 */

/** Queries whose owner may still change; beyond that the oldest is the driver's for good. */
const PENDING_COUNT = 256;

interface Pending {
  end: number;
  owner: 'shim' | 'driver';
  reply: string | null;
}

export class QueryLedger {
  readonly #send: (reply: string) => void;
  #pending: Pending[] = [];

  /** `send` writes an answer of the shim to the child. */
  constructor(send: (reply: string) => void) {
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  /** A query that ends right before offset `end` was read from the child. */
  seen(end: number, driverIsLive: boolean): void {
    if (this.#pending.length >= PENDING_COUNT) this.#pending.shift();
    this.#pending.push({ end, owner: driverIsLive ? 'driver' : 'shim', reply: null });
  }

  /** The next query at whose end the emulator must stop, so that its answer is told apart from others. */
  next(offset: number): number | null {
    for (const pending of this.#pending) if (pending.end > offset && pending.reply === null) return pending.end;
    return null;
  }

  answered(end: number, reply: string): void {
    const found = this.#pending.find((pending) => pending.end === end);
    if (found === undefined) return;
    found.reply = reply;
    this.#settle();
  }

  /** The driver's terminal is gone and was sent everything below `sentTo`; what it never saw is the shim's to answer. */
  driverLeft(sentTo: number): void {
    this.#pending = this.#pending.filter((pending) => pending.owner === 'shim' || pending.end > sentTo);
    for (const pending of this.#pending) pending.owner = 'shim';
    this.#settle();
  }

  #settle(): void {
    const ready = this.#pending.filter((pending) => pending.owner === 'shim' && pending.reply !== null);
    if (ready.length === 0) return;
    this.#pending = this.#pending.filter((pending) => !ready.includes(pending));
    for (const { reply } of ready) if (reply) this.#send(reply);
  }
}
