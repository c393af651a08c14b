/** A token bucket on the injected clock: no timer, so an idle connection costs nothing. */
import type { Clock } from '../runtime/index.ts';

export interface BudgetSize {
  /** Most that may be spent at once. */
  burst: number;
  /** What comes back per second. */
  perSecond: number;
}

export class Budget {
  readonly #clock: Clock;
  readonly #size: BudgetSize;
  #left: number;
  #at: number;

  constructor(clock: Clock, size: BudgetSize) {
    this.#clock = clock;
    this.#size = size;
    this.#left = size.burst;
    this.#at = clock.monotonic();
  }

  /** Spends one; false when nothing is left. */
  spend(): boolean {
    if (this.#left < 1) {
      const now = this.#clock.monotonic();
      this.#left = Math.min(this.#size.burst, this.#left + ((now - this.#at) * this.#size.perSecond) / 1000);
      this.#at = now;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
