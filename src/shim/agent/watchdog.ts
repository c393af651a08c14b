/** Warns of an agent that does not get ready, and of one that works without a sound (seed 3, `Warning`). */
import type { AgentStatus } from '../../protocol/agent/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { AgentFigures } from './contract.ts';

export interface WatchdogOptions {
  clock: Clock;
  figures: AgentFigures;
  readyMs: number;
  warn(message: string, idleSecs?: number): void;
}

/** Silence while working that is said; a tool may well run so long, hence only said. */
const SILENCE_MS = 120_000;

export class Watchdog {
  readonly #options: WatchdogOptions;
  #cancelReady: () => void;
  #cancelSilence: (() => void) | null = null;
  #working = false;
  #warned = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const { clock, readyMs, warn } = options;
    this.#cancelReady = clock.after(readyMs, () =>
      warn(`the agent did not show within ${readyMs} ms that it is ready; holdfast explain says what was seen`),
    );
  }

  observe({ activity, attention }: AgentStatus, proven: boolean): void {
    if (proven) this.#cancelReady();
    const working = activity === 'working' && attention === 'none';
    if (working === this.#working) return;
    this.#working = working;
    this.#warned = false;
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    if (working) this.#listen(SILENCE_MS);
  }

  stop(): void {
    this.#cancelReady();
    this.#cancelSilence?.();
    this.#cancelSilence = null;
  }

  #listen(ms: number): void {
    const { clock, figures, warn } = this.#options;
    this.#cancelSilence = clock.after(ms, () => {
      this.#cancelSilence = null;
      const silence = clock.monotonic() - figures.lastOutput;
      if (silence >= SILENCE_MS && !this.#warned) {
        this.#warned = true;
        warn('the agent works and wrote nothing for long', Math.floor(silence / 1000));
      }
      if (!this.#warned) this.#listen(Math.max(1_000, SILENCE_MS - silence));
    });
  }
}
