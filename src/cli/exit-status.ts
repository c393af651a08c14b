import { constants } from 'node:os';
import type { SessionRecord } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';

/** The child's own exit status as a shell says it: 128 + n for signal n. */
export function statusOf(exit: { code: number | null; signal: string | null }): number {
  if (exit.code !== null) return exit.code;
  const number = exit.signal === null ? undefined : constants.signals[exit.signal as NodeJS.Signals];
  return number === undefined ? 125 : 128 + number;
}

/** Throws where there is no status: the start failed, or the session was lost with its child's. */
export function childStatus(record: SessionRecord): number {
  if (record.start_error !== null) throw HoldfastError.fromWire(record.start_error);
  const { exit } = record;
  if (exit === null || (exit.code === null && exit.signal === null)) {
    throw new HoldfastError(
      'shim_lost',
      `session ${record.id} ended without an exit status (${exit?.cause ?? record.state})`,
    );
  }
  return statusOf(exit);
}
