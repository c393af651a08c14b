/** The event log in SQLite and what belongs to its files; loads native code, so only composition roots import it. */
export { acquireLock, type HeldLock } from './lock.ts';
export { SqliteLog } from './log.ts';
export type { StoreLimits } from './messages.ts';
export { inspectLog, type SalvageReport, salvage } from './salvage.ts';
