import type { Clock } from '../runtime/index.ts';

/** One deadline that can be moved and called off. */
export class Timer {
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(ms: number, fire: () => void): void {
    this.cancel();
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = null;
      fire();
    });
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
