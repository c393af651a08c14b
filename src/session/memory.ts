/** The newest bytes of one stream, bounded by bytes and by pieces. */

/** Consecutive bytes of one stream with nothing else of the session observed in between. */
export interface Piece {
  /** Seqs of its first and last record. */
  readonly first: number;
  last: number;
  /** Offset of its first byte. */
  offset: number;
  readonly ms: number;
  readonly buffer: Buffer;
  begin: number;
  end: number;
}

/** Smaller appends are copied together, so that one-byte writes do not cost an object each. */
const COPY_BELOW_BYTES = 2048;
const BLOCK_BYTES = 16 * 1024;
/** A piece costs about this much besides its bytes; it bounds the pieces of a window. */
const PIECE_COST_BYTES = 64;

export class StreamWindow {
  /** Offsets: the oldest byte held, and one past the newest. */
  start = 0;
  end = 0;
  readonly #limit: number;
  #pieces: Piece[] = [];
  /** Index of the oldest piece; the array is compacted now and then. */
  #oldest = 0;
  #block: Buffer | undefined;
  #blockUsed = 0;

  constructor(limit: number, end = 0) {
    this.#limit = limit;
    this.start = end;
    this.end = end;
  }

  get heldBytes(): number {
    return this.end - this.start;
  }

  /** Takes ownership of `bytes`. `first` and `last` are the seqs it was logged under. */
  push(bytes: Buffer, first: number, last: number, ms: number): void {
    if (bytes.length < COPY_BELOW_BYTES || bytes.length * 2 < bytes.buffer.byteLength)
      this.#copy(bytes, first, last, ms);
    else this.#add(bytes, 0, bytes.length, first, last, ms);
    this.end += bytes.length;
    this.#trim();
  }

  /** The piece that holds `offset`, or the next one behind it. */
  at(offset: number): Piece | undefined {
    let low = this.#oldest;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = this.#pieces[middle]!;
      if (piece.offset + (piece.end - piece.begin) <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#pieces[low];
  }

  #copy(bytes: Buffer, first: number, last: number, ms: number): void {
    if (bytes.length >= COPY_BELOW_BYTES) {
      this.#add(Buffer.from(bytes), 0, bytes.length, first, last, ms);
      return;
    }
    if (this.#block === undefined || this.#blockUsed + bytes.length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(bytes.length, this.#limit >> 3)));
      this.#blockUsed = 0;
    }
    bytes.copy(this.#block, this.#blockUsed);
    const begin = this.#blockUsed;
    this.#blockUsed += bytes.length;
    const tail = this.#pieces.length > this.#oldest ? this.#pieces.at(-1) : undefined;
    if (tail !== undefined && tail.buffer === this.#block && tail.end === begin && tail.last === first - 1) {
      tail.end = this.#blockUsed;
      tail.last = last;
    } else {
      this.#add(this.#block, begin, this.#blockUsed, first, last, ms);
    }
  }

  #add(buffer: Buffer, begin: number, end: number, first: number, last: number, ms: number): void {
    this.#pieces.push({ first, last, offset: this.end, ms, buffer, begin, end });
  }

  #trim(): void {
    const mostPieces = Math.max(1, Math.floor(this.#limit / PIECE_COST_BYTES));
    for (;;) {
      const piece = this.#pieces[this.#oldest];
      if (piece === undefined) break;
      const count = this.#pieces.length - this.#oldest;
      const excess = this.end - this.start - this.#limit;
      if (excess <= 0 && count <= mostPieces) break;
      const length = piece.end - piece.begin;
      // Only the last piece is cut; whole ones go first, so that memory is really given back.
      const dropped = count > 1 ? length : Math.min(length, excess);
      this.start += dropped;
      piece.begin += dropped;
      piece.offset += dropped;
      if (piece.begin < piece.end) break;
      this.#oldest++;
    }
    if (this.#oldest > 64 && this.#oldest * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
