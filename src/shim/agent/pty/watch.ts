/**
 * Looks at the screen while output flows: soon after the first byte, then at most every 150 ms, and once more after the
 * last one. Nothing runs while nothing flows.
 */
import type { ScreenView } from '../../../agents/index.ts';
import { SCREEN_WAIT_MS } from '../../../protocol/limits.ts';
import type { Clock } from '../../../runtime/index.ts';
import type { AgentScreen } from './contract.ts';

export interface WatchOptions {
  clock: Clock;
  screen(): Promise<AgentScreen>;
  /** `at`: wall clock; what the child wrote before it is in the view. */
  look(view: ScreenView, at: number): void;
  failed(error: Error): void;
}

const INTERVAL_MS = 150;
/** A look that takes long is followed by so many times that without one: rules cost a sixth of a core at most. */
const REST_TIMES = 5;
/** A frame of a terminal program comes in a few writes. */
const FRAME_MS = 20;

export class ScreenWatch {
  readonly #options: WatchOptions;
  #cancel: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #dirty = false;
  #lookedAt = -Infinity;
  #restMs = INTERVAL_MS;
  /** Wall clock: what the child wrote before it has been on the screen. */
  #seenAt = 0;
  #closed = false;
  #broken = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** The child wrote something. */
  output(): void {
    this.#dirty = true;
    if (this.#cancel === null && this.#looking === null) this.#arm();
  }

  /** Resolves after a look that began now or later. */
  async fresh(): Promise<void> {
    // The one under way may have begun before what the caller waits for.
    await this.#looking;
    await this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    if (this.#closed || this.#broken) return;
    const { clock } = this.#options;
    const wait = Math.max(FRAME_MS, this.#lookedAt + this.#restMs - clock.monotonic());
    this.#cancel = clock.after(wait, () => {
      this.#cancel = null;
      // Its failure was told; nobody waits for this look.
      void this.#look();
    });
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
      if (this.#dirty && this.#cancel === null) this.#arm();
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    const { clock, screen, look, failed } = this.#options;
    try {
      this.#cancel?.();
      this.#cancel = null;
      this.#dirty = false;
      const at = clock.now();
      const mirror = await screen();
      // A screen that is behind shows nothing newer than the one before it.
      if (await mirror.caughtUp(SCREEN_WAIT_MS)) this.#seenAt = at;
      else this.#dirty = true;
      this.#lookedAt = clock.monotonic();
      if (!this.#closed) look(mirror.view(), this.#seenAt);
      const lookedAt = clock.monotonic();
      this.#restMs = Math.max(INTERVAL_MS, REST_TIMES * (lookedAt - this.#lookedAt));
      this.#lookedAt = lookedAt;
    } catch (error) {
      // Said once: without an emulator there is nothing to look at, and every further look would fail alike.
      if (!this.#broken) failed(error as Error);
      this.#broken = true;
    }
  }
}
