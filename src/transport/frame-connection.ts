/** Frames of the session socket (WIRES §2) over one stream. */
import type { Duplex } from 'node:stream';
import {
  FrameDecoder,
  encodeDataHeader,
  encodeGap,
  encodeInputHeader,
  encodeJson,
  type Frame,
  type GapReason,
  type StreamId,
} from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import { Connection, type ConnectionHandlers, type ConnectionOptions } from './connection.ts';

const NOTHING = Buffer.alloc(0);

export interface FrameHandlers extends ConnectionHandlers {
  /** Frames of a chunk already read still come after `pause`; a chunk is at most 64 KiB on a socket. */
  frame(frame: Frame): void;
}

/** Every `send…` returns `writable`; the caller stops at false and goes on at `drained`. */
export class FrameConnection extends Connection {
  readonly #decoder: FrameDecoder;
  readonly #clock: Clock;
  /** Waits for a frame to go with. */
  #companion: Buffer | null = null;
  #companionTimer: (() => void) | null = null;

  constructor(stream: Duplex, handlers: FrameHandlers, options: ConnectionOptions) {
    super(stream, handlers, options);
    this.#clock = options.clock;
    this.#decoder = new FrameDecoder((frame) => {
      if (this.reading) handlers.frame(frame);
    });
  }

  /** `bytes` (≤ 64 KiB) is not copied when it is large: it must not change until the kernel took it. */
  sendData(stream: StreamId, offset: number, bytes: Buffer): boolean {
    return this.writer.writeParts(encodeDataHeader(stream, offset, bytes.length), bytes, this.#takeCompanion());
  }

  /** As `sendData`, for typed input. Epoch 0: no lease held. */
  sendInput(epoch: number, seq: number, bytes: Buffer): boolean {
    this.#sendCompanion();
    return this.writer.writeParts(encodeInputHeader(epoch, seq, bytes.length), bytes);
  }

  sendGap(stream: StreamId, from: number, to: number, reason: GapReason): boolean {
    this.#sendCompanion();
    return this.writer.write(encodeGap(stream, from, to, reason));
  }

  /** Throws `too_large` above 1 MiB. */
  sendJson(message: object): boolean {
    this.#sendCompanion();
    return this.writer.writeParts(encodeJson(message), NOTHING);
  }

  /**
   * Sends `message` in one system call with the next DATA frame, right behind it; alone after `ms`, or before anything
   * else that is sent. One that waits already is replaced: for what the newest of says all, as acknowledgements.
   */
  sendJsonSoon(message: object, ms: number): void {
    this.#companion = encodeJson(message);
    // One that has left with a DATA frame leaves its timer to the next: arming costs more than firing for nothing.
    this.#companionTimer ??= this.#clock.after(ms, () => {
      this.#companionTimer = null;
      this.#sendCompanion();
    });
  }

  /** Collects what is sent until `uncork` into one system call. */
  cork(): void {
    this.writer.cork();
  }

  uncork(): void {
    this.writer.uncork();
  }

  protected override beforeClose(): void {
    this.#sendCompanion();
    this.#companionTimer?.();
  }

  #sendCompanion(): void {
    const companion = this.#takeCompanion();
    if (companion !== null) this.writer.writeParts(companion, NOTHING);
  }

  #takeCompanion(): Buffer | null {
    const companion = this.#companion;
    this.#companion = null;
    return companion;
  }

  protected override received(chunk: Buffer): void {
    this.#decoder.push(chunk);
  }

  protected override atBorder(): boolean {
    return this.#decoder.pending === 0;
  }
}
