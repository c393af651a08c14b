/**
 * Terminal queries in a child's output: what makes a terminal write an answer into the child's input. Works on raw
 * bytes, whatever the chunks. Sources: ECMA-48; the VT510 manual; xterm ctlseqs; kitty's keyboard, graphics and colour
 * protocols; Program Status Protocol (OSC 7501). 8-bit C1 controls do not exist in UTF-8 and are not looked for.
 */

type State = 'ground' | 'escape' | 'csi' | 'osc' | 'dcs' | 'apc' | 'stringRest' | 'oscRest' | 'queryEnd';

const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const ESC = 0x1b;
const BACKSLASH = 0x5c;
const DEL = 0x7f;
const CSI = 0x5b;
const SGR = 0x6d;
const PRIVATE = 0x3f;

/** A longer sequence is no query. */
const SEQUENCE_BYTES = 4096;

const ANY = () => true;
const among =
  (...values: number[]) =>
  (parameter: number) =>
    values.includes(parameter);

/** By private prefix, intermediates and final byte: whether the first parameter makes it a query. */
const CSI_QUERIES: ReadonlyMap<string, (parameter: number) => boolean> = new Map([
  ['c', among(0)], // DA1
  ['>c', ANY], // DA2
  ['=c', ANY], // DA3
  ['n', among(5, 6)], // DSR, CPR
  ['?n', ANY], // DECXCPR and the other DEC reports, colour scheme (996)
  ['$p', ANY], // DECRQM
  ['?$p', ANY],
  ['>q', ANY], // XTVERSION
  ['?u', ANY], // kitty keyboard flags
  ['t', among(11, 13, 14, 15, 16, 18, 19, 20, 21)], // window reports
  ['x', among(0, 1)], // DECREQTPARM
  ['?S', ANY], // XTSMGRAPHICS
  ['?m', ANY], // XTQMODKEYS
  ['$w', ANY], // DECRQPSR
  ['*y', ANY], // DECRQCRA
  ['&u', ANY], // DECRQUPSS
  ['$u', ANY], // DECRQTSR
  ['"v', ANY], // DECRQDE
  ["'|", ANY], // DECRQLP
  ['#|', ANY], // XTREPORTSGR
  ['#R', ANY], // XTREPORTCOLORS
]);

/** Final bytes of the queries above. */
const CSI_FINALS: ReadonlySet<number> = new Set(
  [...CSI_QUERIES.keys()].map((form) => form.charCodeAt(form.length - 1)),
);

/** OSC numbers that ask when a parameter is `?`: colours, clipboard, kitty colours, program status. */
const OSC_QUERIES = new Set(['4', '5', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '21', '52', '7501']);
const OSC_NUMBER_BYTES = 4;

/** Without ESC, which starts every sequence. */
const CONTROLS = /[\0-\x1a\x1c-\x1f\x7f]/g;
const CSI_FORM = /^\x1b\[([<=>?]?)(\d*)[\d;:]*([ -/]*)([@-~])$/;
const DCS_QUERY = /^\x1bP[\d;]*[$+]q/;
const APC_QUERY = /^\x1b_G(?:[^;]*,)?a=q(?:[,;]|$)/;

/** Asks whether Program Status Protocol is read here. */
const PROGRAM_STATUS_QUERY = '\x1b]7501;?';
const ST = '\x1b\\';

/**
 * Takes queries out of a stream of chunks and leaves every other byte as it is. `all` for what is shown again;
 * `program_status` for what is shown first: that one the shim answers, every other one the terminal.
 */
export class QueryStripper {
  readonly #which: 'all' | 'program_status';
  #kept: Buffer[] = [];
  readonly #recogniser = new QueryRecogniser({
    pass: (bytes) => void this.#kept.push(bytes),
    query: (sequence, _end, tail) => this.#query(sequence, tail),
  });

  constructor(which: 'all' | 'program_status' = 'all') {
    this.#which = which;
  }

  /** The bytes to show. A sequence that may become a query is held back until it is known to be none. */
  strip(chunk: Buffer): Buffer {
    this.#kept = [];
    this.#recogniser.push(chunk);
    return this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
  }

  /** What is still held back, when nothing more is stripped. */
  flush(): Buffer {
    return this.#recogniser.flush();
  }

  #query(sequence: Buffer, tail: string): void {
    if (this.#which === 'all') this.#keepControls(sequence);
    else if (!isProgramStatus(sequence)) this.#kept.push(Buffer.from(sequence), Buffer.from(tail));
  }

  /** Controls inside a CSI sequence are obeyed on their own: they stay. */
  #keepControls(sequence: Buffer): void {
    const kind = sequence.find((byte, at) => at > 0 && byte >= 0x20);
    if (kind !== 0x5b && kind !== 0x5a) return;
    const controls = sequence.filter((byte) => byte < 0x20 && byte !== ESC);
    if (controls.length > 0) this.#kept.push(Buffer.from(controls));
  }
}

