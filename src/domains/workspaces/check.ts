/** What new things may be called, and how many there may be. Everything refused here names its field. */
import { HoldfastError, invalid, limits } from '../../protocol/index.ts';

/** The id a client gave, if it is free among all of its kind, or a fresh one. */
export function newId(
  taken: ReadonlyMap<string, unknown>,
  field: 'workspace_id' | 'tab_id' | 'block_id',
  given: string | undefined,
  fresh: () => string,
): string {
  if (given === undefined) return fresh();
  checkId(field, given);
  if (!taken.has(given)) return given;
  throw new HoldfastError('conflict', `the ${field} "${given}" is taken; choose another or leave it out`, { field });
}

export function checkId(field: string, id: string): void {
  if (id === '') throw invalid(field, `${field} is not empty`);
  if (Buffer.byteLength(id) > limits.NAME_BYTES) {
    throw invalid(field, `${field} has at most ${limits.NAME_BYTES} bytes`);
  }
  if (/\p{Cc}/u.test(id)) throw invalid(field, `${field} holds no control characters`);
}

/** Empty only where a default stands in for it. */
export function checkName(name: string, fallback?: string): string {
  if (name === '' && fallback !== undefined) return fallback;
  checkId('name', name);
  return name;
}

export function checkRoom(what: string, field: string, count: number, limit: number): void {
  if (count < limit) return;
  throw new HoldfastError('conflict', `there are ${count} ${what}, which is the limit: delete one first`, {
    field,
    details: { limit },
  });
}
