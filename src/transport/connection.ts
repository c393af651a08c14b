/** What frames and lines have in common over one stream: reading, closing, and one report of the end. */
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../protocol/index.ts';
import { StreamWriter, type WriterOptions } from './writer.ts';

export interface ConnectionHandlers {
  /** `writable` is true again after it was false. */
  drained?(): void;
  /**
   * The peer sent what no rule allows. Nothing more is read; a last message may be sent here, then the connection
   * closes by itself.
   */
  refused?(error: HoldfastError): void;
  /** Exactly once, and nothing after it. Null: an orderly end by either side. */
  closed(error: HoldfastError | null): void;
}

export type ConnectionOptions = WriterOptions;

/** Ms that what waits may take to leave after `close`. */
const CLOSE_MS = 2_000;

export abstract class Connection {
  protected readonly writer: StreamWriter;
  readonly #stream: Duplex;
  readonly #handlers: ConnectionHandlers;
  readonly #options: ConnectionOptions;
  #failure: HoldfastError | null = null;
  #reading = true;
  #paused = false;
  #closing = false;
  #over = false;
  #cancelClose: (() => void) | null = null;

  constructor(stream: Duplex, handlers: ConnectionHandlers, options: ConnectionOptions) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#options = options;
    this.writer = new StreamWriter(
      stream,
      { drained: () => handlers.drained?.(), failed: (error) => this.destroy(error) },
      options,
    );
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => this.#ended());
    stream.on('error', (error: Error) => this.#fail(lost(error)));
    stream.on('close', () => this.#finish());
  }

  /** True while less than the high-water mark waits; false once closed. */
  get writable(): boolean {
    return this.writer.writable;
  }

  /** Bytes accepted here that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.writer.queuedBytes;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Stops reading. What is already read may still be handed on: see the class that decodes it. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.resumed();
    if (!this.#paused && this.#reading) this.#stream.resume();
  }

  /** Hands nothing on any more, sends what waits (at most 2 s), then closes. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.beforeClose();
    this.#reading = false;
    this.writer.stop();
    this.#stream.end();
    // Reading on, into nothing, until the peer ends too: closing with unread bytes would reset the connection and could
    // take the last message from the peer.
    this.#stream.resume();
    if (!this.#stream.destroyed) {
      this.#cancelClose = this.#options.clock.after(CLOSE_MS, () => this.#stream.destroy(), { unref: true });
    }
  }

  /** Closes at once; what waits is lost. */
  destroy(error?: HoldfastError): void {
    if (error !== undefined) this.#fail(error);
    this.#closing = true;
    this.#reading = false;
    this.writer.stop();
    this.#stream.destroy();
  }

  /** Decodes; throws what the peer may not send. */
  protected abstract received(chunk: Buffer): void;
  /** Whether the stream ended between two messages. */
  protected abstract atBorder(): boolean;
  /** Hands on what a pause held back. */
  protected resumed(): void {}
  /** Sends what is still collected. */
  protected beforeClose(): void {}

  /** False once closing: nothing may be handed on any more. */
  protected get reading(): boolean {
    return this.#reading;
  }

  /** Runs `decode` and treats what it throws as the peer's fault. */
  protected guard(decode: () => void): void {
    try {
      decode();
    } catch (error) {
      if (!this.#reading) return;
      const refusal = HoldfastError.from(error);
      this.#reading = false;
      this.#fail(refusal);
      this.#handlers.refused?.(refusal);
      this.close();
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#reading) this.guard(() => this.received(chunk));
  }

  #ended(): void {
    if (this.#reading && !this.atBorder()) {
      this.#fail(new HoldfastError('unreachable', 'the connection ended in the middle of a message'));
    }
    // What fails from here on is only that the peer is gone.
    this.#over = true;
    this.#reading = false;
    this.writer.stop();
  }

  #fail(error: HoldfastError): void {
    if (!this.#over) this.#failure ??= error;
  }

  #finish(): void {
    this.#reading = false;
    this.writer.close();
    this.#cancelClose?.();
    this.#handlers.closed(this.#failure);
  }
}

function lost(error: Error): HoldfastError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return new HoldfastError('unreachable', `the connection was lost: ${code}`, {
    cause: error,
    details: { errno: code },
  });
}
