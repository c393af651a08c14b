/** Everything that crosses a process boundary: errors, limits and the wires. Imports nothing of ours. */
export * from './errors.ts';
export * as limits from './limits.ts';
export { isUlid, ULID_ALPHABET, ulidTime } from './ulid.ts';
