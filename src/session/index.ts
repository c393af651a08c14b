/** A session's log and how it is served: used by the shim (live) and by srv (closed logs) alike. */
export type * from './contract.ts';
export { type LogMetrics, SessionLog, type SessionLogOptions } from './log.ts';
export type { Mark } from './record.ts';
export type { SegmentFs } from './segment.ts';
