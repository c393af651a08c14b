/**
 * The seed's view of the control socket (WIRES §1): one filter at the edge of a connection that registered without
 * `protocol`. It never sees a variant, field or value outside the seed, and nothing outside the seed that it says has
 * an effect. What is inside layout nodes and meta is free-form in the seed, too, and passes.
 */
import { invalid } from '../errors.ts';
import { NEEDED_BY_SEED, SEED_COMMAND_KEYS, SEED_EVENT_KEYS } from './seed-keys.ts';
import type { AnyCommandName, AnyEventName } from './vocabulary.ts';

type Fields = Readonly<Record<string, unknown>>;
type KeyTable<K extends string> = { readonly [name in K]?: readonly string[] };

const SEED_ERRORS: ReadonlySet<unknown> = new Set(['not_registered', 'already_registered', 'invalid_command']);

function keysIn<K extends string>(table: KeyTable<K>, name: string): readonly string[] | undefined {
  return Object.hasOwn(table, name) ? table[name as K] : undefined;
}

function pick(fields: Fields, keys: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const key of keys) if (Object.hasOwn(fields, key)) picked[key] = fields[key];
  return picked;
}

/**
 * A command as the seed reads it: without our fields, and with those which only we let out. Null: no command of the
 * seed. Throws `invalid_argument`.
 */
export function toSeedCommand(fields: Fields): Record<string, unknown> | null {
  const { cmd } = fields;
  const keys = keysIn<AnyCommandName>(SEED_COMMAND_KEYS, String(cmd));
  if (typeof cmd !== 'string' || keys === undefined) return null;
  for (const field of keysIn<AnyCommandName>(NEEDED_BY_SEED, cmd) ?? []) {
    if ((fields[field] ?? null) === null) throw invalid(field, `${field} is missing`);
  }
  if (cmd === 'register' && fields['kind'] === 'launcher') throw invalid('kind', 'kind launcher is none of the seed');
  return { cmd, ...pick(fields, keys) };
}

/** An event, committed or private, as the seed has it. Null: a connection of the seed is not told. */
export function toSeedEvent(event: Readonly<{ event: string }>): Record<string, unknown> | null {
  const name = event.event;
  const fields = event as unknown as Fields;
  if (name === 'connection_closed') {
    return { event: 'process_exited', pid: fields['pid'], code: 0, version: fields['version'] };
  }
  const keys = keysIn<AnyEventName>(SEED_EVENT_KEYS, name);
  if (keys === undefined) return null;
  const seed: Record<string, unknown> = { event: name, ...pick(fields, keys) };
  if (name === 'process_spawned' && seed['kind'] === 'launcher') seed['kind'] = 'tool';
  else if (name === 'error' && !SEED_ERRORS.has(seed['code'])) seed['code'] = 'invalid_command';
  else if (name === 'event_list') seed['events'] = toSeedEvents(fields['events'] as readonly { event: string }[]);
  return seed;
}

function toSeedEvents(events: readonly { event: string }[]): Record<string, unknown>[] {
  return events.map(toSeedEvent).filter((event) => event !== null);
}
