/** Drives one attached reader: from a cursor into its socket, as far as credit and back-pressure allow. */
import type { GapReason, SessionEvent, StreamId } from '../protocol/session/index.ts';
import { DATA_FRAME_BYTES } from '../protocol/limits.ts';
import type { LogCursor, LogItem, LogSource } from './contract.ts';
import type { FlowReader } from './flow.ts';

/** Where a reader's frames go; a `FrameConnection` is one. Every `send…` returns whether more may come at once. */
export interface FrameSink {
  readonly writable: boolean;
  sendData(stream: StreamId, offset: number, bytes: Buffer): boolean;
  sendGap(stream: StreamId, from: number, to: number, reason: GapReason): boolean;
  sendJson(message: SessionEvent): boolean;
  cork(): void;
  uncork(): void;
}

export interface ReaderPumpOptions {
  source: LogSource;
  cursor: LogCursor;
  sink: FrameSink;
  streams: readonly StreamId[];
  /** Bytes the reader takes now. */
  credit: number;
  /** The `End` event was sent; nothing follows. */
  finished?: () => void;
}

/** Bytes sent per turn of the loop before everybody else gets one. */
const TURN_BYTES = 1024 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * Sends within the call that makes it possible (`append`, `grant`, `drained`); never waits, never queues: what the
 * reader does not take stays in the log. Whether it may hold the child up is decided by `FlowControl`, not here.
 */
export class ReaderPump {
  readonly streams: readonly StreamId[];
  readonly #cursor: LogCursor;
  readonly #sink: FrameSink;
  readonly #finished: () => void;
  readonly #stopListening: () => void;
  #credit: number;
  #flow: FlowReader | undefined;
  #running = false;
  #turn: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(options: ReaderPumpOptions) {
    this.streams = options.streams;
    this.#cursor = options.cursor;
    this.#sink = options.sink;
    this.#credit = options.credit;
    this.#finished = options.finished ?? (() => {});
    this.#stopListening = options.source.onAppend(() => this.#run());
  }

  /** Sends what is there; call once, after the answer to `Attach` went out. */
  start(): void {
    this.#run();
  }

  /** Binds a lossless reader to what it may hold up. */
  throttles(flow: FlowReader): void {
    this.#flow = flow;
  }

  /** Bytes of credit left. */
  get credit(): number {
    return this.#credit;
  }

  /** Bytes between this reader and the head. */
  get lagBytes(): number {
    return this.#cursor.lag();
  }

  position(stream: StreamId): number {
    return this.#cursor.position(stream);
  }

  /** `Credit{bytes}`. */
  grant(bytes: number): void {
    this.#credit = Math.min(Number.MAX_SAFE_INTEGER, this.#credit + bytes);
    this.#run();
  }

  /** The sink is writable again. */
  drained(): void {
    this.#run();
  }

  /** Sends nothing more, also not what a scheduled turn would have sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#cursor.close();
    this.#flow?.remove();
  }

  #run(): void {
    if (this.#running || this.#turn !== undefined) return;
    this.#running = true;
    let left = TURN_BYTES;
    while (!this.#closed && this.#sink.writable) {
      if (left <= 0) {
        this.#turn = setImmediate(() => {
          this.#turn = undefined;
          this.#run();
        });
        break;
      }
      const items = this.#cursor.read(Math.min(this.#credit, READ_BYTES, left));
      if (items.length === 0) break;
      left -= this.#send(items);
    }
    this.#running = false;
    if (!this.#closed) this.#flow?.progressed();
  }

  #send(items: LogItem[]): number {
    const corked = items.length > 1;
    if (corked) this.#sink.cork();
    let sent = 0;
    for (const item of items) {
      if (this.#closed) break;
      if (item.type === 'data') sent += this.#sendData(item.stream, item.offset, item.bytes);
      else if (item.type === 'gap') this.#sink.sendGap(item.stream, item.from, item.to, item.reason);
      else this.#sink.sendJson(eventOf(item));
    }
    if (corked) this.#sink.uncork();
    this.#credit -= sent;
    if (items.at(-1)?.type === 'end' && !this.#closed) this.#finished();
    return sent;
  }

  #sendData(stream: StreamId, offset: number, bytes: Buffer): number {
    for (let at = 0; at < bytes.length; at += DATA_FRAME_BYTES) {
      this.#sink.sendData(stream, offset + at, bytes.subarray(at, at + DATA_FRAME_BYTES));
    }
    return bytes.length;
  }
}

function eventOf(item: Exclude<LogItem, { type: 'data' | 'gap' }>): SessionEvent {
  switch (item.type) {
    case 'resize':
      return { event: 'Resized', rows: item.rows, cols: item.cols, offset: item.offset };
    case 'child_exit':
      return { event: 'ChildExit', exit: item.exit };
    case 'eof':
      return { event: 'Eof', stream: item.stream, offset: item.offset };
    case 'end':
      return { event: 'End', cause: item.cause, survivors: item.survivors };
  }
}
