/**
 * The sending side of a connection: a bounded queue in front of one stream, one signal when it is short again, and a
 * deadline on every write. While nothing waits no timer exists.
 */
import { writeSync, writevSync } from 'node:fs';
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
/** Room for what frames have besides: their heads, and a short message behind them. */
const SCRATCH_BYTES = COPY_BYTES + 512;
/** Bytes a UTF-16 code unit can become. */
const UTF8_MOST = 3;

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
  #scratch: Buffer | null = null;
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

  /**
   * Sends `head`, `body` and `tail` in one system call; `body` must not change until it is taken. Returns `writable`.
   *
   * While nothing waits the kernel is asked right here: that is a third of what the stream's own write costs, and most
   * of a keystroke's way is such writes. What it does not take goes through the stream.
   */
  writeParts(head: Buffer, body: Buffer, tail: Buffer | null = null): boolean {
    if (this.#stopped) return false;
    const length = head.length + body.length + (tail?.length ?? 0);
    const fd = this.#idleDescriptor();
    if (length <= SCRATCH_BYTES && fd >= 0) {
      this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      let end = head.copy(this.#scratch);
      end += body.copy(this.#scratch, end);
      if (tail !== null) end += tail.copy(this.#scratch, end);
      return this.#writeScratch(fd, end);
    }
    if (body.length <= COPY_BYTES) return this.#queue(concat(head, body, tail));
    const parts = tail === null ? [head, body] : [head, body, tail];
    let taken = fd >= 0 ? writevNow(fd, parts) : 0;
    if (taken === length) return true;
    this.#stream.cork();
    for (const part of parts) {
      if (taken < part.length) this.#stream.write(taken === 0 ? part : part.subarray(taken), this.#taken);
      taken = Math.max(0, taken - part.length);
    }
    this.#stream.uncork();
    return this.#watch();
  }

  /** Sends one piece; short text to an idle socket goes the way `writeParts` goes. */
  write(bytes: Buffer | string): boolean {
    if (this.#stopped) return false;
    if (typeof bytes !== 'string' || bytes.length * UTF8_MOST > SCRATCH_BYTES) return this.#queue(bytes);
    const fd = this.#idleDescriptor();
    if (fd < 0) return this.#queue(bytes);
    this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return this.#writeScratch(fd, this.#scratch.write(bytes));
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

  #writeScratch(fd: number, length: number): boolean {
    const scratch = this.#scratch!;
    const taken = writeNow(fd, scratch, length);
    return taken === length || this.#queue(Buffer.from(scratch.subarray(taken, length)));
  }

  #queue(bytes: Buffer | string): boolean {
    this.#stream.write(bytes, this.#taken);
    return this.#watch();
  }

  /** The descriptor of a connected socket whose stream holds nothing back; −1 without one. */
  #idleDescriptor(): number {
    const stream: MaybeSocket = this.#stream;
    if (this.#full || stream.writableLength > 0 || stream.writableCorked > 0) return -1;
    if (stream.connecting === true || stream.destroyed || stream.writableEnded) return -1;
    return stream._handle?.fd ?? -1;
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

/** What a `net.Socket` has besides; its descriptor is non-blocking. */
type MaybeSocket = Duplex & { connecting?: boolean; _handle?: { fd?: number } | null };

function concat(head: Buffer, body: Buffer, tail: Buffer | null): Buffer {
  return Buffer.concat(tail === null ? [head, body] : [head, body, tail]);
}

function writeNow(fd: number, bytes: Buffer, length: number): number {
  return attempt(() => writeSync(fd, bytes, 0, length));
}

function writevNow(fd: number, parts: Buffer[]): number {
  return attempt(() => writevSync(fd, parts));
}

/** 0 for what cannot be written now, whyever: the stream will find out, and tell. */
function attempt(write: () => number): number {
  // EAGAIN is an ordinary answer here, and a stack trace costs ten times the call.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return write();
  } catch {
    return 0;
  } finally {
    Error.stackTraceLimit = limit;
  }
}