/** Finds queries in a stream of chunks; runs on every byte of a terminal session. */
export class QueryScanner {
  readonly #recogniser: QueryRecogniser;

  /**
   * `found` gets the offset right behind each query, counted from the first byte pushed; `programStatus` the answer to
   * one of Program Status Protocol, which ends as the query did.
   */
  constructor(found: (end: number) => void, programStatus: (answer: string) => void) {
    this.#recogniser = new QueryRecogniser({
      pass: () => {},
      query: (sequence, end) => {
        if (!isProgramStatus(sequence)) found(end);
        else programStatus(PROGRAM_STATUS_QUERY + (sequence.at(-1) === BEL ? '\x07' : ST));
      },
    });
  }

  push(chunk: Buffer): void {
    this.#recogniser.push(chunk);
  }
}

interface QuerySink {
  pass(bytes: Buffer): void;
  /**
   * `end`: the offset right behind `sequence`, counted from the first byte pushed; `tail`: the string terminator that
   * ended it and is not in `sequence`.
   */
  query(sequence: Buffer, end: number, tail: string): void;
}

function isProgramStatus(sequence: Buffer): boolean {
  return sequence.toString('latin1').replace(CONTROLS, '') === PROGRAM_STATUS_QUERY;
}

class QueryRecogniser {
  readonly #sink: QuerySink;
  #state: State = 'ground';
  #held: Buffer = Buffer.alloc(64);
  #length = 0;
  /** The OSC's number is complete and one that can ask. */
  #numbered = false;
  /** Bytes of earlier chunks, and where in this one the machine is. */
  #before = 0;
  #at = 0;

  constructor(sink: QuerySink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    this.#scan(chunk);
    this.#before += chunk.length;
  }

  /** What is still held back, when nothing more is pushed. */
  flush(): Buffer {
    const held = this.#state === 'queryEnd' ? Buffer.alloc(0) : Buffer.from(this.#held.subarray(0, this.#length));
    this.#length = 0;
    this.#state = 'ground';
    return held;
  }

