/** Meta: a JSON object kept with a workspace, tab, block or window, changed by JSON merge patches (RFC 7396). */
import { HoldfastError, invalid, limits } from '../../protocol/index.ts';
import type { Meta } from './state.ts';

/**
 * The result of `patch` on `meta`, or null when it changes nothing. Throws `invalid_argument` or `too_large` naming
 * `field`.
 */
export function patchMeta(meta: Meta, patch: unknown, field = 'meta_patch'): Meta | null {
  checkPatch(patch, field);
  const merged = mergePatch(meta, patch);
  if (sameJson(merged, meta)) return null;
  const bytes = jsonBytes(merged);
  if (bytes > limits.META_BYTES) {
    throw new HoldfastError(
      'too_large',
      `with this patch the meta would have ${bytes} bytes; it may have ${limits.META_BYTES}`,
      { field },
    );
  }
  return merged;
}

/** What a new thing's meta is: `null` is the seed's default. */
export function firstMeta(meta: unknown, field = 'meta'): Meta {
  if (meta === null || meta === undefined) return {};
  checkPatch(meta, field);
  return meta;
}

function checkPatch(patch: unknown, field: string): asserts patch is Meta {
  if (!isObject(patch)) throw invalid(field, `${field} is a JSON object`);
  if (deeperThan(patch, limits.META_DEPTH)) throw invalid(field, `${field} nests deeper than ${limits.META_DEPTH}`);
  const bytes = jsonBytes(patch);
  if (bytes > limits.META_PATCH_BYTES) {
    throw new HoldfastError('too_large', `${field} has ${bytes} bytes; at most ${limits.META_PATCH_BYTES} are taken`, {
      field,
    });
  }
}

/** RFC 7396 §2. A key such as `__proto__` is a key like any other: none is ever assigned to. */
function mergePatch(target: unknown, patch: Meta): Meta {
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, isObject(value) ? mergePatch(merged.get(key), value) : value);
  }
  return Object.fromEntries(merged);
}

/** Whether two JSON values are equal, whatever the order of their keys. Shared parts cost nothing. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameJson(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]));
}

function isObject(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => deeperThan(inner, depth - 1));
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
