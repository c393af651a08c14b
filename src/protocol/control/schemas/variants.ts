/** Tables of variants: each message is an object with its name under `cmd` or `event`. */
import { z } from 'zod';
import { OURS } from './fields.ts';

/** What the variant does or says, then its own fields. */
type Entry = readonly [about: string, fields: z.ZodRawShape];
type Table = Readonly<Record<string, Entry>>;

export type Commands<T extends Table> = {
  [K in keyof T & string]: z.ZodObject<{ cmd: z.ZodLiteral<K> } & T[K][1]>;
};
export type Events<T extends Table> = {
  [K in keyof T & string]: z.ZodObject<{ event: z.ZodLiteral<K> } & T[K][1]>;
};

/** The values of a table of schemas, as one type. */
export type UnionOf<T extends Record<string, z.ZodType>> = { [K in keyof T]: z.infer<T[K]> }[keyof T];

function variants(tag: 'cmd' | 'event', table: Table, mark: { since?: number }): Record<string, z.ZodObject> {
  return Object.fromEntries(
    Object.entries(table).map(([name, [description, fields]]) => [
      name,
      z.object({ [tag]: z.literal(name), ...fields }).meta({ description, ...mark }),
    ]),
  );
}

export const seedCommands = <const T extends Table>(table: T) => variants('cmd', table, {}) as Commands<T>;
export const ourCommands = <const T extends Table>(table: T) => variants('cmd', table, { since: OURS }) as Commands<T>;
export const seedEvents = <const T extends Table>(table: T) => variants('event', table, {}) as Events<T>;
export const ourEvents = <const T extends Table>(table: T) => variants('event', table, { since: OURS }) as Events<T>;