  #scan(chunk: Buffer): void {
    let from = this.#state === 'ground' || this.#passing ? 0 : -1;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#state === 'ground') {
        at = nextSuspect(chunk, at);
        if (at < 0) break;
      }
      this.#at = at;
      const byte = chunk[at]!;
      const wasPassing = this.#state === 'ground' || this.#passing;
      this.#step(byte);
      const isPassing = this.#state === 'ground' || this.#passing;
      if (wasPassing && !isPassing) {
        if (at > from) this.#sink.pass(chunk.subarray(from, at));
        from = -1;
      } else if (!wasPassing && isPassing) {
        from = at + 1;
      }
    }
    if (from >= 0 && from < chunk.length) this.#sink.pass(chunk.subarray(from));
  }

  /** Inside a string that is known to be no query. */
  get #passing(): boolean {
    return this.#state === 'stringRest' || this.#state === 'oscRest';
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'ground':
        this.#begin();
        return;
      case 'stringRest':
      case 'oscRest':
        this.#inRest(byte);
        return;
      case 'queryEnd':
        this.#afterQuery(byte);
        return;
      case 'escape':
      case 'csi':
      case 'osc':
      case 'dcs':
      case 'apc':
        this.#inSequence(byte);
        return;
    }
  }

  #begin(): void {
    this.#numbered = false;
    this.#held[0] = ESC;
    this.#length = 1;
    this.#state = 'escape';
  }

  #inRest(byte: number): void {
    if (byte === CAN || byte === SUB || (byte === BEL && this.#state === 'oscRest')) this.#state = 'ground';
    else if (byte === ESC) this.#begin();
  }

  #inSequence(byte: number): void {
    const inString = this.#state === 'osc' || this.#state === 'dcs' || this.#state === 'apc';
    if (byte === ESC && inString && this.#isQuery()) {
      this.#state = 'queryEnd';
      return;
    }
    if (byte === ESC) {
      this.#release();
      this.#begin();
      return;
    }
    this.#hold(byte);
    if (byte === CAN || byte === SUB) this.#release();
    else if (this.#state === 'escape') this.#afterEscape(byte);
    else if (this.#state === 'csi') this.#inCsi(byte);
    else this.#inString(byte);
    if (this.#length >= SEQUENCE_BYTES) this.#release(inString ? this.#restOf() : 'ground');
  }

  #afterEscape(byte: number): void {
    if (byte === 0x5b) this.#state = 'csi';
    else if (byte === 0x5d) this.#state = 'osc';
    else if (byte === 0x50) this.#state = 'dcs';
    else if (byte === 0x5f) this.#state = 'apc';
    else if (byte === 0x58 || byte === 0x5e) this.#release('stringRest');
    else if (byte === 0x5a)
      this.#answered(); // DECID
    else if (byte >= 0x20 && byte !== DEL) this.#release();
  }

  #inCsi(byte: number): void {
    if (byte >= 0x80) this.#release();
    else if (byte >= 0x40 && byte !== DEL) this.#complete();
  }

  #inString(byte: number): void {
    if (this.#state === 'osc') {
      if (byte === BEL) this.#complete();
      else if (!this.#numbered) this.#inOscNumber(byte);
    } else if (this.#state === 'dcs') {
      // The final byte says what string it is.
      if (byte >= 0x40 && byte !== DEL && !DCS_QUERY.test(this.#text())) this.#release('stringRest');
    } else if (this.#length === 3 && byte !== 0x47) {
      this.#release('stringRest');
    }
  }

  #inOscNumber(byte: number): void {
    this.#numbered = byte === 0x3b && OSC_QUERIES.has(this.#text().replace(CONTROLS, '').slice(2, -1));
    if (this.#numbered) return;
    if (byte === 0x3b || this.#length > OSC_NUMBER_BYTES + 2) this.#release('oscRest');
  }

  /** The sequence is complete: a query or not. */
  #complete(): void {
    if (this.#isQuery()) this.#answered();
    else this.#release();
  }

  #isQuery(): boolean {
    const text = this.#text();
    if (this.#state === 'dcs') return DCS_QUERY.test(text);
    if (this.#state === 'apc') return APC_QUERY.test(text);
    if (this.#state === 'osc') {
      const [number = '', ...parameters] = text.replace(CONTROLS, '').slice(2).split(';');
      return (
        OSC_QUERIES.has(number) &&
        parameters.some((value) => value === '?' || (number === '21' && value.endsWith('=?')))
      );
    }
    // Controls inside a sequence are obeyed and do not belong to it.
    const form = CSI_FORM.exec(text.replace(CONTROLS, ''));
    if (form === null) return false;
    return CSI_QUERIES.get(form[1]! + form[3]! + form[4]!)?.(Number(form[2])) ?? false;
  }

  /** Behind the ESC that ended a query string: a backslash belongs to it, anything else to a new sequence. */
  #afterQuery(byte: number): void {
    const belongs = byte === BACKSLASH;
    this.#answered(belongs ? ST : '');
    if (belongs) return;
    this.#begin();
    this.#step(byte);
  }

  #answered(tail = ''): void {
    const held = this.#held.subarray(0, this.#length);
    this.#length = 0;
    this.#state = 'ground';
    this.#sink.query(held, this.#before + this.#at + 1, tail);
  }

  #release(next: State = 'ground'): void {
    const held = Buffer.from(this.#held.subarray(0, this.#length));
    this.#length = 0;
    this.#state = next;
    if (held.length > 0) this.#sink.pass(held);
  }

  #restOf(): State {
    return this.#state === 'osc' ? 'oscRest' : this.#state === 'ground' ? 'ground' : 'stringRest';
  }

  #hold(byte: number): void {
    if (this.#length === this.#held.length) this.#held = Buffer.concat([this.#held], this.#held.length * 4);
    this.#held[this.#length++] = byte;
  }

  #text(): string {
    return this.#held.toString('latin1', 0, this.#length);
  }
}

/**
 * The next ESC from `at` on that may begin a query, or −1. Colours and cursor movements, nearly all there is, end within
 * the chunk in a byte no query ends in, and are passed over here.
 */
function nextSuspect(chunk: Buffer, at: number): number {
  for (let esc = chunk.indexOf(ESC, at); esc >= 0; ) {
    if (chunk[esc + 1] !== CSI) return esc;
    let end = esc + 2;
    while (end < chunk.length && chunk[end]! >= 0x20 && chunk[end]! < 0x40) end++;
    const final = chunk[end];
    // A colour (`m`) is by far the commonest; only XTQMODKEYS, which has a prefix, is a query.
    const isColour = final === SGR && chunk[esc + 2] !== PRIVATE;
    if (final === undefined || final < 0x40 || final > 0x7e || (CSI_FINALS.has(final) && !isColour)) return esc;
    esc = chunk.indexOf(ESC, end + 1);
  }
  return -1;
}
