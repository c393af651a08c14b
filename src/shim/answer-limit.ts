/**
 * How often a query is answered whose answer is the query itself (OSC 7501): a program that sends back what it reads, a
 * terminal in echo mode, would be answered for ever.
 */
import type { Clock } from '../runtime/index.ts';

const ANSWERS_COUNT = 32;
const WITHIN_MS = 1_000;

export class AnswerLimit {
  readonly #clock: Clock;
  #since = -Infinity;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether one more is given; then it counts. */
  takes(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#since >= WITHIN_MS) {
      this.#since = now;
      this.#count = 0;
    }
    return this.#count++ < ANSWERS_COUNT;
  }
}
