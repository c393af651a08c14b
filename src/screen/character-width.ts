/**
 * How many columns a character takes: Unicode 16's East Asian widths and emoji, as wcwidth(3) of current systems and
 * other terminals have it. xterm's own table is Unicode 6, where an emoji is one column wide.
 */

export const LAST_LATIN = 0x2ff;

/** East Asian Width W and F beyond the emoji: first and last code points. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];
const EMOJI = /^\p{Emoji_Presentation}$/u;
/** Marks and format characters; vowels and finals of Hangul syllables join the consonant before them. */
const ZERO = /^[\p{Mn}\p{Me}\u200b-\u200f\u2028-\u202e\u2060-\u2064\u1160-\u11ff\ud7b0-\ud7ff\ufeff]$/u;
const REGIONAL_INDICATOR = /^\p{Regional_Indicator}$/u;

/** Of one code point alone; sequences that join are the reader's to know. */
export function widthOf(code: number): 0 | 1 | 2 {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code <= LAST_LATIN) return 1;
  const character = String.fromCodePoint(code);
  if (ZERO.test(character)) return 0;
  if (WIDE.some(([first, last]) => code >= first && code <= last)) return 2;
  return EMOJI.test(character) && !REGIONAL_INDICATOR.test(character) ? 2 : 1;
}
