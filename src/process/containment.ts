/**
 * Where the orphans of this process's descendants go. With PR_SET_CHILD_SUBREAPER (prctl(2)) they come here, so a
 * process cannot leave its session by outliving its parents. Needs a foreign function call: koffi, which is optional.
 */
import { readFileSync } from 'node:fs';
import type { LibC } from './libc.ts';
import { type ProcessTable, systemTable } from './table.ts';

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

export interface Containment {
  readonly kind: 'tree' | 'marked';
  /** This process's pid if it is a subreaper. */
  readonly reaper: number | undefined;
  /** Someone else waits for this direct child: its status is not taken away from them. To be called before the loop turns. */
  keep(pid: number): void;
  /** Stops collecting orphans; this process stays a subreaper until it ends. */
  close(): void;
}

export const markedOnly: Containment = { kind: 'marked', reaper: undefined, keep() {}, close() {} };

/** Makes this process a subreaper where `libc` can be called, and collects the orphans that end here. */
export function becomeSubreaper(libc: LibC | undefined, table: ProcessTable = systemTable): Containment {
  if (libc === undefined || libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) return markedOnly;
  const kept = new Set<number>();
  const collect = (): void => {
    for (const pid of ownChildren(table)) {
      if (!kept.has(pid) && table.read(pid)?.gone === true) libc.waitpid(pid, null, WNOHANG);
    }
  };
  process.on('SIGCHLD', collect);
  return {
    kind: 'tree',
    reaper: process.pid,
    keep: (pid) => void kept.add(pid),
    close: () => void process.off('SIGCHLD', collect),
  };
}

/** The kernel hands orphans to the subreaper's first thread, which is the process's own. */
function ownChildren(table: ProcessTable): number[] {
  try {
    const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1');
    return text.split(' ').map(Number).filter(Boolean);
  } catch {
    // A kernel without CONFIG_PROC_CHILDREN.
    return table
      .list()
      .filter((row) => row.ppid === process.pid)
      .map((row) => row.pid);
  }
}
