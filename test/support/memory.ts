/** Memory of a process that nobody else shares: what it costs the machine. */
import { readFileSync } from 'node:fs';

/** Unique set size in bytes: private pages, clean and dirty (proc(5), smaps_rollup). */
export function uniqueSetBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
  return kib * 1024;
}
