/**
 * The sending side of a connection: a bounded queue in front of one stream, one signal when it is short again, and a
 * deadline on every write. While nothing waits no timer exists.
 */
import type { Duplex } from 'node:stream';
import { HoldfastError, limits } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';

export interface WriterOptions {
  clock: Clock;
  /** Bytes that may wait before `writable` turns false. Default 256 KiB. */
  highWaterBytes?: number;
  /** Bytes that may wait at all; one more ends the connection with `timeout`. Default 8 MiB. */
  maxQueuedBytes?: number;
  /** Ms a write may make no progress. Default `SOCKET_WRITE_MS`. */
  writeMs?: number;
}

const HIGH_WATER_BYTES = 256 * 1024;
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
/** Below this a copy is cheaper than a vectored write. */
const COPY_BYTES = 4096;

export interface WriterHandlers {
  /** `writable` is true again after it was false. */
  drained(): void;
  /** A bound or the deadline was passed; the stream must be destroyed. */
  failed(error: HoldfastError): void;
}

export class StreamWriter {
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #handlers: WriterHandlers;
  readonly #highWater: number;
  readonly #maxQueued: number;
  readonly #writeMs: number;
  readonly #taken: () => void;
  #cancelDeadline: (() => void) | null = null;
  #full = false;
  #stopped = false;

  constructor(stream: Duplex, handlers: WriterHandlers, options: WriterOptions) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#clock = options.clock;
    this.#highWater = options.highWaterBytes ?? HIGH_WATER_BYTES;
    this.#maxQueued = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    this.#writeMs = options.writeMs ?? limits.SOCKET_WRITE_MS;
    this.#taken = () => this.#progressed();
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  get writable(): boolean {
    return !this.#stopped && !this.#full;
  }

  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
    this.#watch();
  }

  /** Sends `head` and `body` in one system call; `body` must not change until it is taken. Returns `writable`. */
  writePair(head: Buffer, body: Buffer): boolean {
    if (this.#stopped) return false;
    if (body.length <= COPY_BYTES) {
      this.#stream.write(
        body.length === 0 ? head : Buffer.concat([head, body], head.length + body.length),
        this.#taken,
      );
      return this.#watch();
    }
    this.#stream.cork();
    this.#stream.write(head);
    this.#stream.write(body, this.#taken);
    this.#stream.uncork();
    return this.#watch();
  }

  write(bytes: Buffer | string): boolean {
    if (this.#stopped) return false;
    this.#stream.write(bytes, this.#taken);
    return this.#watch();
  }

  /** Refuses more writes; what waits is still sent. */
  stop(): void {
    this.#stopped = true;
  }

  /** Releases the timer: the stream is gone. */
  close(): void {
    this.#stopped = true;
    this.#disarm();
  }

  /** The kernel takes most writes at once, which leaves nothing to watch. */
  #watch(): boolean {
    const queued = this.#stream.writableLength;
    if (queued === 0) return !this.#full;
    if (queued > this.#maxQueued) {
      this.#fail(`the peer left ${queued} bytes unread; at most ${this.#maxQueued} may wait`);
      return false;
    }
    if (queued > this.#highWater) this.#full = true;
    if (this.#stream.writableCorked === 0 && this.#cancelDeadline === null) this.#arm();
    return !this.#full;
  }

  #progressed(): void {
    if (this.#stream.destroyed) return;
    const queued = this.#stream.writableLength;
    if (this.#cancelDeadline !== null) {
      this.#disarm();
      if (queued > 0) this.#arm();
    }
    if (!this.#full || queued > this.#highWater / 2) return;
    this.#full = false;
    if (!this.#stopped) this.#handlers.drained();
  }

  #arm(): void {
    if (this.#stream.destroyed) return;
    this.#cancelDeadline = this.#clock.after(this.#writeMs, () => {
      this.#cancelDeadline = null;
      this.#fail(`the peer took nothing for ${this.#writeMs} ms`);
    });
  }

  #disarm(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
  }

  #fail(message: string): void {
    this.#stopped = true;
    this.#handlers.failed(new HoldfastError('timeout', message, { details: { reason: 'write_timeout' } }));
  }
}
