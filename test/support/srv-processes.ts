/** srv processes of a home as the system sees them, also those that do not serve yet. */
import { type ProcessIdentity, systemTable } from '../../src/process/index.ts';

export function srvProcesses(home: string): ProcessIdentity[] {
  return systemTable
    .list()
    .filter((row) => !row.gone)
    .filter((row) => systemTable.command(row).includes(`--process=srv --home ${home}`))
    .map(({ pid, start_time }) => ({ pid, start_time }));
}
