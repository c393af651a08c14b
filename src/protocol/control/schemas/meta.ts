/** Free-form JSON that workspaces, tabs, blocks and windows carry. */
import { z } from 'zod';
import { OBJECT } from './fields.ts';
import { META_DEPTH, META_PATCH_BYTES } from '../../limits.ts';

const FORBIDDEN_KEY = '__proto__';

export interface JsonFault {
  path: PropertyKey[];
  message: string;
}

/** The first thing inside a value that no state may hold: a `__proto__` key, or a level below `depth`. */
export function jsonFault(value: unknown, depth: number, path: PropertyKey[] = []): JsonFault | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return { path, message: 'is nested too deep' };
  for (const key of Object.keys(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    if (key === FORBIDDEN_KEY) return { path: [...path, key], message: 'is no key to use' };
    const fault = jsonFault((value as Record<string, unknown>)[key], depth - 1, [...path, step]);
    if (fault !== null) return fault;
  }
  return null;
}

/** Any JSON object. */
export const json = z.record(z.string(), z.unknown(), OBJECT);

/** A merge patch (RFC 7396): null deletes a key. */
export const metaPatch = json.check((context) => {
  const fault = jsonFault(context.value, META_DEPTH);
  if (fault !== null) {
    context.issues.push({ code: 'custom', input: context.value, path: fault.path, message: fault.message });
  } else if (Buffer.byteLength(JSON.stringify(context.value)) > META_PATCH_BYTES) {
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: `is too long; at most ${META_PATCH_BYTES} bytes are taken`,
      params: { code: 'too_large' },
    });
  }
});
