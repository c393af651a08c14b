/**
 * Where a byte string may be cut so that a terminal parser is between sequences there (ECMA-48, UTF-8): a screen can be
 * joined with the bytes that follow it only at such a place.
 */
const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;

type State = 'ground' | 'escape' | 'csi' | 'osc' | 'string' | 'string_escape';

/** The length of the longest prefix of `bytes`, which start in the ground state, that ends in it again. */
export function groundPrefix(bytes: Buffer): number {
  // Only what follows the last few sequences can be unfinished, yet a string sequence may hold any byte: scan it all.
  let state: State = 'ground';
  let ground = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (state === 'ground') {
      at = bytes.indexOf(ESC, at);
      if (at === -1) return bytes.length - partialUtf8(bytes);
      ground = at;
      state = 'escape';
    } else {
      state = next(state, bytes[at] ?? 0);
      if (state === 'ground') ground = at + 1;
    }
  }
  return state === 'ground' ? bytes.length - partialUtf8(bytes) : ground;
}

function next(state: State, byte: number): State {
  if (byte === CAN || byte === SUB) return 'ground';
  switch (state) {
    case 'escape':
      return afterEscape(byte);
    case 'csi':
      if (byte === ESC) return 'escape';
      return byte >= 0x40 && byte <= 0x7e ? 'ground' : 'csi';
    case 'osc':
      if (byte === BEL) return 'ground';
      return byte === ESC ? 'string_escape' : 'osc';
    case 'string':
      return byte === ESC ? 'string_escape' : 'string';
    default:
      return byte === 0x5c ? 'ground' : afterEscape(byte);
  }
}

function afterEscape(byte: number): State {
  switch (byte) {
    case 0x5b: // [
      return 'csi';
    case 0x5d: // ]
      return 'osc';
    case 0x50: // P
    case 0x58: // X
    case 0x5e: // ^
    case 0x5f: // _
      return 'string';
    case ESC:
      return 'escape';
    default:
      // Intermediates (0x20–0x2f) and C0 controls leave the sequence open; a final byte ends it.
      return byte < 0x30 ? 'escape' : 'ground';
  }
}

/** Bytes at the end that begin a UTF-8 character without finishing it. */
function partialUtf8(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back ? back : 0;
  }
  return 0;
}
