/** One tee: a cursor on a log that feeds a sink at the sink's pace (DESIGN §6, seed 4). */
import type { StreamId, TeeOptions, TeeState } from '../../protocol/session/index.ts';
import type { LogCursor, LogItem, LogSource } from '../../session/contract.ts';
import type { FileSink } from './file-sink.ts';
import { ByteRing } from './ring.ts';

/** Copied or written at once; the bound of a tee's work per turn. */
const PUMP_BYTES = 256 * 1024;

export interface TeeContext {
  tee: number;
  stream: StreamId;
  source: LogSource;
  cursor: LogCursor;
  /** After the tee moved on: a `block` tee may have held the child up. */
  moved(): void;
}

abstract class CursorTee {
  protected readonly context: TeeContext;
  protected cursor: LogCursor;
  protected missed = 0;
  protected written = 0;
  readonly #stopListening: () => void;
  #scheduled = false;
  #closed = false;

  constructor(context: TeeContext) {
    this.context = context;
    this.cursor = context.cursor;
    this.#stopListening = context.source.onAppend(() => this.wake());
  }

  abstract state(): TeeState;
  protected abstract pump(): void;

  get tee(): number {
    return this.context.tee;
  }

  get stream(): StreamId {
    return this.context.stream;
  }

  lag(): number {
    return this.cursor.lag();
  }

  position(): number {
    return this.cursor.position(this.stream);
  }

  /** One pump per turn, however often bytes arrive. */
  wake(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed) this.pump();
    });
  }

  protected stop(): void {
    this.#closed = true;
    this.#stopListening();
    this.cursor.close();
  }
}

export class RingTee extends CursorTee {
  readonly #ring: ByteRing;

  constructor(context: TeeContext, capacity: number) {
    super(context);
    this.#ring = new ByteRing(capacity);
    this.wake();
  }

  /** What the ring holds now, everything up to the head read. */
  snapshot(): { offset: number; bytes: Buffer; missedBytes: number } {
    while (this.#take() > 0);
    const bytes = this.#ring.snapshot();
    return { offset: this.position() - bytes.length, bytes, missedBytes: this.missed };
  }

  state(): TeeState {
    return {
      tee: this.tee,
      stream: this.stream,
      kind: 'ring',
      written_bytes: this.written,
      missed_bytes: this.missed,
      lag_bytes: this.lag(),
      disconnected: false,
      flushed: this.lag() === 0,
    };
  }

  close(): Promise<TeeState> {
    while (this.#take() > 0);
    const state = this.state();
    this.stop();
    return Promise.resolve(state);
  }

  protected pump(): void {
    if (this.#take() > 0) this.wake();
  }

  /** Moves up to PUMP_BYTES into the ring; returns how many items there were. */
  #take(): number {
    const items = this.cursor.read(PUMP_BYTES);
    for (const item of items) {
      if (item.type === 'gap') this.missed += gapBytes(item);
      if (item.type !== 'data') continue;
      this.written += item.bytes.length;
      this.missed += this.#ring.push(item.bytes);
    }
    if (items.length > 0) this.context.moved();
    return items.length;
  }
}

export class FileTee extends CursorTee {
  readonly #sink: FileSink;
  readonly #path: string;
  readonly #options: TeeOptions;
  #writing = false;
  #error: string | null = null;
  #flushed = false;
  /** Missed bytes whose marker is not in the file yet. */
  #unmarked = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<TeeState> | null = null;

  constructor(context: TeeContext, sink: FileSink, path: string, options: TeeOptions) {
    super(context);
    this.#sink = sink;
    this.#path = path;
    this.#options = options;
    this.wake();
  }

  state(): TeeState {
    const lag = this.#error === null ? this.lag() : 0;
    return {
      tee: this.tee,
      stream: this.stream,
      kind: 'file',
      path: this.#path,
      written_bytes: this.written,
      // A failed sink takes nothing any more: all that came since is missed.
      missed_bytes: this.missed + (this.#error === null ? 0 : this.lag()),
      lag_bytes: lag,
      disconnected: this.#error !== null,
      ...(this.#error === null ? {} : { error: this.#error }),
      flushed: this.#flushed,
    };
  }

  /** Writes what the log holds now, then closes the file; the state says what was flushed and what was missed. */
  close(): Promise<TeeState> {
    this.#closing ??= this.#flushAndClose();
    return this.#closing;
  }

  protected pump(): void {
    if (this.#writing || this.#error !== null) return;
    this.#writing = true;
    // #drain settles #writing and records its own failure.
    void this.#drain();
  }

  async #flushAndClose(): Promise<TeeState> {
    this.pump();
    while (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    let flushed = this.#error === null;
    await this.#sink.close().catch((error: Error) => {
      flushed = false;
      this.#error ??= error.message;
    });
    const state = { ...this.state(), flushed };
    this.#flushed = flushed;
    this.stop();
    return state;
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        if (this.#options.backpressure === 'drop_oldest') this.#skipToQueue();
        const items = this.cursor.read(PUMP_BYTES);
        if (items.length === 0 && this.#unmarked === 0) break;
        await this.#write(items);
        this.context.moved();
      }
    } catch (error) {
      this.#error = (error as Error).message;
      this.context.moved();
    }
    this.#writing = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** The oldest bytes that wait are given up once more than `queue_bytes` wait. */
  #skipToQueue(): void {
    const lag = this.cursor.lag();
    if (lag <= this.#options.queue_bytes) return;
    const { source, stream } = this.context;
    const from = this.position();
    const to = from + lag - this.#options.queue_bytes;
    this.cursor.close();
    this.cursor = source.cursor([stream], { offsets: { [stream]: to } });
    this.#miss(to - from);
  }

  async #write(items: LogItem[]): Promise<void> {
    const parts: Buffer[] = [];
    let data = 0;
    for (const item of items) {
      if (item.type === 'gap') this.#miss(gapBytes(item));
      if (item.type !== 'data') continue;
      this.#mark(parts);
      // Copied by `concat` below: the log may give its memory up while the write is under way.
      parts.push(item.bytes);
      data += item.bytes.length;
    }
    this.#mark(parts);
    try {
      await this.#sink.write(Buffer.concat(parts));
      this.written += data;
    } catch (error) {
      this.missed += data;
      throw error;
    }
  }

  #miss(bytes: number): void {
    this.missed += bytes;
    this.#unmarked += bytes;
  }

  #mark(parts: Buffer[]): void {
    if (this.#unmarked > 0 && this.#options.write_missed_markers) {
      parts.push(Buffer.from(`[holdfast: ${this.#unmarked} bytes missed]\n`));
    }
    this.#unmarked = 0;
  }
}

export type Tee = RingTee | FileTee;

function gapBytes(gap: { from: number; to: number }): number {
  return Number.isFinite(gap.to) ? gap.to - gap.from : 0;
}
