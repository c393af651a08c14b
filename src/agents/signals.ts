/**
 * Terminal signals in a program's output, on the raw bytes. Sources: ECMA-48 §5.6 and §8.3 (strings, RIS), xterm ctlseqs
 * (OSC 0, 2), ConEmu (OSC 9;4), FinalTerm's semantic prompts (OSC 133), Program Status Protocol (OSC 7501). 8-bit C1
 * controls do not exist in UTF-8 and are not looked for.
 */
import type { Signal, SignalListener, SignalScanner } from './contract.ts';

type State = 'ground' | 'escape' | 'osc' | 'oscEscape' | 'oscRest' | 'string';

const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const ESC = 0x1b;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** A longer sequence, from its ESC to its end, is dropped. */
const SEQUENCE_BYTES = 4096;
const INTRODUCER_BYTES = 2;
const NUMBER_BYTES = 4;
const TITLE_CHARACTERS = 512;

const NUMBERS: ReadonlySet<string> = new Set(['0', '2', '9', '133', '7501']);
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g;

export function createSignalScanner(on: SignalListener): SignalScanner {
  return new Scanner(on);
}

class Scanner implements SignalScanner {
  readonly #on: SignalListener;
  readonly #text = new TextDecoder();
  #state: State = 'ground';
  /** The OSC so far, without its introducer. */
  #held = new Uint8Array(256);
  #length = 0;
  #numbered = false;

  constructor(on: SignalListener) {
    this.#on = on;
  }

  push(bytes: Uint8Array): void {
    let bell = -2;
    for (let at = 0; at < bytes.length; at++) {
      if (this.#state === 'ground') {
        // Both searches run in native code; nothing else is looked at while there is neither.
        const escape = bytes.indexOf(ESC, at);
        if (bell !== -1 && bell < at) bell = bytes.indexOf(BEL, at);
        if (escape < 0 && bell < 0) return;
        at = escape < 0 || (bell >= 0 && bell < escape) ? bell : escape;
      }
      this.#step(bytes[at]!);
    }
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'ground':
        if (byte === ESC) this.#state = 'escape';
        else if (byte === BEL) this.#on({ signal: 'bell' });
        return;
      case 'escape':
        this.#afterEscape(byte);
        return;
      case 'osc':
        this.#inOsc(byte);
        return;
      case 'oscEscape':
        this.#afterOscEscape(byte);
        return;
      case 'oscRest':
        if (byte === BEL || byte === CAN || byte === SUB) this.#state = 'ground';
        else if (byte === ESC) this.#state = 'escape';
        return;
      case 'string':
        if (byte === CAN || byte === SUB) this.#state = 'ground';
        else if (byte === ESC) this.#state = 'escape';
        return;
    }
  }

  #afterEscape(byte: number): void {
    if (byte === BEL) this.#on({ signal: 'bell' });
    else if (byte === 0x5d) this.#beginOsc();
    else if (byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) this.#state = 'string';
    else if (byte === CAN || byte === SUB || (byte >= 0x20 && byte !== 0x7f)) {
      // Whatever else an escape begins is over, or of no interest and ends by itself: CSI, charsets, the `\` of ST.
      this.#state = 'ground';
      if (byte === 0x63) this.#on({ signal: 'reset' });
    }
  }

  #beginOsc(): void {
    this.#state = 'osc';
    this.#length = 0;
    this.#numbered = false;
  }

  #inOsc(byte: number): void {
    if (byte === BEL) this.#finish('\x07');
    else if (byte === ESC) this.#state = 'oscEscape';
    else if (byte === CAN || byte === SUB) this.#state = 'ground';
    else if (byte >= 0x20 && byte !== 0x7f) this.#hold(byte);
  }

  #afterOscEscape(byte: number): void {
    if (byte === BACKSLASH) {
      this.#finish('\x1b\\');
      return;
    }
    this.#state = 'escape';
    this.#afterEscape(byte);
  }

  #hold(byte: number): void {
    if (!this.#numbered) {
      if (byte === SEMICOLON) this.#numbered = NUMBERS.has(this.#string());
      if ((byte === SEMICOLON && !this.#numbered) || this.#length > NUMBER_BYTES) {
        this.#state = 'oscRest';
        return;
      }
    }
    if (this.#length + INTRODUCER_BYTES + 1 >= SEQUENCE_BYTES) {
      this.#state = 'oscRest';
      return;
    }
    if (this.#length === this.#held.length) this.#grow();
    this.#held[this.#length++] = byte;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#held.length * 4);
    larger.set(this.#held);
    this.#held = larger;
  }

  #string(): string {
    return this.#text.decode(this.#held.subarray(0, this.#length));
  }

  #finish(terminator: string): void {
    this.#state = 'ground';
    if (!this.#numbered || INTRODUCER_BYTES + this.#length + terminator.length > SEQUENCE_BYTES) return;
    const content = this.#string();
    const separator = content.indexOf(';');
    const signal = readOsc(content.slice(0, separator), content.slice(separator + 1), terminator);
    if (signal !== null) this.#on(signal);
  }
}

function readOsc(number: string, data: string, terminator: string): Signal | null {
  if (number === '9') return readProgress(data);
  if (number === '133') return readMark(data);
  if (number === '7501') {
    if (data.trim() === '?') return { signal: 'program_query', answer: `\x1b]7501;?${terminator}` };
    return { signal: 'program_status', pairs: data };
  }
  return { signal: 'title', title: data.replace(CONTROLS, '').slice(0, TITLE_CHARACTERS) };
}

function readProgress(data: string): Signal | null {
  const form = /^4;([0-4])(?:;(\d{1,3})?)?(?:;|$)/.exec(data);
  if (form === null) return null;
  const percent = form[2] === undefined ? null : Math.min(100, Number(form[2]));
  return { signal: 'progress', state: Number(form[1]), percent };
}

function readMark(data: string): Signal | null {
  const form = /^([ABCD])(?:;(.*))?$/.exec(data);
  if (form === null) return null;
  const status = form[1] === 'D' && /^\d{1,10}(?:;|$)/.test(form[2] ?? '') ? Number.parseInt(form[2]!, 10) : null;
  return { signal: 'mark', mark: form[1] as 'A' | 'B' | 'C' | 'D', status };
}
