/**
 * Seed 3's state of a session whose program tells nothing about itself, and its statistics. The rule: `starting` until
 * the first output or for a second, `working` while output came within the last second, else `idle`; `dead` from the
 * child's exit on. Nothing ticks while nothing flows.
 */
import type { SessionEvent, ShimState } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';

/** Output within this long makes a session `working`. */
const ACTIVE_MS = 1_000;
/** Statistics are sent at most this often, while output flows (seed 3). */
const STATS_MS = 10_000;

export class Activity {
  readonly #clock: Clock;
  readonly #emit: (event: SessionEvent) => void;
  readonly #startedAt: number;
  #state: ShimState = 'starting';
  #since: number;
  #outputBytes = 0;
  #lastOutput = 0;
  #statsAt = -Infinity;
  #cancelQuiet: () => void;
  #cancelStats: (() => void) | null = null;

  constructor(clock: Clock, emit: (event: SessionEvent) => void) {
    this.#clock = clock;
    this.#emit = emit;
    this.#startedAt = this.#since = clock.monotonic();
    this.#cancelQuiet = clock.after(ACTIVE_MS, () => this.#quiet());
  }

  get state(): { state: ShimState; since_secs: number } {
    return { state: this.#state, since_secs: Math.floor((this.#clock.monotonic() - this.#since) / 1000) };
  }

  /** On the byte path: two assignments and a comparison while output flows. */
  output(bytes: number): void {
    this.#outputBytes += bytes;
    this.#lastOutput = this.#clock.monotonic();
    if (this.#state !== 'working') this.#wake();
    if (this.#cancelStats === null && this.#state !== 'dead') this.#scheduleStats();
  }

  exited(summary: string): void {
    this.#cancelQuiet();
    this.#cancelStats?.();
    this.#cancelStats = null;
    this.#change('dead', summary);
  }

  #wake(): void {
    if (this.#state === 'dead') return;
    this.#cancelQuiet();
    const wasStarting = this.#state === 'starting';
    this.#change('working', 'output');
    if (wasStarting) this.#emit({ event: 'Ready' });
    this.#cancelQuiet = this.#clock.after(ACTIVE_MS, () => this.#quiet());
  }

  #quiet(): void {
    const silence = this.#clock.monotonic() - this.#lastOutput;
    if (this.#state === 'working' && silence < ACTIVE_MS) {
      this.#cancelQuiet = this.#clock.after(ACTIVE_MS - silence, () => this.#quiet());
      return;
    }
    const wasStarting = this.#state === 'starting';
    this.#change('idle', 'no output for a second');
    if (wasStarting) this.#emit({ event: 'Ready' });
  }

  #change(to: ShimState, summary: string): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#since = this.#clock.monotonic();
    this.#emit({ event: 'StateChanged', from, to, summary });
  }

  #scheduleStats(): void {
    const wait = Math.max(0, this.#statsAt + STATS_MS - this.#clock.monotonic());
    this.#cancelStats = this.#clock.after(wait, () => {
      this.#cancelStats = null;
      this.#statsAt = this.#clock.monotonic();
      this.#emit({
        event: 'SessionStats',
        output_bytes: this.#outputBytes,
        uptime_secs: Math.floor((this.#clock.monotonic() - this.#startedAt) / 1000),
        input_tokens: 0,
        output_tokens: 0,
      });
    });
  }
}
