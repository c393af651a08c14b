/** The emulator's view of characters: their widths, and which of them join the one before. */
import type { IUnicodeVersionProvider, Terminal } from '@xterm/headless';
import { LAST_LATIN, widthOf } from './character-width.ts';

const VERSION = 'holdfast';
const JOINER = 0x200d;

const MODIFIER = /^\p{Emoji_Modifier}$/u;
const REGIONAL_INDICATOR = /^\p{Regional_Indicator}$/u;

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
