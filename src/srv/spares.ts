/** Warm spares: shims that are ready before their session is wanted (DESIGN §6 "Start"). */
import type { Journal } from './journal.ts';
import type { ShimProcess } from './shim-process.ts';

/** A shim that ends this often before it is used will not do better the next time. */
const FAILURES_BEFORE_REST = 3;

export class Spares {
  readonly #configured: number;
  readonly #start: () => ShimProcess;
  readonly #journal: Journal;
  readonly #ready: ShimProcess[] = [];
  #failures = 0;
  #closed = false;

  constructor(configured: number, start: () => ShimProcess, journal: Journal) {
    this.#configured = configured;
    this.#start = start;
    this.#journal = journal;
  }

  get configured(): number {
    return this.#configured;
  }

  /** Pid of the spare that is next, null when none is ready. */
  get pid(): number | null {
    return this.#ready.find((shim) => shim.alive)?.pid ?? null;
  }

  /** A spare if there is one, else a fresh shim. Throws what starting one throws. */
  take(): ShimProcess {
    for (let spare = this.#ready.shift(); spare !== undefined; spare = this.#ready.shift()) {
      if (spare.alive) return spare;
    }
    return this.#start();
  }

  /** Brings the number of spares up to what is configured. Called when nothing more urgent is to be done. */
  refill(): void {
    while (!this.#closed && this.#failures < FAILURES_BEFORE_REST && this.#ready.length < this.#configured) {
      try {
        this.#keep(this.#start());
      } catch (error) {
        this.#failures++;
        this.#journal.write('warn', `no spare shim: ${(error as Error).message}`);
      }
    }
  }

  /** A start that worked: whatever kept spares from living is over. */
  forgive(): void {
    this.#failures = 0;
  }

  close(): void {
    this.#closed = true;
    for (const spare of this.#ready.splice(0)) spare.release();
  }

  #keep(shim: ShimProcess): void {
    this.#ready.push(shim);
    shim.onGone(() => {
      const at = this.#ready.indexOf(shim);
      if (at < 0) return;
      this.#ready.splice(at, 1);
      this.#failures++;
      this.#journal.write('warn', `spare shim ${shim.pid} ended unused`);
      this.refill();
    });
  }
}
