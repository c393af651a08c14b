/** What the kernel says of our processes: memory, CPU time, context switches. */
import { readdirSync, readFileSync } from 'node:fs';

/** KiB → MiB of memory no other process shares (proc(5), smaps_rollup). */
export function uniqueMiB(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  let kib = 0;
  for (const match of rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)) kib += Number(match[1]);
  return kib / 1024;
}

export interface Activity {
  /** Clock ticks of user and system time, all threads. */
  cpuTicks: number;
  /** Voluntary and involuntary context switches, all threads. */
  switches: number;
}

export function activityOf(pids: readonly number[]): Activity {
  const sum: Activity = { cpuTicks: 0, switches: 0 };
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    sum.cpuTicks += Number(fields[11]) + Number(fields[12]);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
      for (const match of status.matchAll(/ctxt_switches:\s+(\d+)/g)) sum.switches += Number(match[1]);
    }
  }
  return sum;
}
