/** Fields that commands on sessions and on agents share. */
import { z } from 'zod';
import { ARGUMENT_BYTES, NAME_BYTES } from '../../limits.ts';
import { NO_NUL, text, withoutNul } from './fields.ts';

export const selector = text(1, NAME_BYTES).describe('Id, unique prefix of an id, or name');

export const tooLarge = (most: number) => ({
  error: `is too long; at most ${most} bytes are taken`,
  params: { code: 'too_large' },
});

export const argument = z
  .string({ error: 'must be a string' })
  .refine(withoutNul, NO_NUL)
  .refine((value) => Buffer.byteLength(value) <= ARGUMENT_BYTES, tooLarge(ARGUMENT_BYTES));
