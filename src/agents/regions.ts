/** Which lines of a screen a rule looks at, and whether they match. */
import type { Match, Region } from '../protocol/agent/index.ts';
import type { ScreenView } from './contract.ts';
import { compilePattern, LINE_CHARACTERS } from './patterns.ts';
import { cut } from './text.ts';

export interface Line {
  row: number;
  text: string;
}

export type FindLines = (screen: Screen) => readonly Line[];

/** Lines above and below the cursor's that belong to a `cursor` region. */
const CURSOR_LINES = 3;
const LAST_LINES = 12;
/** No region has more, however tall the terminal is: the last ones. */
const REGION_LINES = 400;
/** Between two questions whether it is late. */
const TIMED_LINES = 32;

/** What `isLate` ends the reading of a screen with. */
export class OutOfTime extends Error {}

/** A view read once: its lines cut to what patterns may cost, its regions kept while its rules run. */
export class Screen {
  readonly view: ScreenView;
  readonly lines: readonly Line[];
  readonly #regions = new Map<string, readonly Line[]>();
  readonly #isLate: () => boolean;

  constructor(view: ScreenView, isLate: () => boolean = () => false) {
    this.view = view;
    this.#isLate = isLate;
    this.lines = view.lines.map((text, row) => ({ row, text: cut(text, LINE_CHARACTERS) }));
  }

  /** The first line that the pattern is on. Throws `OutOfTime`. */
  find(lines: readonly Line[], pattern: RegExp): Line | undefined {
    return lines.find(({ text }, at) => {
      if (at % TIMED_LINES === 0 && this.#isLate()) throw new OutOfTime('its rules take too long');
      return pattern.test(text);
    });
  }

  region(key: string, find: () => readonly Line[]): readonly Line[] {
    const known = this.#regions.get(key);
    if (known !== undefined) return known;
    const found = find();
    this.#regions.set(key, found);
    return found;
  }
}

export function compileRegion(region: Region): FindLines {
  const key = JSON.stringify([region.of, region.lines, region.mark]);
  const find = finderOf(region);
  return (screen) => screen.region(key, () => find(screen));
}

function finderOf(region: Region): FindLines {
  switch (region.of) {
    case 'whole':
      return (screen) => screen.lines.slice(-REGION_LINES);
    case 'last': {
      const count = region.lines ?? LAST_LINES;
      return (screen) => screen.lines.filter((line) => line.text.trim() !== '').slice(-count);
    }
    case 'cursor': {
      const around = region.lines ?? CURSOR_LINES;
      return ({ view, lines }) => lines.slice(Math.max(0, view.cursorRow - around), view.cursorRow + around + 1);
    }
    case 'after': {
      const mark = compilePattern(region.mark ?? '');
      return ({ lines }) => {
        const last = lines.slice(-REGION_LINES);
        const marked = last.findLastIndex((line) => mark.test(line.text));
        return marked < 0 ? [] : last.slice(marked + 1);
      };
    }
  }
}

/** Null when the lines match, else why they do not. */
export type CheckLines = (screen: Screen, lines: readonly Line[]) => string | null;

export function compileMatch(match: Match): CheckLines {
  const all = (match.all ?? []).map(compilePattern);
  const any = (match.any ?? []).map(compilePattern);
  const none = (match.none ?? []).map(compilePattern);
  return (screen, lines) => {
    const missing = all.findIndex((pattern) => screen.find(lines, pattern) === undefined);
    if (missing >= 0) return `all.${missing} is on no line`;
    if (any.length > 0 && !any.some((pattern) => screen.find(lines, pattern) !== undefined)) return 'none of any';
    for (const [at, pattern] of none.entries()) {
      const line = screen.find(lines, pattern);
      if (line !== undefined) return `none.${at} is on line ${line.row + 1}`;
    }
    return null;
  };
}

/** The line that says most about a match: the first that a positive pattern is on. */
export function compileWitness(match: Match): (screen: Screen, lines: readonly Line[]) => string {
  const positive = [...(match.all ?? []), ...(match.any ?? [])].map(compilePattern);
  return (screen, lines) => {
    for (const pattern of positive) {
      const line = screen.find(lines, pattern);
      if (line !== undefined) return line.text;
    }
    return '';
  };
}
