/**
 * The screen of a session: an emulator fed from the log as a cursor, in bounded pieces and off the byte path (DESIGN
 * §6 "Screen"). It exists from the first need on and starts at the oldest byte still held.
 */
import type { ScreenView } from '../agents/contract.ts';
import { type StreamId, STDOUT, UNKNOWN_END } from '../protocol/session/index.ts';
import type { LogCursor, LogItem, LogSource } from '../session/index.ts';
import { type Clock, withDeadline } from '../runtime/index.ts';
import { HoldfastError } from '../protocol/errors.ts';
import type { Emulator, EmulatorEvents, ScreenText } from './emulator.ts';
import { groundPrefix } from './ground.ts';

/** Parsed in one turn: about a millisecond. */
const PIECE_BYTES = 64 * 1024;
/** A sequence that is longer than this is parsed unfinished: nothing real is. */
const HELD_BYTES = 256 * 1024;

export interface MirrorOptions {
  source: LogSource;
  /** The size before the first resize record the mirror reads. */
  rows: number;
  cols: number;
  clock: Clock;
  create(rows: number, cols: number, events: EmulatorEvents): Emulator;
  /** End offsets of queries the shim must answer lie in here: the next one at or after `offset`, or null. */
  nextQuery(offset: number): number | null;
  /** What the emulator answered to the query that ends at `offset`. */
  answered(offset: number, replies: string): void;
}

export interface ScreenState {
  /** The screen is what the log's bytes below this offset make. */
  offset: number;
  /** False after the mirror lost bytes, until the screen was cleared or reset whole. */
  exact: boolean;
}

const STREAMS: readonly StreamId[] = [STDOUT];

export class Mirror {
  readonly #options: MirrorOptions;
  readonly #emulator: Emulator;
  readonly #cursor: LogCursor;
  readonly #stopListening: () => void;
  /** Bytes read and not parsed yet: an unfinished sequence at the end. */
  #held = Buffer.alloc(0);
  /** Everything below is on the screen. */
  #offset: number;
  #replies = '';
  #exact: boolean;
  #running = false;
  #closed = false;
  #waiting: { offset: number; reached: () => void }[] = [];

  constructor(options: MirrorOptions) {
    this.#options = options;
    const start = options.source.extents().find((extent) => extent.id === STDOUT)?.start ?? 0;
    this.#exact = start === 0;
    this.#offset = start;
    this.#emulator = options.create(options.rows, options.cols, {
      reply: (text) => (this.#replies += text),
      cleared: () => (this.#exact = true),
    });
    this.#cursor = options.source.cursor(STREAMS, { offsets: { [STDOUT]: start } });
    this.#stopListening = options.source.onAppend(() => this.#start());
    this.#start();
  }

  get state(): ScreenState {
    return { offset: this.#offset, exact: this.#exact };
  }

  get size(): { rows: number; cols: number } {
    return { rows: this.#emulator.rows, cols: this.#emulator.cols };
  }

  /**
   * Resolves when everything that was in the log by now is on the screen, or after `ms`: whichever comes first. False:
   * it is behind.
   */
  async caughtUp(ms: number): Promise<boolean> {
    const head = this.#options.source.extents().find((extent) => extent.id === STDOUT)?.end ?? 0;
    if (!this.#running && this.#cursor.lag() === 0) return true;
    const reached = new Promise<void>((resolve) => this.#waiting.push({ offset: head, reached: resolve }));
    this.#start();
    return withDeadline(
      this.#options.clock,
      ms,
      reached,
      () => new HoldfastError('timeout', 'the screen is behind'),
    ).then(
      () => true,
      // Behind by more than it could parse in time: the answer carries the offset it stands for.
      () => false,
    );
  }

  serialize(): string {
    return this.#emulator.serialize();
  }

  text(lastLines: number | undefined): ScreenText {
    return this.#emulator.text(lastLines);
  }

  view(): ScreenView {
    return this.#emulator.view();
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#cursor.close();
    this.#release(Infinity);
  }

  #start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    // The loop has no other outcome than having parsed what is there.
    void this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const position = this.#cursor.position(STDOUT);
      const query = this.#options.nextQuery(position);
      const room = query === null ? PIECE_BYTES : Math.min(PIECE_BYTES, query - position);
      const items = this.#cursor.read(Math.max(1, room));
      if (items.length === 0) break;
      for (const item of items) await this.#apply(item);
      if (query !== null && this.#cursor.position(STDOUT) >= query) this.#answer(query);
      this.#replies = '';
      this.#release(this.#cursor.position(STDOUT));
    }
    this.#running = false;
    this.#release(Infinity);
  }

  async #apply(item: LogItem): Promise<void> {
    if (item.type === 'data') await this.#parse(item.offset, item.bytes);
    else if (item.type === 'resize') this.#emulator.resize(item.rows, item.cols);
    else if (item.type === 'gap') {
      this.#held = Buffer.alloc(0);
      // Behind what a killed shim had not written comes nothing, and nobody knows where that would be.
      this.#offset = item.to === UNKNOWN_END ? item.from : item.to;
      this.#emulator.reset();
      this.#exact = false;
    }
  }

  async #parse(offset: number, bytes: Buffer): Promise<void> {
    const joined = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const ready = joined.length > HELD_BYTES ? joined.length : groundPrefix(joined);
    // Copied: the log may give up the memory of what the cursor has passed.
    this.#held = Buffer.from(joined.subarray(ready));
    if (ready > 0) await this.#emulator.write(joined.subarray(0, ready));
    this.#offset = offset + bytes.length - this.#held.length;
  }

  #answer(query: number): void {
    this.#options.answered(query, this.#replies);
    this.#replies = '';
  }

  #release(offset: number): void {
    this.#waiting = this.#waiting.filter((waiter) => {
      if (waiter.offset > offset) return true;
      waiter.reached();
      return false;
    });
  }
}
