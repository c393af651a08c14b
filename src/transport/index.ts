/** Sockets and what travels on them: unix or in memory, frames or lines. */
export type { Listener } from './contract.ts';
export { FrameConnection } from './frame-connection.ts';
export { LineConnection } from './line-connection.ts';
export { memoryPair, memoryTransport } from './memory.ts';
export { connectUnix, listenUnix, openUnix } from './unix.ts';
export { Slab } from './slab.ts';
