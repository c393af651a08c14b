/** Lines of JSON over one stream (WIRES §1). */
import type { Duplex } from 'node:stream';
import { HoldfastError, limits } from '../protocol/index.ts';
import { LineSplitter, isBlank } from '../protocol/control/index.ts';
import { Connection, type ConnectionHandlers, type ConnectionOptions } from './connection.ts';

export interface LineHandlers extends ConnectionHandlers {
  /** One line without its line feed; blank lines are skipped. None comes between `pause` and `resume`. */
  line(line: Buffer): void;
}

export interface LineOptions extends ConnectionOptions {
  /** Longest line that may come in; default 1 MiB, `CONTROL_LINE_OUT_BYTES` on the client's side. */
  maxLineBytes?: number;
}

/** Twice the longest line: one may wait while another is being taken. */
const MAX_QUEUED_BYTES = 2 * limits.CONTROL_LINE_OUT_BYTES;

export class LineConnection extends Connection {
  readonly #splitter: LineSplitter;
  readonly #handlers: LineHandlers;
  #batch: string[] = [];
  #batchLength = 0;

  constructor(stream: Duplex, handlers: LineHandlers, options: LineOptions) {
    super(stream, handlers, { maxQueuedBytes: MAX_QUEUED_BYTES, ...options });
    this.#handlers = handlers;
    this.#splitter = new LineSplitter(options.maxLineBytes ?? limits.CONTROL_LINE_IN_BYTES);
  }

  override get queuedBytes(): number {
    return super.queuedBytes + this.#batchLength;
  }

  /**
   * Sends one message; those of one turn leave in one write. Returns `writable`. Throws `too_large` above 16 MiB.
   */
  send(message: object): boolean {
    return this.sendText(JSON.stringify(message));
  }

  /** As `send`, for a message that is JSON text already. */
  sendText(text: string): boolean {
    if (text.length * 3 > limits.CONTROL_LINE_OUT_BYTES && Buffer.byteLength(text) > limits.CONTROL_LINE_OUT_BYTES) {
      throw new HoldfastError('too_large', `a line holds at most ${limits.CONTROL_LINE_OUT_BYTES} bytes; ask for less`);
    }
    if (this.#batch.length === 0) process.nextTick(() => this.#flush());
    this.#batch.push(text);
    this.#batchLength += text.length + 1;
    // A turn that sends without end must not collect without end.
    if (this.#batchLength > FLUSH_LENGTH) this.#flush();
    return this.writable;
  }

  protected override received(chunk: Buffer): void {
    this.#splitter.push(chunk);
    this.#handOn();
  }

  protected override resumed(): void {
    this.guard(() => this.#handOn());
  }

  protected override atBorder(): boolean {
    return this.#splitter.pending === 0;
  }

  protected override beforeClose(): void {
    this.#flush();
  }

  #handOn(): void {
    while (!this.paused && this.reading) {
      const line = this.#splitter.next();
      if (line === null) return;
      if (!isBlank(line)) this.#handlers.line(line);
    }
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const text = `${this.#batch.join('\n')}\n`;
    this.#batch = [];
    this.#batchLength = 0;
    this.writer.write(text);
  }
}

const FLUSH_LENGTH = 256 * 1024;
