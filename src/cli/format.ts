import type { SessionRecord } from '../protocol/control/index.ts';
import { columnsOf, fit } from './columns.ts';

/** Aligned columns, two blanks apart; the last one is cut to fit `width`. */
export function table(rows: readonly (readonly string[])[], width?: number): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => columnsOf(row[at] ?? ''))));
  const padded = (cell: string, at: number): string => `${cell}${' '.repeat(widths[at]! - columnsOf(cell))}`;
  return rows.map((row) => {
    const text = row.map((cell, at) => (at === row.length - 1 ? cell : padded(cell, at))).join('  ');
    return width === undefined ? text : fit(text, width);
  });
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12s`, `5m`, `3h`, `2d`. */
export function age(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.round(ms / 1_000))}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 'B';
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** What became of a session, in a word or two. */
export function stateOf(record: SessionRecord): string {
  const { exit, state } = record;
  if (exit === null) return record.start_error === null ? state : 'start failed';
  const how = exit.signal ?? (exit.code === null ? (exit.cause ?? 'unknown') : String(exit.code));
  return state === 'lost' ? `lost (${exit.cause ?? how})` : `${state} (${how})`;
}

/** Control characters of a foreign text must not reach the terminal, nor those that show it in another order. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    if (char === '\n') return '\\n';
    const code = char.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}
