/** Dialogs on a screen: what they ask and how each choice is taken. */
import { REQUEST_TEXT_BYTES } from '../protocol/limits.ts';
import type { DialogChoice, DialogRule } from '../protocol/agent/index.ts';
import type { FoundDialog } from './contract.ts';
import { compilePattern } from './patterns.ts';
import { type CheckLines, compileMatch, compileRegion, type FindLines, type Line, type Screen } from './regions.ts';
import { cut, fingerprintOf, oneLine, withoutBlanks, withoutFrame } from './text.ts';

type Choice = FoundDialog['choices'][number];

const PLACEHOLDER = /\{(?:key|down)\}/;
const DOWN = '\x1b[B';
const CHOICES_COUNT = 32;
const LABEL_CHARACTERS = 200;

export class DialogReader {
  readonly rule: DialogRule;
  readonly #region: FindLines;
  readonly #check: CheckLines;
  readonly #choice: RegExp | null;
  readonly #begin: RegExp | null;
  readonly #noise: RegExp[];
  readonly #known: RegExp[];
  readonly #labels: { label: RegExp; choice: DialogChoice }[];

  constructor(rule: DialogRule) {
    this.rule = rule;
    this.#region = compileRegion(rule.region);
    this.#check = compileMatch(rule.match);
    this.#choice = rule.choice === null ? null : compilePattern(rule.choice);
    this.#begin = rule.begin === undefined ? null : compilePattern(rule.begin);
    this.#noise = rule.noise.map(compilePattern);
    this.#known = [...(rule.match.all ?? []), ...(rule.match.any ?? [])].map(compilePattern);
    this.#labels =
      rule.choice === null ? [] : rule.choices.map((choice) => ({ label: compilePattern(choice.label), choice }));
  }

  /**
   * The dialog, or why it is not there. `box`: row of the input box, if there is one: while a program takes keys for a
   * choice, it has none below it; a text that looks like a dialog, and was only told, has.
   */
  read(screen: Screen, box: number | null): FoundDialog | string {
    const lines = this.#region(screen);
    const reason = this.#check(screen, lines);
    if (reason !== null) return reason;
    const own = this.#own(lines);
    const choices = this.#choices(own);
    // Choices that are still being drawn: the dialog is there once one of them is.
    if (this.#choice !== null && choices.length === 0) return 'none of its choices is shown';
    if (box !== null && choices.length > 0 && box > this.#lastRow(screen, own)) return 'the input box stands below it';
    const text = this.#text(own);
    const labels = choices.map((choice) => choice.label).join('\n');
    return {
      rule: this.rule.id,
      kind: this.rule.kind,
      text,
      choices,
      fingerprint: `${this.rule.id}-${fingerprintOf(withoutBlanks(`${text}\n${labels}`))}`,
    };
  }

  /** Without what stands above the dialog. */
  #own(lines: readonly Line[]): readonly Line[] {
    const begin = this.#begin;
    return begin === null
      ? lines
      : lines.slice(
          Math.max(
            0,
            lines.findLastIndex(({ text }) => begin.test(text)),
          ),
        );
  }

  /** Of its choices, or, where they are fixed, of what it is known by. */
  #lastRow(screen: Screen, lines: readonly Line[]): number {
    const choice = this.#choice;
    if (choice !== null) return lines.findLast(({ text }) => choice.test(text))?.row ?? 0;
    return Math.max(0, ...this.#known.map((pattern) => screen.find(lines, pattern)?.row ?? 0));
  }

  #choices(lines: readonly Line[]): Choice[] {
    if (this.#choice === null) {
      return this.rule.choices.map(({ id, label, meaning, keys }) => ({ id, label, meaning, keys }));
    }
    const found: Choice[] = [];
    for (const line of lines) {
      const match = this.#choice.exec(line.text);
      if (match === null || found.length === CHOICES_COUNT) continue;
      const key = (match[1] ?? '').trim();
      // Descriptions stand in a column of their own.
      const [label = ''] = oneLine(withoutFrame(match[2] ?? ''), LABEL_CHARACTERS).split(/ {2,}/);
      found.push(this.#chosen(key, label, found));
    }
    return found;
  }

  #chosen(key: string, label: string, before: Choice[]): Choice {
    const known = this.#labels.find((entry) => entry.label.test(label))?.choice;
    const isTaken = before.some((choice) => choice.id === known?.id);
    // A choice the profile does not know is taken as those are that it does know.
    const keys = known?.keys ?? this.rule.choices.find((choice) => PLACEHOLDER.test(choice.keys))?.keys ?? '{key}';
    return {
      id: known === undefined || isTaken ? key || label : known.id,
      label,
      meaning: known?.meaning ?? null,
      keys: keys.replaceAll('{key}', key).replaceAll('{down}', DOWN.repeat(before.length)),
    };
  }

  /** What stands before the choices: behind them are their descriptions and what keys do. */
  #text(lines: readonly Line[]): string {
    const first = this.#choice === null ? -1 : lines.findIndex(({ text }) => this.#choice!.test(text));
    const kept = (first < 0 ? lines : lines.slice(0, first))
      .filter(({ text }) => !this.#noise.some((pattern) => pattern.test(text)))
      .map(({ text }) => oneLine(withoutFrame(text), text.length))
      .filter((text) => text !== '');
    return cutBytes(kept.join('\n'), REQUEST_TEXT_BYTES);
  }
}

/** At most so many bytes of UTF-8. */
function cutBytes(text: string, maximum: number): string {
  if (text.length * 3 <= maximum) return text;
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maximum) break;
    end += character.length;
  }
  return cut(text, end);
}
