/** Readers of one field each, for hand-written checks: the shim cannot afford a schema library. */
import { invalid } from '../errors.ts';
import { TERMINAL_AREA_CELLS, TERMINAL_SIDE_CELLS } from '../limits.ts';
import type { LeaseTicket, StreamId } from './messages.ts';

export type Fields = Record<string, unknown>;

/** Checks one value; `field` is its path, named in the error. */
export type Read<T> = (value: unknown, field: string) => T;

/** Longest duration a timer takes (setTimeout: 2^31 - 1 ms). */
export const DURATION_MS = 0x7fff_ffff;
export const U32 = 0xffff_ffff;

const DEPTH = 64;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function integer(low: number, high: number): Read<number> {
  return (value, field) => {
    if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) return value as number;
    throw invalid(field, `${field} must be a whole number from ${low} to ${high}`);
  };
}

export function text(leastBytes: number, mostBytes: number): Read<string> {
  return (value, field) => {
    if (typeof value !== 'string') throw invalid(field, `${field} must be a string`);
    // A string has at most 3 bytes per code unit, so most need no count.
    if (value.length < leastBytes || (value.length * 3 > mostBytes && Buffer.byteLength(value) > mostBytes)) {
      throw invalid(field, `${field} must have ${leastBytes} to ${mostBytes} bytes`);
    }
    return value;
  };
}

export function oneOf<T extends string>(...names: T[]): Read<T> {
  return (value, field) => {
    if (names.includes(value as T)) return value as T;
    throw invalid(field, `${field} must be one of ${names.join(', ')}`);
  };
}

export function object(value: unknown, field: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid(field, `${field} must be an object`);
}

/** An object that may be stored and sent on: serialising a deeper one could exhaust the stack. */
export function shallowObject(value: unknown, field: string): Fields {
  if (depthWithin(value, DEPTH)) return object(value, field);
  throw invalid(field, `${field} is nested deeper than ${DEPTH}`);
}

function depthWithin(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((child) => depthWithin(child, left - 1));
}

export function flag(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(field, `${field} must be true or false`);
}

export function stream(value: unknown, field: string): StreamId {
  if (value === 0 || value === 1 || value === 2) return value;
  throw invalid(field, `${field} must be 0 (stdin), 1 (stdout or PTY) or 2 (stderr)`);
}

export function streams(value: unknown, field: string): StreamId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 3) {
    throw invalid(field, `${field} must be a list of 1 to 3 stream numbers`);
  }
  const list = value.map((entry, index) => stream(entry, `${field}[${index}]`));
  if (new Set(list).size < list.length) throw invalid(field, `${field} names a stream twice`);
  return list;
}

export function protocolRange(value: unknown, field: string): [number, number] {
  if (!Array.isArray(value) || value.length !== 2) throw invalid(field, `${field} must be [lowest, highest]`);
  const low = integer(1, U32)(value[0], `${field}[0]`);
  const high = integer(1, U32)(value[1], `${field}[1]`);
  if (low > high) throw invalid(field, `${field} must be [lowest, highest], not [${low}, ${high}]`);
  return [low, high];
}

export function leaseTicket(value: unknown, field: string): LeaseTicket {
  const ticket = object(value, field);
  return {
    epoch: integer(0, U32)(ticket['epoch'], `${field}.epoch`),
    secret: text(1, 128)(ticket['secret'], `${field}.secret`),
  };
}

export function base64(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length % 4 === 0 && BASE64.test(value)) return value;
  throw invalid(field, `${field} must be base64 with padding`);
}

const side = integer(1, TERMINAL_SIDE_CELLS);

/** Both sides of a terminal and its area. */
export function terminalSize(rows: unknown, cols: unknown): { rows: number; cols: number } {
  const size = { rows: side(rows, 'rows'), cols: side(cols, 'cols') };
  if (size.rows * size.cols <= TERMINAL_AREA_CELLS) return size;
  throw invalid('rows', `rows × cols must be at most ${TERMINAL_AREA_CELLS} cells`);
}

/** A required field. */
export function required<T>(fields: Fields, name: string, read: Read<T>, path = name): T {
  const value = fields[name];
  if (value === undefined || value === null) throw invalid(path, `${path} is missing`);
  return read(value, path);
}

/** `{}` when the field is missing or null, else the field: spread into the result. */
export function optional<N extends string, T>(
  fields: Fields,
  name: N,
  read: Read<T>,
  path: string = name,
): { [K in N]?: T } {
  const value = fields[name];
  if (value === undefined || value === null) return {};
  return { [name]: read(value, path) } as { [K in N]?: T };
}
