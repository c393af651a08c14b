/** Lines of the child's output, bounded: a line that is too long is dropped whole, and that is said. */

export interface LineHandlers {
  line(text: string): void;
  /** A line of more than the limit ended, or the limit was passed: its first bytes, as text. */
  dropped(start: string): void;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SHOWN_BYTES = 200;

export class LineSplitter {
  readonly #limit: number;
  readonly #handlers: LineHandlers;
  #parts: Buffer[] = [];
  #length = 0;
  /** Within a line that was dropped, until its end. */
  #skipping = false;

  constructor(limitBytes: number, handlers: LineHandlers) {
    this.#limit = limitBytes;
    this.#handlers = handlers;
  }

  /** `bytes` are not kept. */
  push(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#take(bytes.subarray(start, end), true);
      start = end + 1;
    }
    if (start < bytes.length) this.#take(bytes.subarray(start), false);
  }

  #take(part: Buffer, isEnd: boolean): void {
    if (!this.#skipping && this.#length + part.length > this.#limit) {
      const first = this.#parts[0] ?? part;
      this.#skipping = true;
      this.#forget();
      this.#handlers.dropped(first.toString('utf8', 0, Math.min(first.length, SHOWN_BYTES)));
    }
    if (!isEnd) {
      if (this.#skipping) return;
      this.#parts.push(Buffer.from(part));
      this.#length += part.length;
      return;
    }
    const whole = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts, part]);
    const skipped = this.#skipping;
    this.#skipping = false;
    this.#forget();
    if (skipped) return;
    const end = whole.at(-1) === CARRIAGE_RETURN ? whole.length - 1 : whole.length;
    if (end > 0) this.#handlers.line(whole.toString('utf8', 0, end));
  }

  #forget(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
