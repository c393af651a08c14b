/** The input side of a session: who may write, and what waits to be written. */
export { Lease, type LeaseChange, type LeaseClient, type LeaseGrant } from './lease.ts';
export { InputQueue, stdinClosed } from './queue.ts';
