/**
 * Who has a pipe or a terminal open: what keeps an output stream from its end.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessRow, ProcessTable } from './table.ts';

/** The child's side of an output stream. */
export interface OutputEnd {
  /** What readlink shows for a descriptor of it in /proc/PID/fd: `/dev/pts/3`, `pipe:[4711]`, a FIFO's path. */
  link: string;
  /** Device number of the terminal, 0 for a pipe: finds those that have it open as /dev/tty. */
  tty: number;
}

const ACCESS_MODE = 0o3;
const READ_ONLY = 0;

/** Live processes, this one excepted, that have one of `ends` open for writing. Empty without /proc. */
export function holdersOf(ends: readonly OutputEnd[], table: ProcessTable): ProcessRow[] {
  if (ends.length === 0 || process.platform !== 'linux') return [];
  return table.list().filter((row) => row.pid !== process.pid && !row.gone && holds(row, ends));
}

function holds(row: ProcessRow, ends: readonly OutputEnd[]): boolean {
  for (const fd of openDescriptors(row.pid)) {
    const link = linkOf(row.pid, fd);
    for (const end of ends) {
      const matches = link === end.link || (end.tty !== 0 && row.tty === end.tty && link === '/dev/tty');
      if (matches && isWritable(row.pid, fd)) return true;
    }
  }
  return false;
}

function openDescriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    // Gone, or another user's: nothing can be said about it.
    return [];
  }
}

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

/** A terminal's descriptor keeps the stream open however it was opened; only a pipe's reader does not. */
function isWritable(pid: number, fd: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'));
    return flags === null || (Number.parseInt(flags[1]!, 8) & ACCESS_MODE) !== READ_ONLY;
  } catch {
    // Closed meanwhile.
    return false;
  }
}
