/** What fields of the control socket are made of. An error says what the value must be; the path comes before it. */
import { z } from 'zod';
import { NAME_BYTES } from '../../limits.ts';

/** Protocol number that introduced a field or variant: 0 is the seed's, which carries no mark. */
export const OURS = 1;

/** Marks what the seed does not have: a seed connection never sees it. */
export function ours<T extends z.ZodType>(schema: T): T {
  return schema.meta({ since: OURS });
}

/** Marks an optional field that the seed does not let out. */
export function neededBySeed<T extends z.ZodType>(schema: T): T {
  return schema.meta({ needed_by_seed: true });
}

export const text = (least: number, most: number) =>
  z
    .string({ error: 'must be a string' })
    .refine((value) => value.length >= least && Buffer.byteLength(value) <= most, {
      error: `must have ${least} to ${most} bytes`,
    })
    .meta({ minLength: least, maxLength: most });

export const whole = (low: number, high: number) => {
  const error = `must be a whole number from ${low} to ${high}`;
  return z.int({ error }).min(low, { error }).max(high, { error });
};

export const OBJECT = { error: 'must be an object' };

export const flag = z.boolean({ error: 'must be true or false' });

export const choice = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, { error: `must be one of ${names.join(', ')}` });

export const list = <T extends z.ZodType>(item: T, most?: number) => {
  const items = z.array(item, { error: 'must be a list' });
  return most === undefined ? items : items.max(most, { error: `must name at most ${most}` });
};

export const withoutControls = (value: string): boolean => !/\p{Cc}/u.test(value);
export const NO_CONTROLS = { error: 'must not contain control characters' };
export const withoutNul = (value: string): boolean => !value.includes('\0');
export const NO_NUL = { error: 'must not contain a NUL' };

/** A u64 of the seed, as far as JSON carries it exactly. */
export const u53 = whole(0, Number.MAX_SAFE_INTEGER);
export const u32 = whole(0, 0xffff_ffff);
export const i32 = whole(-0x8000_0000, 0x7fff_ffff);

export const id = text(1, NAME_BYTES)
  .refine(withoutControls, NO_CONTROLS)
  .describe('Names a thing; no control characters. Given by the client or made by srv');
export const idOrNone = text(0, NAME_BYTES).refine(withoutControls, NO_CONTROLS).describe('As Id; "" says none');
export const title = text(0, NAME_BYTES)
  .refine(withoutControls, NO_CONTROLS)
  .describe('A name people gave; no control characters');
export const correlationId = text(0, NAME_BYTES).describe(
  'Comes back in the events, so that an optimistic editor knows its own change',
);
