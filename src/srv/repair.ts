/** `doctor --repair`: what is whole of a damaged event log goes into a fresh one, before any srv opens it again. */
import { existsSync } from 'node:fs';
import { acquireLock, inspectLog, type SalvageReport, salvage } from '../kernel/sqlite/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import type { Clock, Ids } from '../runtime/index.ts';
import { prepareHome } from './home.ts';

/** `repaired` false: there was nothing to repair. */
export type RepairReport =
  | { ok: true; home: string; repaired: false }
  | ({ ok: true; home: string; repaired: true } & SalvageReport);

/** Throws `conflict` while a srv holds the home, and what `prepareHome` and `salvage` throw. */
export function repairHome(home: string, { clock, ids }: { clock: Clock; ids: Ids }): RepairReport {
  const { paths } = prepareHome(home, { newSecret: () => ids.secret() });
  const lock = acquireLock(paths.lock);
  if (lock === null) {
    throw new HoldfastError('conflict', `a srv holds ${home}; run "holdfast down" first (sessions run on)`, {
      field: 'HOLDFAST_HOME',
    });
  }
  try {
    if (!existsSync(paths.database) || inspectLog(paths.database) === null) return { ok: true, home, repaired: false };
    const stamp = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-');
    return { ok: true, home, repaired: true, ...salvage(paths.database, stamp) };
  } finally {
    lock.release();
  }
}
