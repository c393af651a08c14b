/** Inbound lines of the control socket (WIRES §1): split with a bound, then parsed strictly. */
import { isUtf8 } from 'node:buffer';
import { HoldfastError, invalid } from '../errors.ts';
import { CONTROL_LINE_IN_BYTES, CONTROL_TREE_DEPTH, CONTROL_TREE_NODES } from '../limits.ts';

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Cuts a byte stream into lines. Pulled, so that a reader may stop between two lines of one chunk. */
export class LineSplitter {
  readonly #limit: number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** The beginning of a line whose end is still to come; grows with what was received. */
  #partial: Buffer = Buffer.alloc(0);
  #partialBytes = 0;

  /** @param limit most bytes of a line, without its line feed. */
  constructor(limit = CONTROL_LINE_IN_BYTES) {
    this.#limit = limit;
  }

  /** Bytes held back: unread lines and the beginning of an unfinished one. */
  get pending(): number {
    return this.#partialBytes + this.#chunk.length - this.#at;
  }

  push(chunk: Buffer): void {
    const rest = this.#chunk.length - this.#at;
    this.#chunk = rest === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** The next whole line without its line feed, or null. Throws `too_large`. */
  next(): Buffer | null {
    const end = this.#chunk.indexOf(LINE_FEED, this.#at);
    const upTo = end < 0 ? this.#chunk.length : end;
    const size = this.#partialBytes + upTo - this.#at;
    if (size > this.#limit) throw new HoldfastError('too_large', `a line holds at most ${this.#limit} bytes`);
    if (end < 0) {
      this.#keep();
      return null;
    }
    const tail = this.#chunk.subarray(this.#at, end);
    this.#at = end + 1;
    if (this.#partialBytes === 0) return tail;
    const line = Buffer.concat([this.#partial.subarray(0, this.#partialBytes), tail]);
    this.#partial = Buffer.alloc(0);
    this.#partialBytes = 0;
    return line;
  }

  #keep(): void {
    const count = this.#chunk.length - this.#at;
    const needed = this.#partialBytes + count;
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(needed * 2);
      this.#partial.copy(grown, 0, 0, this.#partialBytes);
      this.#partial = grown;
    }
    this.#chunk.copy(this.#partial, this.#partialBytes, this.#at);
    this.#partialBytes = needed;
    this.#chunk = Buffer.alloc(0);
    this.#at = 0;
  }
}

/** True for a line to skip: nothing but blanks. */
export function isBlank(line: Buffer): boolean {
  for (const byte of line) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

/**
 * One line as an object. Throws `invalid_argument` for what JSON allows and the wire does not – duplicate keys at any
 * depth, text that is not UTF-8 even behind escapes, integers beyond 2^53 - 1, anything but an object – naming the path
 * of the field where there is one; `too_large` for a tree over 5,000 objects and arrays or 64 levels.
 *
 * `__proto__` becomes a property like any other: JSON.parse defines it, nothing here assigns by key.
 */
export function parseControlLine(line: Buffer): Record<string, unknown> {
  if (!isUtf8(line)) throw new HoldfastError('invalid_argument', 'the line is not UTF-8');
  const keysInText = countKeys(line);
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    // The engine's message quotes the line, which may hold the token.
    throw new HoldfastError('invalid_argument', 'the line is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HoldfastError('invalid_argument', 'the line is no JSON object');
  }
  if (keysOf(value) !== keysInText) throw miscounted(line, value);
  if (line.includes('\\ud') || line.includes('\\uD')) checkSurrogates(value);
  return value as Record<string, unknown>;
}

/**
 * Colons outside strings, which are the keys as written; a parsed tree that holds fewer has lost duplicates. Also
 * bounds the tree before anything recurses into it.
 */
function countKeys(line: Buffer): number {
  let keys = 0;
  let nodes = 0;
  let depth = 0;
  const length = line.length;
  for (let at = 0; at < length; at++) {
    const byte = line[at]!;
    if (byte === QUOTE) {
      at = endOfString(line, at + 1);
    } else if (byte === COLON) {
      keys++;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++nodes > CONTROL_TREE_NODES) {
        throw new HoldfastError('too_large', `a line holds at most ${CONTROL_TREE_NODES} objects and arrays`);
      }
      if (++depth > CONTROL_TREE_DEPTH) {
        throw new HoldfastError('too_large', `a line is nested at most ${CONTROL_TREE_DEPTH} deep`);
      }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return keys;
}

function endOfString(line: Buffer, from: number): number {
  let at = from;
  while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** NaN when a number in it is too large. */
function keysOf(node: object): number {
  if (Array.isArray(node)) {
    let keys = 0;
    for (const child of node as unknown[]) keys += keysOfValue(child);
    return keys;
  }
  const names = Object.keys(node);
  let keys = names.length;
  for (const name of names) keys += keysOfValue((node as Record<string, unknown>)[name]);
  return keys;
}

function keysOfValue(value: unknown): number {
  if (typeof value === 'object') return value === null ? 0 : keysOf(value);
  return isTooLarge(value) ? Number.NaN : 0;
}

function isTooLarge(value: unknown): boolean {
  return typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER);
}

/** What is wrong with a line whose keys as parsed are not those written. Only such a line pays for the search. */
function miscounted(line: Buffer, value: object): HoldfastError {
  const number = pathTo(value, isTooLarge);
  if (number !== undefined) return invalid(number, `${number} is a number beyond 2^53 - 1`);
  const key = wellFormed(doubledKey(line));
  return invalid(key, `an object names a key twice: ${key}`);
}

/** Half of a pair cannot be written as UTF-8: whoever is told of it could not read the line. */
function checkSurrogates(value: object): void {
  const isHalf = (part: unknown) => typeof part === 'string' && part !== wellFormed(part);
  const path = pathTo(value, isHalf);
  if (path !== undefined) throw invalid(wellFormed(path), `${wellFormed(path)} holds half of a surrogate pair`);
}

/** As UTF-8 has it: U+FFFD for half of a pair. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** Path of the first value or key that `isBad`. */
function pathTo(value: unknown, isBad: (part: unknown) => boolean, path = ''): string | undefined {
  if (typeof value !== 'object' || value === null) return isBad(value) ? path : undefined;
  for (const [key, child] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : member(path, key);
    const found = isBad(key) ? at : pathTo(child, isBad, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function member(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Path of the first key that its object names a second time. The line is JSON that holds one. */
function doubledKey(line: Buffer): string {
  const open: { path: string; keys: Set<string> | null; here: string; index: number }[] = [];
  let text: [number, number] = [0, 0];
  for (let at = 0; at < line.length; at++) {
    const byte = line[at]!;
    const top = open.at(-1);
    if (byte === QUOTE) {
      const end = endOfString(line, at + 1);
      text = [at, end + 1];
      at = end;
    } else if (byte === COLON && top?.keys) {
      const key = JSON.parse(line.toString('utf8', ...text)) as string;
      top.here = member(top.path, key);
      if (top.keys.has(key)) return top.here;
      top.keys.add(key);
    } else if (byte === COMMA && top?.keys === null) {
      top.here = `${top.path}[${++top.index}]`;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const path = top?.here ?? '';
      const isList = byte === OPEN_BRACKET;
      open.push({ path, keys: isList ? null : new Set(), here: isList ? `${path}[0]` : path, index: 0 });
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      open.pop();
    }
  }
  return '';
}
