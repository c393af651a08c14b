/** What the commands about workspaces, tabs, blocks, layouts and windows have in common. */
import type { Holdfast, Meta, Parting } from '../client/index.ts';
import { HoldfastError, invalid } from '../protocol/index.ts';
import { flag } from './arguments.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { exitStatusOf, reportError } from './errors.ts';
import { printable } from './format.ts';
import { Selectors } from './selectors.ts';

export interface Selected {
  holdfast: Holdfast;
  select: Selectors;
}

/** A client and what there is to select from, at one version. */
export async function selecting({ connect }: CommandContext): Promise<Selected> {
  const holdfast = await connect();
  return { holdfast, select: new Selectors(await holdfast.outline()) };
}

/** A change that says nothing unless asked. */
export function done({ json, out }: CommandContext, facts: object): number {
  if (json) out.json(facts);
  return 0;
}

/** A new thing's id, by itself for scripts. */
export function made<T extends { id: string }>({ json, out }: CommandContext, facts: T): number {
  if (json) out.json(facts);
  else out.line(facts.id);
  return 0;
}

/** `--detach` or `--terminate`. */
export function partingOf(options: OptionValues): Parting | undefined {
  const detach = flag(options, 'detach');
  const terminate = flag(options, 'terminate');
  if (detach && terminate) {
    throw invalid('--terminate', '--detach lets the sessions run on, --terminate ends them: say one of them');
  }
  if (!detach && !terminate) return undefined;
  return detach ? 'detach' : 'terminate';
}

/** Does one after the other, tells of each, and goes on after a failure; the first one gives the exit status. */
export async function each(
  { out }: CommandContext,
  words: readonly string[],
  act: (word: string) => Promise<void>,
): Promise<number> {
  let status = 0;
  for (const word of words) {
    try {
      await act(word);
    } catch (error) {
      reportError(out, error);
      status ||= exitStatusOf(undefined, [], error);
    }
  }
  return status;
}

/** srv's refusal to part from live sessions, in the words of the command line. */
export function explained(error: unknown, what: string, select: Selectors): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'conflict' || error.field !== 'session') return error;
  const { sessions = [], count = 0 } = error.details as { sessions?: string[]; count?: number };
  const named = sessions.map((id) => {
    const session = select.sessionById(id);
    return session === undefined ? id : `${id} (${printable(session.name ?? session.command)})`;
  });
  const list = `${named.join(', ')}${count > sessions.length ? ', …' : ''}`;
  const message = `${what} shows ${count === 1 ? 'a live session' : `${count} live sessions`}: ${list}; add --detach to let ${count === 1 ? 'it' : 'them'} run on, or --terminate to end ${count === 1 ? 'it' : 'them'}`;
  return new HoldfastError('conflict', message, { details: error.details, cause: error });
}

/** `meta NOUN [PATCH]`: the object as JSON, on one line only with `--json`. */
export async function showMeta(
  { json, out, positionals }: CommandContext,
  current: Meta,
  patch: (patch: Meta) => Promise<{ meta: Meta }>,
): Promise<number> {
  const word = positionals[1];
  const meta = word === undefined ? current : (await patch(await jsonObject('PATCH', word))).meta;
  if (json) out.json(meta);
  else out.line(printableJson(meta));
  return 0;
}

export async function jsonObject(field: string, word: string): Promise<Meta> {
  const value = await jsonValue(field, word);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Meta;
  throw invalid(field, `${field} must be a JSON object, such as '{"colour":"red"}'`);
}

/** "-": from standard input. */
export async function jsonValue(field: string, word: string): Promise<unknown> {
  const text = word === '-' ? await standardInput() : word;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HoldfastError('invalid_argument', `${field} is not JSON: ${(error as Error).message}`, {
      field,
      cause: error,
    });
  }
}

/** For people; JSON escapes C0 only. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A table with a bold head, or a word to a person when there is nothing. */
export function showTable({ out }: CommandContext, rows: readonly string[], nothing: string): number {
  const [head, ...body] = rows;
  if (head === undefined || body.length === 0) {
    out.note(nothing);
    return 0;
  }
  out.line(out.paint('bold', head));
  out.line(body.join('\n'));
  return 0;
}
