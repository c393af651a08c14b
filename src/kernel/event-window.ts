/** The newest durable events in memory, shared by all subscriptions: a ring, so that waiting costs nothing per reader. */
import type { Recorded } from './contract.ts';

export class EventWindow<E> {
  readonly #ring: (Recorded<E> | undefined)[];
  #oldest: number;
  #newest: number;

  /** `version` is the one before the first event that will be pushed. */
  constructor(capacity: number, version: number) {
    this.#ring = new Array<Recorded<E> | undefined>(capacity);
    this.#oldest = version + 1;
    this.#newest = version;
  }

  /** Oldest version held; `newest + 1` when none is. */
  get oldest(): number {
    return this.#oldest;
  }

  get newest(): number {
    return this.#newest;
  }

  push(event: Recorded<E>): void {
    this.#newest = event.version;
    this.#ring[event.version % this.#ring.length] = event;
    this.#oldest = Math.max(this.#oldest, this.#newest - this.#ring.length + 1);
  }

  /** `version` must lie between `oldest` and `newest`. */
  at(version: number): Recorded<E> {
    const event = this.#ring[version % this.#ring.length];
    if (event?.version !== version) throw new RangeError(`version ${version} is outside the window`);
    return event;
  }
}
