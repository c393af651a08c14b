/** A session's log and how it is served: used by the shim (live) and by srv (closed logs) alike. */
export { type ClosedScreens, type ClosedSession, ClosedSessionServer } from './archive.ts';
export { attachedStreams, attachStreams, readBacklog, resolveStart } from './attach.ts';
export { type ClosedFacts, type ClosedLogOptions, openClosedLog, readClosedFacts, sealLog } from './closed.ts';
export type * from './contract.ts';
export { FlowControl, type FlowReader } from './flow.ts';
export { acceptHello, expectHello, helloRequired } from './hello.ts';
export { SessionLog } from './log.ts';
export { QueryScanner, QueryStripper } from './queries.ts';
export { ReaderPump } from './serve.ts';
