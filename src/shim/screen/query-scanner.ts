/**
 * Finds terminal queries in the child's output as it is read: what a program sends to be answered (xterm's ctlseqs,
 * "Report"). It runs on every byte of a terminal session, so everything but an escape is skipped by `indexOf`.
 */

/** A sequence that is not over after this many bytes is no query. */
const LONGEST_BYTES = 256;
const ESC = 0x1b;

const CSI_QUERY =
  /^\x1b\[(?:[=>]?0?c|\??[0-9]*(?:;[0-9]+)*n|\??[0-9]+\$p|>0?q|\?u|(?:11|1[3-689]|2[01])(?:;[0-9]+)?t)$/;
const OSC_QUERY = /^\x1b\](?:4;.*\?|1[0-9](?:;[^;]*)*;\?|7501;\?)/;
const DCS_QUERY = /^\x1bP(?:\$q|\+q)/;

export class QueryScanner {
  readonly #found: (end: number) => void;
  /** A sequence that began in an earlier chunk. */
  #pending = '';
  #offset = 0;

  /** `found` gets the offset right behind each query. */
  constructor(found: (end: number) => void) {
    this.#found = found;
  }

  /** The next bytes of the stream. */
  push(bytes: Buffer): void {
    let at = 0;
    if (this.#pending !== '') at = this.#finish(bytes);
    for (at = at < 0 ? -1 : bytes.indexOf(ESC, at); at >= 0; at = bytes.indexOf(ESC, at)) {
      const end = sequenceEnd(bytes, at);
      if (end < 0) {
        if (bytes.length - at <= LONGEST_BYTES) this.#pending = bytes.toString('latin1', at, bytes.length);
        break;
      }
      if (end > at) this.#judge(bytes, at, end);
      at = Math.max(end, at + 1);
    }
    this.#offset += bytes.length;
  }

  /** Joins the unfinished sequence with its rest; returns where scanning goes on, −1 when it is still unfinished. */
  #finish(bytes: Buffer): number {
    const held = this.#pending.length;
    const joined = Buffer.concat([Buffer.from(this.#pending, 'latin1'), bytes.subarray(0, LONGEST_BYTES)]);
    const end = sequenceEnd(joined, 0);
    this.#pending = '';
    if (end < 0) {
      if (joined.length > LONGEST_BYTES) return 0;
      this.#pending = joined.toString('latin1');
      return -1;
    }
    if (end > 0 && isQuery(joined.toString('latin1', 0, end))) this.#found(this.#offset - held + end);
    return Math.max(0, end - held);
  }

  #judge(bytes: Buffer, start: number, end: number): void {
    // Colours and cursor movements, nearly all there is, end in a letter no query ends in.
    const introducer = bytes[start + 1];
    if (introducer === 0x5b && !CSI_FINALS.has(bytes[end - 1] ?? 0)) return;
    if (isQuery(bytes.toString('latin1', start, end))) this.#found(this.#offset + end);
  }
}

const CSI_FINALS: ReadonlySet<number> = new Set(Buffer.from('cnpqut'));

function isQuery(sequence: string): boolean {
  return CSI_QUERY.test(sequence) || OSC_QUERY.test(sequence) || DCS_QUERY.test(sequence);
}

/** One past the sequence that begins with the ESC at `start`; `start` when it is none of interest; −1 when unfinished. */
function sequenceEnd(bytes: Buffer, start: number): number {
  const limit = Math.min(bytes.length, start + LONGEST_BYTES);
  const introducer = bytes[start + 1];
  if (introducer === undefined) return -1;
  if (introducer === 0x5b) {
    for (let at = start + 2; at < limit; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= 0x40 && byte <= 0x7e) return at + 1;
      if (byte < 0x20) return start;
    }
  } else if (introducer === 0x5d || introducer === 0x50) {
    for (let at = start + 2; at < limit; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === 0x07) return at + 1;
      if (byte === ESC && at + 1 < limit) return bytes[at + 1] === 0x5c ? at + 2 : start;
      if (byte === 0x18 || byte === 0x1a) return start;
    }
  } else {
    return start;
  }
  return limit === bytes.length && limit - start < LONGEST_BYTES ? -1 : start;
}
