/**
 * Patterns of profiles: JavaScript's expressions, cut down until the worst line costs a bounded number of steps. A
 * backtracking matcher tries at most (starts) × (ways through the pattern) × (lengths of its open-ended parts), so the
 * check counts exactly these.
 */
import type { Pattern } from '../protocol/agent/index.ts';
import { HoldfastError, invalid } from '../protocol/errors.ts';

export const PATTERN_CHARACTERS = 256;
export const LINE_CHARACTERS = 512;
const OPEN_ENDED_COUNT = 2;
/** `{n,m}` with a wider range counts as open-ended. */
const CLOSED_RANGE = 8;
/** Steps on the worst line. A start that is not bound by `^` costs as much as an open-ended part: with it, one is left. */
const STEPS = 2_500_000;
/** Characters of fixed parts that count as one step; most ways fail on their first. */
const WALK_CHARACTERS = 32;

/** What has to be known of a part of a pattern to bound its cost. */
interface Cost {
  /** Open-ended quantifiers. */
  open: number;
  /** Ways through it that do not come from the open-ended ones. */
  ways: number;
  /** Characters on the longest way, open-ended parts not counted. */
  length: number;
  quantified: boolean;
  alternatives: boolean;
  /** Every way through it begins with `^`. */
  anchored: boolean;
}

/** Throws `invalid_argument` for `field` when the pattern is not JavaScript's or not bounded. */
export function checkPattern(pattern: Pattern, field: string): void {
  if (pattern.length > PATTERN_CHARACTERS) {
    throw refuse(field, `is ${pattern.length} characters long; at most ${PATTERN_CHARACTERS} are allowed`);
  }
  compiled(pattern, field);
  const cost = new PatternReader(pattern, field).read();
  if (cost.open > OPEN_ENDED_COUNT) {
    throw refuse(field, `has ${cost.open} open-ended quantifiers; at most ${OPEN_ENDED_COUNT} are allowed: split it`);
  }
  const loops = cost.open + (cost.anchored ? 0 : 1);
  // A way that fails is walked from the start or from where it branched: long fixed parts make it long.
  const walk = Math.max(1, cost.length / WALK_CHARACTERS);
  const steps = (walk * cost.ways * LINE_CHARACTERS ** loops) / [1, 1, 2, 6][loops]!;
  if (steps > STEPS) throw refuse(field, 'can be matched in too many ways: begin it with ^ or split it into several');
}

/** The pattern made ready. It was checked before. */
export function compilePattern(pattern: Pattern): RegExp {
  return compiled(pattern, 'pattern');
}

function compiled(pattern: Pattern, field: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    const reason = (error as Error).message.split(': ').at(-1) ?? '';
    throw new HoldfastError('invalid_argument', `${field}: no pattern: ${reason}`, { field, cause: error });
  }
}

function refuse(field: string, reason: string): HoldfastError {
  return invalid(field, `${field}: the pattern ${reason}`);
}

const NOTHING: Cost = { open: 0, ways: 1, length: 0, quantified: false, alternatives: false, anchored: false };

/** Reads a pattern that JavaScript accepts with the `u` flag; so its form is known to be right. */
class PatternReader {
  readonly #pattern: string;
  readonly #field: string;
  #at = 0;

  constructor(pattern: string, field: string) {
    this.#pattern = pattern;
    this.#field = field;
  }

  /** Alternatives up to a `)` or the end. */
  read(): Cost {
    const branches = [this.#sequence()];
    while (this.#pattern[this.#at] === '|') {
      this.#at++;
      branches.push(this.#sequence());
    }
    return {
      open: sum(branches, 'open'),
      ways: sum(branches, 'ways'),
      length: Math.max(...branches.map((branch) => branch.length)),
      quantified: branches.some((branch) => branch.quantified),
      alternatives: branches.length > 1 || branches.some((branch) => branch.alternatives),
      anchored: branches.every((branch) => branch.anchored),
    };
  }

  #sequence(): Cost {
    const whole = { ...NOTHING };
    for (let first = true; this.#at < this.#pattern.length && !'|)'.includes(this.#pattern[this.#at]!); first = false) {
      const part = this.#quantified(this.#atom());
      whole.open += part.open;
      whole.ways *= part.ways;
      whole.length += part.length;
      whole.quantified ||= part.quantified;
      whole.alternatives ||= part.alternatives;
      if (first) whole.anchored = part.anchored;
    }
    return whole;
  }

  #atom(): Cost & { group: boolean } {
    const character = this.#pattern[this.#at]!;
    if (character === '(') return { ...this.#group(), group: true };
    if (character === '[') this.#skipClass();
    else if (character === '\\') this.#skipEscape();
    else this.#at += character.codePointAt(0)! > 0xd7ff && character.codePointAt(0)! < 0xdc00 ? 2 : 1;
    return { ...NOTHING, length: 1, anchored: character === '^', group: false };
  }

  #group(): Cost {
    const opening = /^\((?:\?(?:<[A-Za-z_$][\w$]*>|[^:]|:))?/u.exec(this.#pattern.slice(this.#at))![0];
    if (/^\(\?(?:[=!]|<$)/.test(opening))
      throw refuse(this.#field, 'looks around: (?=, (?!, (?<= and (?<! are not allowed');
    if (/^\(\?[a-z-]/.test(opening)) throw refuse(this.#field, 'changes flags inside; that is not allowed');
    this.#at += opening.length;
    const inner = this.read();
    this.#at++;
    return inner;
  }

  #quantified(atom: Cost & { group: boolean }): Cost {
    const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.#pattern.slice(this.#at));
    if (quantifier === null) return atom;
    this.#at += quantifier[0].length;
    const { low, high } = rangeOf(quantifier);
    if (atom.group && atom.quantified) throw refuse(this.#field, 'has a quantifier inside a quantified group');
    if (atom.group && atom.alternatives && high > 1) {
      throw refuse(this.#field, 'repeats a group of alternatives: use a class such as [ab]');
    }
    const open = high - low > CLOSED_RANGE;
    return {
      open: atom.open + (open ? 1 : 0),
      ways: open ? atom.ways : (high - low === 0 ? 1 : high - low + 1) * atom.ways,
      length: atom.length * Math.min(open ? low : high, LINE_CHARACTERS),
      quantified: true,
      alternatives: atom.alternatives,
      anchored: atom.anchored && low > 0,
    };
  }

  #skipClass(): void {
    for (this.#at++; this.#pattern[this.#at] !== ']'; this.#at++) {
      if (this.#pattern[this.#at] === '\\') this.#at++;
    }
    this.#at++;
  }

  #skipEscape(): void {
    const next = this.#pattern[this.#at + 1]!;
    if (/[1-9k]/.test(next)) throw refuse(this.#field, 'refers back to a group; that is not allowed');
    const escape = /^\\(?:[pPu]\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|.)/su.exec(
      this.#pattern.slice(this.#at),
    );
    this.#at += escape![0].length;
  }
}

function rangeOf(quantifier: RegExpExecArray): { low: number; high: number } {
  if (quantifier[1] !== undefined) {
    const low = Number(quantifier[1]);
    if (quantifier[2] === '') return { low, high: low };
    return { low, high: quantifier[3] === '' ? Infinity : Number(quantifier[3]) };
  }
  if (quantifier[0].startsWith('?')) return { low: 0, high: 1 };
  return { low: quantifier[0].startsWith('+') ? 1 : 0, high: Infinity };
}

function sum(costs: Cost[], key: 'open' | 'ways'): number {
  return costs.reduce((total, cost) => total + cost[key], 0);
}
