/**
 * Seed 3's state of a session, and its statistics. Of a program that tells nothing about itself: `starting` until the
 * first output or for a second, `working` while output came within the last second, else `idle`; `dead` from the
 * child's exit on. An agent's state is told instead. Nothing ticks while nothing flows.
 */
import type { AgentUsage } from '../protocol/agent/index.ts';
import type { SessionEvent, ShimState } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { AgentFigures } from './agent/contract.ts';

/** Output within this long makes a session `working`. */
const ACTIVE_MS = 1_000;
/** Statistics are sent at most this often, while output flows (seed 3). */
const STATS_MS = 10_000;

export interface ActivityOptions {
  clock: Clock;
  emit(event: SessionEvent): void;
  /** The state is told (`tell`), not read from the output. */
  told: boolean;
  /** Of an agent that says it. */
  usage(): AgentUsage | null;
}

export class Activity implements AgentFigures {
  readonly #clock: Clock;
  readonly #options: ActivityOptions;
  readonly #startedAt: number;
  #state: ShimState = 'starting';
  #since: number;
  #outputBytes = 0;
  #lastOutput: number;
  #statsAt = -Infinity;
  #cancelQuiet: () => void;
  #cancelStats: (() => void) | null = null;

  constructor(options: ActivityOptions) {
    const { clock, told } = options;
    this.#clock = clock;
    this.#options = options;
    this.#startedAt = this.#since = this.#lastOutput = clock.monotonic();
    this.#cancelQuiet = told ? () => {} : clock.after(ACTIVE_MS, () => this.#quiet());
  }

  get outputBytes(): number {
    return this.#outputBytes;
  }

  get uptimeSecs(): number {
    return Math.floor((this.#clock.monotonic() - this.#startedAt) / 1000);
  }

  get lastOutput(): number {
    return this.#lastOutput;
  }

  get state(): { state: ShimState; since_secs: number } {
    return { state: this.#state, since_secs: Math.floor((this.#clock.monotonic() - this.#since) / 1000) };
  }

  /** On the byte path: two assignments and a comparison while output flows. */
  output(bytes: number): void {
    this.#outputBytes += bytes;
    this.#lastOutput = this.#clock.monotonic();
    if (this.#state !== 'working' && !this.#options.told) this.#wake();
    if (this.#cancelStats === null && this.#state !== 'dead') this.#scheduleStats();
  }

  /** What an agent showed of itself. Nothing follows the child's exit. */
  tell(to: ShimState, summary: string): void {
    if (this.#state === 'dead' || to === this.#state) return;
    const wasStarting = this.#state === 'starting';
    this.#change(to, summary);
    if (wasStarting && to !== 'dead') this.#emit({ event: 'Ready' });
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

  #emit(event: SessionEvent): void {
    this.#options.emit(event);
  }

  #scheduleStats(): void {
    const wait = Math.max(0, this.#statsAt + STATS_MS - this.#clock.monotonic());
    this.#cancelStats = this.#clock.after(wait, () => {
      this.#cancelStats = null;
      this.#statsAt = this.#clock.monotonic();
      const usage = this.#options.usage();
      this.#emit({
        event: 'SessionStats',
        output_bytes: this.#outputBytes,
        uptime_secs: this.uptimeSecs,
        input_tokens: usage?.input_tokens ?? 0,
        output_tokens: usage?.output_tokens ?? 0,
        ...(usage === null || usage.usage_pct === null ? {} : { context_usage_pct: usage.usage_pct }),
      });
    });
  }
}
