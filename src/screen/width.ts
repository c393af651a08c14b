/**
 * How many columns a character takes: Unicode 16's East Asian widths and emoji, as wcwidth(3) of current systems and
 * other terminals have it. xterm's own table is Unicode 6, where an emoji is one column wide.
 */
import type { IUnicodeVersionProvider, Terminal } from '@xterm/headless';

const VERSION = 'holdfast';
const JOINER = 0x200d;
const LAST_LATIN = 0x2ff;

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
const MODIFIER = /^\p{Emoji_Modifier}$/u;
const REGIONAL_INDICATOR = /^\p{Regional_Indicator}$/u;

function widthOf(code: number): 0 | 1 | 2 {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code <= LAST_LATIN) return 1;
  const character = String.fromCodePoint(code);
  if (ZERO.test(character)) return 0;
  if (WIDE.some(([first, last]) => code >= first && code <= last)) return 2;
  return EMOJI.test(character) && !REGIONAL_INDICATOR.test(character) ? 2 : 1;
}

/** Caches: a screen of text asks for the same few hundred characters again and again. */
class UnicodeWidths implements IUnicodeVersionProvider {
  readonly version = VERSION;
  readonly #known = new Map<number, 0 | 1 | 2>();

  wcwidth(code: number): 0 | 1 | 2 {
    if (code <= LAST_LATIN) return widthOf(code);
    let width = this.#known.get(code);
    if (width === undefined) this.#known.set(code, (width = widthOf(code)));
    return width;
  }

  /**
   * xterm's packed form: bit 0 joins the cell before, bits 1–2 the width, the rest is handed back as `preceding` for
   * the next character. Ours keeps whether the next one joins: behind a zero-width joiner, or a first flag letter.
   */
  charProperties(code: number, preceding: number): number {
    if (code <= LAST_LATIN && preceding >>> 3 !== JOINS) return SINGLE;
    const before = preceding >>> 3;
    const widthBefore = (preceding >>> 1) & 3;
    const width = this.wcwidth(code);
    if (code === JOINER) return pack(JOINS, widthBefore, widthBefore > 0);
    if (before === JOINS && widthBefore > 0) return pack(NOTHING, Math.max(width, widthBefore), true);
    if (code > 0xffff) {
      const character = String.fromCodePoint(code);
      if (MODIFIER.test(character) && widthBefore === 2) return pack(NOTHING, widthBefore, true);
      if (REGIONAL_INDICATOR.test(character)) return before === FLAG ? pack(NOTHING, 2, true) : pack(FLAG, 1, false);
    }
    if (width === 0 && widthBefore > 0) return pack(NOTHING, widthBefore, true);
    return pack(NOTHING, width, false);
  }
}

const NOTHING = 0;
const JOINS = 1;
const FLAG = 2;
const SINGLE = pack(NOTHING, 1, false);

function pack(state: number, width: number, joins: boolean): number {
  return (state << 3) | (width << 1) | (joins ? 1 : 0);
}

export function useWidths(terminal: Terminal): void {
  terminal.unicode.register(new UnicodeWidths());
  terminal.unicode.activeVersion = VERSION;
}
