/**
 * When the child's output is read: not while a lossless reader holds it up, and a flood that nobody watches only part
 * of the time, so that watched sessions get the machine (DESIGN §6 "Flow control").
 */
import type { Clock } from '../runtime/index.ts';
import type { Child } from './contract.ts';

/** An unwatched session may read this much at once before it rests. */
const BURST_BYTES = 256 * 1024;
const REST_MS = 3;
/** A session that was quiet for this long has its whole burst again. */
const QUIET_MS = 50;

export class Pace {
  readonly #clock: Clock;
  readonly #child: () => Child;
  readonly #isWatched: () => boolean;
  #held = false;
  #resting: (() => void) | null = null;
  #stopped = false;
  #burst = 0;
  #burstAt = 0;

  constructor(clock: Clock, child: () => Child, isWatched: () => boolean) {
    this.#clock = clock;
    this.#child = child;
    this.#isWatched = isWatched;
  }

  /** A lossless reader is behind. */
  hold(): void {
    this.#held = true;
    this.#child().pauseOutput();
  }

  release(): void {
    this.#held = false;
    this.#resume();
  }

  /** Somebody started to watch. */
  watched(): void {
    if (this.#resting === null) return;
    this.#resting();
    this.#resting = null;
    this.#resume();
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#stopped = true;
    this.#resting?.();
    this.#resting = null;
  }

  output(bytes: number): void {
    if (this.#isWatched()) return;
    const now = this.#clock.monotonic();
    if (now - this.#burstAt > QUIET_MS) this.#burst = 0;
    this.#burstAt = now;
    this.#burst += bytes;
    if (this.#burst < BURST_BYTES || this.#resting !== null || this.#stopped) return;
    this.#burst = 0;
    this.#child().pauseOutput();
    this.#resting = this.#clock.after(REST_MS, () => {
      this.#resting = null;
      this.#resume();
    });
  }

  #resume(): void {
    if (!this.#held && this.#resting === null && !this.#stopped) this.#child().resumeOutput();
  }
}
