/** A session's log and how it is served: used by the shim (live) and by srv (closed logs) alike. */
export {
  type ClosedScreens,
  type ClosedSession,
  ClosedSessionServer,
  type ClosedSessionServerOptions,
} from './archive.ts';
export { attachedStreams, attachStreams, type Backlog, readBacklog, resolveStart } from './attach.ts';
export { type ClosedFacts, type ClosedLogOptions, openClosedLog, readClosedFacts, sealLog } from './closed.ts';
export type * from './contract.ts';
export { FlowControl, type FlowControlOptions, type FlowReader, type LosslessReader } from './flow.ts';
export { acceptHello, expectHello, helloRequired } from './hello.ts';
export { type LogMetrics, SessionLog, type SessionLogOptions } from './log.ts';
export { QueryStripper } from './queries.ts';
export type { Mark } from './record.ts';
export type { SegmentFs } from './segment.ts';
export { type FrameSink, ReaderPump, type ReaderPumpOptions } from './serve.ts';
