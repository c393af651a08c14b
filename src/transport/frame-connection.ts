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
import { Connection, type ConnectionHandlers, type ConnectionOptions } from './connection.ts';

export interface FrameHandlers extends ConnectionHandlers {
  /** Frames of a chunk already read still come after `pause`; a chunk is at most 64 KiB on a socket. */
  frame(frame: Frame): void;
}

/** Every `send…` returns `writable`; the caller stops at false and goes on at `drained`. */
export class FrameConnection extends Connection {
  readonly #decoder: FrameDecoder;

  constructor(stream: Duplex, handlers: FrameHandlers, options: ConnectionOptions) {
    super(stream, handlers, options);
    this.#decoder = new FrameDecoder((frame) => {
      if (this.reading) handlers.frame(frame);
    });
  }

  /** `bytes` (≤ 64 KiB) is not copied when it is large: it must not change until the kernel took it. */
  sendData(stream: StreamId, offset: number, bytes: Buffer): boolean {
    return this.writer.writePair(encodeDataHeader(stream, offset, bytes.length), bytes);
  }

  /** As `sendData`, for typed input. Epoch 0: no lease held. */
  sendInput(epoch: number, seq: number, bytes: Buffer): boolean {
    return this.writer.writePair(encodeInputHeader(epoch, seq, bytes.length), bytes);
  }

  sendGap(stream: StreamId, from: number, to: number, reason: GapReason): boolean {
    return this.writer.write(encodeGap(stream, from, to, reason));
  }

  /** Throws `too_large` above 1 MiB. */
  sendJson(message: object): boolean {
    return this.writer.write(encodeJson(message));
  }

  /** Collects what is sent until `uncork` into one system call. */
  cork(): void {
    this.writer.cork();
  }

  uncork(): void {
    this.writer.uncork();
  }

  protected override received(chunk: Buffer): void {
    this.#decoder.push(chunk);
  }

  protected override atBorder(): boolean {
    return this.#decoder.pending === 0;
  }
}
