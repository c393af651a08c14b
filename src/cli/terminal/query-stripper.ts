/**
 * Takes terminal queries out of bytes which our terminal must not answer: those that were answered when they were live,
 * and everything an onlooker sees (DESIGN §6 "Screen"; xterm ctlseqs, "Report").
 */
const ESC = 0x1b;
/** A sequence that is not over after this many bytes is no query. */
const LONGEST_BYTES = 256;

const QUERIES: readonly RegExp[] = [
  // Device attributes, status and cursor reports, DECRQM, XTVERSION, kitty keyboard, window reports.
  /^\x1b\[(?:[=>]?0?c|\??[0-9]*(?:;[0-9]+)*n|\??[0-9]+\$p|>0?q|\?u|(?:11|1[3-689]|2[01])(?:;[0-9]+)?t)$/,
  // Colours; the Program Status Protocol.
  /^\x1b\](?:4;.*\?|1[0-9](?:;[^;]*)*;\?|7501;\?)/,
  // DECRQSS, XTGETTCAP.
  /^\x1bP(?:\$q|\+q)/,
];

export class QueryStripper {
  /** A sequence whose end is still to come: held back, since it may be a query. */
  #held: Buffer = Buffer.alloc(0);

  /** `bytes` without its queries. An unfinished sequence at the end comes with the next call, or with `flush`. */
  strip(bytes: Buffer): Buffer {
    const data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = Buffer.alloc(0);
    const kept: Buffer[] = [];
    let from = 0;
    for (let at = data.indexOf(ESC); at >= 0; ) {
      const end = sequenceEnd(data, at);
      if (end === UNFINISHED) {
        this.#held = Buffer.from(data.subarray(at));
        kept.push(data.subarray(from, at));
        from = data.length;
        break;
      }
      if (end > at && isQuery(data.toString('latin1', at, end))) {
        kept.push(data.subarray(from, at));
        from = end;
      }
      at = data.indexOf(ESC, Math.max(end, at + 1));
    }
    kept.push(data.subarray(from));
    return kept.length === 1 ? kept[0]! : Buffer.concat(kept);
  }

  /** What was held back: the bytes after it are somebody else's affair. */
  flush(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }
}

const UNFINISHED = -1;

function isQuery(sequence: string): boolean {
  return QUERIES.some((query) => query.test(sequence));
}

/** One past the sequence that begins at `start`; `start` when it is of no interest. */
function sequenceEnd(data: Buffer, start: number): number {
  const limit = Math.min(data.length, start + LONGEST_BYTES);
  const introducer = data[start + 1];
  if (introducer === undefined) return UNFINISHED;
  if (introducer !== 0x5b && introducer !== 0x5d && introducer !== 0x50) return start;
  for (let at = start + 2; at < limit; at++) {
    const byte = data[at]!;
    if (introducer === 0x5b) {
      if (byte >= 0x40 && byte <= 0x7e) return at + 1;
      if (byte < 0x20) return start;
    } else if (byte === 0x07) {
      return at + 1;
    } else if (byte === ESC) {
      if (at + 1 >= data.length) break;
      return data[at + 1] === 0x5c ? at + 2 : start;
    }
  }
  return limit === data.length && limit - start < LONGEST_BYTES ? UNFINISHED : start;
}
