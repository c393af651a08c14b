import { randomFillSync } from 'node:crypto';
import { ULID_ALPHABET } from '../protocol/index.ts';
import type { Clock } from './clock.ts';

export { isUlid, ulidTime } from '../protocol/index.ts';

/** Source of identifiers and secrets; injected so that a simulation can repeat them. */
export interface Ids {
  /** A ULID: 48 bits of ms and 80 random bits, strictly increasing within one `Ids`. */
  ulid(): string;
  /** 128 random bits as 32 hex digits: tokens, resume secrets. */
  secret(): string;
}

export type RandomBytes = (count: number) => Uint8Array;

export const systemRandom: RandomBytes = (count) => randomFillSync(new Uint8Array(count));

/** Random bytes fetched at once: each call of the system's source costs more than an id does. */
const POOL_BYTES = 640;

/** Takes `count` bytes of a pool of its own at a time, each byte once. */
function pooled(random: RandomBytes): RandomBytes {
  let pool = new Uint8Array(0);
  let used = 0;
  return (count) => {
    if (used + count > pool.length) {
      pool = random(Math.max(POOL_BYTES, count)).slice();
      used = 0;
    }
    used += count;
    return pool.subarray(used - count, used);
  };
}

export function createIds(clock: Clock, source: RandomBytes = systemRandom): Ids {
  const random = pooled(source);
  let lastTime = -1;
  let tail = new Uint8Array(10);
  return {
    ulid() {
      const now = clock.now();
      if (now > lastTime) {
        lastTime = now;
        tail = random(10).slice();
        // The top bit stays free, so incrementing within one millisecond cannot overflow.
        tail[0] = tail[0]! & 0x7f;
      } else {
        increment(tail);
      }
      return encodeTime(lastTime) + encodeTail(tail);
    },
    secret: () => Buffer.from(random(16)).toString('hex'),
  };
}

function increment(bytes: Uint8Array): void {
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = (bytes[i]! + 1) & 0xff;
    if (bytes[i] !== 0) return;
  }
}

function encodeTime(ms: number): string {
  let text = '';
  let rest = ms;
  for (let i = 0; i < 10; i++) {
    text = ULID_ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeTail(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ULID_ALPHABET[(held >> bits) & 31]!;
    }
  }
  return text;
}
