/**
 * Who a pid is. A pid may be reused at any time; (pid, start time) within one boot may not.
 */
import { type ProcessIdentity, type ProcessTable, systemTable } from './table.ts';

/** Undefined when there is no such process or it is a zombie: a zombie counts as gone. */
export function processIdentity(pid: number, table: ProcessTable = systemTable): ProcessIdentity | undefined {
  const row = table.read(pid);
  return row === undefined || row.gone ? undefined : { pid: row.pid, start_time: row.start_time };
}

/** Whether exactly this process still runs. */
export function isAlive(identity: ProcessIdentity, table: ProcessTable = systemTable): boolean {
  return processIdentity(identity.pid, table)?.start_time === identity.start_time;
}

/**
 * Signals exactly this process: its start time is read again right before. False when it is gone or not ours to
 * signal (EPERM: it changed its user).
 */
export function signalIdentity(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  table: ProcessTable = systemTable,
): boolean {
  if (!isAlive(identity, table)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    // Ended between the look and the call, or EPERM: either way it was not signalled.
    return false;
  }
}

export function bootId(table: ProcessTable = systemTable): string {
  return table.bootId();
}
