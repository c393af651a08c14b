/** Creates the screen when it is first needed and answers the child's terminal queries from it. */
import { SCREEN_WAIT_MS } from '../protocol/limits.ts';
import type { LogSource } from '../session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { Mirror } from './mirror.ts';
import { QueryLedger } from './queries.ts';

export interface ScreenOptions {
  source: LogSource;
  rows: number;
  cols: number;
  clock: Clock;
  /** Writes an answer to the child's terminal, outside any lease. */
  answer(reply: string): void;
  /** The emulator could not be loaded: an installation that was removed under the running shim. */
  failed(error: Error): void;
}

export class ScreenService {
  readonly #options: ScreenOptions;
  readonly #ledger: QueryLedger;
  #mirror: Promise<Mirror> | null = null;
  #drawn: Mirror | null = null;
  #closed = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#ledger = new QueryLedger(options.answer);
  }

  /** The screen with everything on it that the log held when asked, as far as a second allows. */
  async current(): Promise<Mirror> {
    const mirror = await this.#create();
    await mirror.caughtUp(SCREEN_WAIT_MS);
    return mirror;
  }

  /** The screen as far as it is drawn; null: nobody has needed it yet. */
  get drawn(): Mirror | null {
    return this.#drawn;
  }

  /** The screen as it comes to be, which may be behind. */
  mirror(): Promise<Mirror> {
    return this.#create();
  }

  /** A terminal query was read from the child; it ends right before `end`. */
  query(end: number, driverIsLive: boolean): void {
    this.#ledger.seen(end, driverIsLive);
    if (!driverIsLive) this.#createForQueries();
  }

  /** The driver's terminal, which was sent everything below `sentTo`, answers nothing any more. */
  driverLeft(sentTo: number): void {
    this.#ledger.driverLeft(sentTo);
    if (!this.#ledger.isEmpty) this.#createForQueries();
  }

  close(): void {
    this.#closed = true;
    this.#mirror?.then(
      (mirror) => mirror.close(),
      () => undefined, // It was never there.
    );
  }

  #createForQueries(): void {
    this.#create().catch((error: Error) => this.#options.failed(error));
  }

  #create(): Promise<Mirror> {
    this.#mirror ??= this.#load().catch((error: unknown) => {
      this.#mirror = null;
      throw error;
    });
    return this.#mirror;
  }

  async #load(): Promise<Mirror> {
    const { createEmulator } = await import('./emulator.ts');
    const { source, rows, cols, clock } = this.#options;
    const mirror = new Mirror({
      source,
      rows,
      cols,
      clock,
      create: createEmulator,
      nextQuery: (offset) => this.#ledger.next(offset),
      answered: (offset, replies) => this.#ledger.answered(offset, replies),
    });
    if (this.#closed) mirror.close();
    this.#drawn = mirror;
    return mirror;
  }
}
