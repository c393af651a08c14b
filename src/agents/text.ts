/** Small steps on text that comes from outside. */

export const DETAIL_CHARACTERS = 200;

/** C0, DEL, C1, and the characters that reorder or hide text (Unicode bidirectional controls, zero-width marks). */
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
/** Frames and rules of a text interface: box drawing and block elements. */
const FRAME = /^[\s\u2500-\u259f]+|[\s\u2500-\u259f]+$/gu;

/** One line, nothing in it that a terminal would obey, at most `maximum` characters. */
export function oneLine(text: string, maximum: number = DETAIL_CHARACTERS): string {
  return cut(
    text
      .replace(/[\r\n\t]+/g, ' ')
      .replace(UNSHOWN, '')
      .trim(),
    maximum,
  );
}

/** Cut to `maximum` UTF-16 units, never within a character. */
export function cut(text: string, maximum: number): string {
  if (text.length <= maximum) return text;
  const last = text.charCodeAt(maximum - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? maximum - 1 : maximum);
}

export function withoutFrame(line: string): string {
  return line.replace(FRAME, '');
}

/** For comparing text that may have been wrapped. */
export function withoutBlanks(text: string): string {
  return text.replace(/\s+/gu, '');
}

/** 53 bits as hex (cyrb53's construction: two rounds of multiplicative mixing). Tells texts apart, proves nothing. */
export function fingerprintOf(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (0x20_0000_0000_0000 + (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0)).toString(16);
}
