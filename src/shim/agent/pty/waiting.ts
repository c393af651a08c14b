/** Waits for something to become true of what is observed, each with its deadline. */
import type { Clock } from '../../../runtime/index.ts';

export class Waiting {
  readonly #clock: Clock;
  readonly #checks = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something may be another now. */
  observe(): void {
    for (const check of this.#checks) check();
  }

  /** What `look` finds, at once or later; undefined when it found nothing within `ms`. */
  until<T>(look: () => T | undefined, ms: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const settle = (found: T | undefined): void => {
        cancel();
        this.#checks.delete(check);
        resolve(found);
      };
      const check = (): void => {
        const found = look();
        if (found !== undefined) settle(found);
      };
      const cancel = this.#clock.after(ms, () => settle(undefined));
      this.#checks.add(check);
      check();
    });
  }

  /** Nothing but the time. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}
