/** Free-form JSON that workspaces, tabs, blocks and windows carry. */
import { z } from 'zod';
import { META_DEPTH, META_PATCH_BYTES } from '../../limits.ts';
import { OBJECT } from './fields.ts';

/** Any JSON object. */
export const json = z.record(z.string(), z.unknown(), OBJECT);

/** A merge patch (RFC 7396): null deletes a key. */
export const metaPatch = json
  .refine((patch) => !isDeeper(patch, META_DEPTH), { error: `is nested more than ${META_DEPTH} deep` })
  .refine((patch) => Buffer.byteLength(JSON.stringify(patch)) <= META_PATCH_BYTES, {
    error: `is too long; at most ${META_PATCH_BYTES} bytes are taken`,
    params: { code: 'too_large' },
  })
  .describe(`At most ${META_DEPTH} deep and ${META_PATCH_BYTES} bytes as JSON`);

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}
