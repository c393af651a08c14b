/** Who waits at srv for the outcome of a message: a connection that is told of no events, an agent's own, can only ask. */
import { HoldfastError, limits } from '../../protocol/index.ts';
import type { Clock } from '../../runtime/index.ts';

interface Waiter {
  message: string;
  by: string;
  settle(): void;
}

export class OutcomeWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves when the message was closed, after `ms`, or when srv ends. `by`: the session that asks, or empty for the
   * owner. Throws `busy` beyond the bounds.
   */
  wait(message: string, ms: number, by: string): Promise<void> {
    const own = [...this.#waiters].filter((waiter) => waiter.by === by).length;
    if (own >= limits.MESSAGE_WAITERS_EACH_COUNT || this.#waiters.size >= limits.MESSAGE_WAITERS_COUNT) {
      throw new HoldfastError('busy', 'too many requests wait for messages already; ask without wait_ms', {
        field: 'wait_ms',
        details: { waiting: this.#waiters.size, own },
      });
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        message,
        by,
        settle: () => {
          cancel();
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      const cancel = this.#clock.after(ms, () => waiter.settle());
      this.#waiters.add(waiter);
    });
  }

  closed(message: string): void {
    for (const waiter of this.#waiters) if (waiter.message === message) waiter.settle();
  }

  close(): void {
    for (const waiter of this.#waiters) waiter.settle();
  }
}
