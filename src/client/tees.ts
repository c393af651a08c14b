/**
 * Seed 4's tee sinks that live in this process: channel, callback and descriptor. Each is a cursor on the session's log
 * with a bounded queue (DESIGN §6; ring and file tees live in the shim, `Session.tee`).
 */
import { HoldfastError } from '../protocol/index.ts';
import type { StreamId } from '../protocol/session/index.ts';
import { writeFully } from './fd-writer.ts';
import { OutputStream } from './output.ts';
import type { SessionContext } from './session.ts';
import { type TeeEvent, TeeQueue } from './tee-queue.ts';

/** Read it as an async iterator. `new ChannelSink(16)` holds 16 chunks; 0 is a rendezvous. */
export class ChannelSink implements AsyncIterableIterator<TeeEvent, undefined> {
  readonly kind = 'channel';
  readonly capacity: number;
  #queue: TeeQueue | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Internal. */
  connect(queue: TeeQueue): void {
    if (this.#queue !== undefined) throw new HoldfastError('conflict', 'this channel belongs to another tee already');
    this.#queue = queue;
  }

  async next(): Promise<IteratorResult<TeeEvent, undefined>> {
    const entry = await this.#queue?.take();
    return entry === undefined ? { done: true, value: undefined } : { done: false, value: entry };
  }

  /** Leaving the loop drops the receiver: the tee is `disconnected` from then on. */
  return(): Promise<IteratorResult<TeeEvent, undefined>> {
    this.#queue?.abandon();
    this.onDropped?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Internal. */
  onDropped: (() => void) | undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }
}

export interface CallbackSink {
  kind: 'callback';
  /** Chunks that may wait for the callback. */
  capacity: number;
  /** Called in order, the next after the last one's promise has settled; throwing disconnects the tee. */
  callback: (event: TeeEvent) => void | Promise<void>;
}

export interface FdSink {
  kind: 'fd';
  /** Stays the caller's: keep it open until the tee is closed. */
  fd: number;
  /** Chunks that may wait; default 1,024. */
  capacity?: number;
}

export interface SdkTeeOptions {
  /** `block` makes the tee a lossless reader, which needs the owner's allowance. */
  backpressure: 'drop_oldest' | 'block';
  /** Descriptor: write a line in place of missing bytes. */
  write_missed_markers: boolean;
  from: 'start' | 'end' | number;
}

export interface SdkTeeState {
  stream: StreamId;
  kind: 'channel' | 'callback' | 'fd';
  written_bytes: number;
  missed_bytes: number;
  disconnected: boolean;
  error?: string;
  /** Everything that was read was handed to the sink. */
  flushed: boolean;
}

export class SdkTee {
  readonly stream: StreamId;
  readonly #sink: ChannelSink | CallbackSink | FdSink;
  readonly #queue: TeeQueue;
  readonly #output: OutputStream;
  readonly #markers: boolean;
  #written = 0;
  #missedByReader = 0;
  #error: string | undefined;
  #disconnected = false;
  #flushed = false;
  #pumping: Promise<void> = Promise.resolve();
  #draining: Promise<void> = Promise.resolve();

  constructor(
    stream: StreamId,
    sink: ChannelSink | CallbackSink | FdSink,
    output: OutputStream,
    options: SdkTeeOptions,
  ) {
    this.stream = stream;
    this.#sink = sink;
    this.#output = output;
    this.#markers = options.write_missed_markers;
    this.#queue = new TeeQueue(sink.capacity ?? 1_024, options.backpressure === 'drop_oldest');
  }

  /** Internal. */
  start(): void {
    this.#pumping = this.#pump();
    if (this.#sink.kind === 'channel') {
      this.#sink.connect(this.#queue);
      this.#sink.onDropped = () => this.#disconnect('the channel was dropped');
    } else {
      this.#draining = this.#drain(this.#sink);
    }
  }

  status(): SdkTeeState {
    return {
      stream: this.stream,
      kind: this.#sink.kind,
      written_bytes: this.#written,
      missed_bytes: this.#missedByReader + this.#queue.missedBytes,
      disconnected: this.#disconnected,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      flushed: this.#flushed,
    };
  }

  /** Resolves at the end of the session's log, when the sink has everything. */
  async finished(): Promise<SdkTeeState> {
    await this.#pumping;
    await this.#draining;
    return this.status();
  }

  /** `untee`: reads no more, flushes what was read, and says what came of it. */
  async close(): Promise<SdkTeeState> {
    await this.#output.return();
    return this.finished();
  }

  async #pump(): Promise<void> {
    try {
      for await (const item of this.#output) {
        if (item.type === 'data') {
          if (this.#sink.kind === 'channel' && !this.#disconnected) this.#written += item.bytes.length;
          await this.#queue.push({ type: 'data', offset: item.offset, bytes: item.bytes });
        } else if (item.type === 'gap' && item.to !== Infinity) {
          await this.#queue.push({ type: 'missed', bytes: item.to - item.from });
        }
      }
    } catch (error) {
      this.#disconnect(HoldfastError.from(error).message);
    }
    this.#queue.close();
    if (this.#sink.kind === 'channel') this.#flushed = !this.#disconnected;
  }

  async #drain(sink: CallbackSink | FdSink): Promise<void> {
    for (let entry = await this.#queue.take(); entry !== undefined; entry = await this.#queue.take()) {
      try {
        if (sink.kind === 'callback') await sink.callback(entry);
        else await this.#writeTo(sink.fd, entry);
        if (entry.type === 'data') this.#written += entry.bytes.length;
      } catch (error) {
        if (entry.type === 'data') this.#missedByReader += entry.bytes.length;
        this.#disconnect(HoldfastError.from(error).message);
        return;
      }
    }
    this.#flushed = !this.#disconnected;
  }

  async #writeTo(fd: number, entry: TeeEvent): Promise<void> {
    if (entry.type === 'data') await writeFully(fd, entry.bytes);
    else if (this.#markers) await writeFully(fd, Buffer.from(`\n[holdfast: ${entry.bytes} bytes missed]\n`));
  }

  #disconnect(error: string): void {
    this.#disconnected = true;
    this.#error ??= error;
    this.#queue.abandon();
  }
}

/** Internal: see `Session.sdkTee`. */
export async function openSdkTee(
  context: SessionContext,
  stream: StreamId,
  sink: ChannelSink | CallbackSink | FdSink,
  options: Partial<SdkTeeOptions>,
): Promise<SdkTee> {
  const { backpressure = 'drop_oldest', write_missed_markers = true, from = 'end' } = options;
  const output = new OutputStream(context, {
    streams: [stream],
    from,
    policy: backpressure === 'block' ? 'lossless' : 'never_block',
  });
  await output.open();
  const tee = new SdkTee(stream, sink, output, { backpressure, write_missed_markers, from });
  tee.start();
  return tee;
}
