/** Inbound lines of the control socket (WIRES §1): split with a bound, then parsed strictly. */
import { isUtf8 } from 'node:buffer';
import { HoldfastError, invalid } from '../errors.ts';
import { CONTROL_LINE_IN_BYTES, CONTROL_TREE_DEPTH, CONTROL_TREE_NODES } from '../limits.ts';

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
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
 * One line as an object. Throws `invalid_argument` for what JSON allows and the wire does not: duplicate keys at any
 * depth, invalid UTF-8, integers beyond 2^53 - 1, anything but an object; `too_large` for a tree over 5,000 objects and
 * arrays or 64 levels.
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
  if (keysOf(value, '') !== keysInText) throw new HoldfastError('invalid_argument', 'an object names a key twice');
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

function keysOf(node: object, field: string): number {
  if (Array.isArray(node)) {
    let keys = 0;
    for (const child of node as unknown[]) keys += keysOfValue(child, field);
    return keys;
  }
  const names = Object.keys(node);
  let keys = names.length;
  for (const name of names) keys += keysOfValue((node as Record<string, unknown>)[name], name);
  return keys;
}

function keysOfValue(value: unknown, field: string): number {
  if (typeof value === 'object') return value === null ? 0 : keysOf(value, field);
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    throw invalid(field, `${field} is a number beyond 2^53 - 1`);
  }
  return 0;
}
