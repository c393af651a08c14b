import { parseArgs } from 'node:util';
import { HoldfastError, invalid } from '../protocol/index.ts';
import type { CommandSpec, OptionSpec, OptionValues } from './command.ts';

/** Options every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'home', value: 'DIR', about: 'the runtime’s directory (default: $HOLDFAST_HOME, else the state directory)' },
  { name: 'json', about: 'print JSON: one object, or one per line' },
  { name: 'help', short: 'h', about: 'show this help' },
];

export interface ParsedArguments {
  options: OptionValues;
  positionals: string[];
  rest: string[];
}

/** Parses the words after the command's name. Throws `invalid_argument` naming the flag. */
export function parseCommandArguments(spec: CommandSpec, words: string[]): ParsedArguments {
  const known = [...spec.options, ...COMMON_OPTIONS];
  const [own, rest] = spec.passthrough === true ? splitPassthrough(known, words) : [words, []];
  const { values, positionals } = parse(spec, known, own);
  const [least, most] = spec.positionals;
  if (values['help'] !== true && (positionals.length < least || positionals.length > most)) {
    const wrong = positionals.length < least ? 'is missing an argument' : `does not take "${positionals[most]}"`;
    throw new HoldfastError('invalid_argument', `${spec.name} ${wrong}; usage: holdfast ${spec.name} ${spec.usage}`, {
      details: { help: spec.name },
    });
  }
  return { options: values, positionals, rest };
}

function parse(
  spec: CommandSpec,
  known: readonly OptionSpec[],
  args: string[],
): { values: OptionValues; positionals: string[] } {
  try {
    return parseArgs({
      args: withEmptyValues(known, args),
      strict: true,
      allowPositionals: true,
      options: Object.fromEntries(
        known.map((option) => [
          option.name,
          {
            type: option.value === undefined ? ('boolean' as const) : ('string' as const),
            ...(option.short === undefined ? {} : { short: option.short }),
            ...(option.multiple === true ? { multiple: true } : {}),
          },
        ]),
      ),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HoldfastError('invalid_argument', `${firstSentence(reason)}; see: holdfast help ${spec.name}`, {
      details: { help: spec.name },
    });
  }
}

/** `--name` alone, where that is enough, as parseArgs wants it. */
function withEmptyValues(known: readonly OptionSpec[], args: string[]): string[] {
  const end = args.indexOf('--');
  return args.map((word, at) => {
    const alone = known.some(({ name, optionalValue }) => optionalValue === true && word === `--${name}`);
    return alone && (end < 0 || at < end) ? `${word}=` : word;
  });
}

/** parseArgs explains at length how to pass a word that looks like an option; the first sentence says what is wrong. */
function firstSentence(message: string): string {
  return message.split('. ')[0]!.replace(/\.$/, '');
}

/** Where the child's own command begins: after `--`, or at the first word that is neither option nor option's value. */
function splitPassthrough(known: readonly OptionSpec[], words: string[]): [string[], string[]] {
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === '--') return [words.slice(0, at), words.slice(at + 1)];
    if (!word.startsWith('-') || word === '-') return [words.slice(0, at), words.slice(at)];
    const option = known.find(
      ({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`),
    );
    if (option?.value !== undefined && option.optionalValue !== true) at++;
  }
  return [words, []];
}

export function text(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function texts(options: OptionValues, name: string): string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

export function flag(options: OptionValues, name: string): boolean {
  return options[name] === true;
}

/** A whole number within its bounds; the message names the flag and both. */
export function integer(options: OptionValues, name: string, least: number, most: number): number | undefined {
  const value = text(options, name);
  return value === undefined ? undefined : wholeNumber(`--${name}`, value, least, most);
}

export function wholeNumber(field: string, value: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(number) || number < least || number > most) {
    throw invalid(field, `${field} must be a whole number from ${least} to ${most}, not "${value}"`);
  }
  return number;
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `10s`, `5m`, `2h`, `1d`; without a unit: seconds. In ms. */
export function duration(options: OptionValues, name: string): number | undefined {
  const value = text(options, name);
  if (value === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(value);
  if (match === null)
    throw invalid(`--${name}`, `--${name} must be a duration such as 500ms, 10s or 5m, not "${value}"`);
  return Math.round(Number(match[1]) * UNITS[match[2] ?? 's']!);
}
