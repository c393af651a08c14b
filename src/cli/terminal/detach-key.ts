import { invalid } from '../../protocol/index.ts';

/** Ctrl-\ then d. */
export const DEFAULT_DETACH_KEY = 'ctrl-\\ d';

/** What may follow in the same read: how terminals send a key with the kitty keyboard protocol on (CSI code ; mods u). */
interface Key {
  forms: Buffer[];
}

/**
 * Finds the detach keys in what is typed. With two keys the first one is held back until the next shows what is meant:
 * the second one detaches, the first one again sends it once, anything else sends both.
 */
export class DetachKey {
  readonly #keys: Key[];
  #held: Buffer | undefined;

  constructor(text: string) {
    this.#keys =
      text === 'none'
        ? []
        : text
            .trim()
            .split(/[\s,]+/)
            .map(parseKey);
    if (this.#keys.length > 2) throw invalid('--detach-key', `--detach-key takes one or two keys, not "${text}"`);
  }

  /** What of `typed` goes to the session, and whether the keys were pressed. */
  scan(typed: Buffer): { forward: Buffer; detach: boolean } {
    const [first, second] = this.#keys;
    if (first === undefined) return { forward: typed, detach: false };
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < typed.length; ) {
      const length =
        this.#held === undefined ? matchAt(first, typed, at) : this.#afterFirst(first, second!, typed, at, parts);
      if (length === DETACH) return { forward: Buffer.concat(parts), detach: true };
      if (this.#held !== undefined && length === 0) {
        parts.push(this.#held);
        this.#held = undefined;
      } else if (length === 0) {
        at++;
        continue;
      } else if (this.#held === undefined) {
        parts.push(typed.subarray(from, at));
        if (second === undefined) return { forward: Buffer.concat(parts), detach: true };
        this.#held = typed.subarray(at, at + length);
      } else {
        this.#held = undefined;
      }
      at += length;
      from = at;
    }
    parts.push(typed.subarray(from));
    return { forward: parts.length === 1 ? parts[0]! : Buffer.concat(parts), detach: false };
  }

  /** DETACH, the length of the first key pressed again (which is then forwarded once), or 0. */
  #afterFirst(first: Key, second: Key, typed: Buffer, at: number, parts: Buffer[]): number {
    if (matchAt(second, typed, at) > 0) return DETACH;
    const again = matchAt(first, typed, at);
    if (again > 0) parts.push(this.#held!);
    return again;
  }
}

const DETACH = -1;

function matchAt(key: Key, typed: Buffer, at: number): number {
  for (const form of key.forms) {
    if (typed[at] === form[0] && typed.subarray(at, at + form.length).equals(form)) return form.length;
  }
  return 0;
}

function parseKey(word: string): Key {
  const control = /^(?:ctrl-|c-|\^)(.)$/i.exec(word)?.[1];
  const char = control ?? word;
  const code = char.toLowerCase().charCodeAt(0);
  if (char.length !== 1 || code < 0x20 || code > 0x7e) {
    throw invalid('--detach-key', `"${word}" is not a key; write it as x or ctrl-x`);
  }
  if (control === undefined) return { forms: [Buffer.from(char), Buffer.from(`\x1b[${code}u`)] };
  if (!/[a-z@[\\\]^_]/i.test(char)) throw invalid('--detach-key', `there is no control character "${word}"`);
  return { forms: [Buffer.from([char.toUpperCase().charCodeAt(0) & 0x1f]), Buffer.from(`\x1b[${code};5u`)] };
}
