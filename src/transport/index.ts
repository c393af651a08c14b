/** Sockets and what travels on them: unix or in memory, frames or lines. */
export * from './contract.ts';
export { type ConnectionHandlers, type ConnectionOptions } from './connection.ts';
export { FrameConnection, type FrameHandlers } from './frame-connection.ts';
export { LineConnection, type LineHandlers, type LineOptions } from './line-connection.ts';
export { memoryPair, memoryTransport, type MemoryOptions, type MemoryPair, type Side } from './memory.ts';
export { connectUnix, listenUnix, type ConnectOptions, type ListenOptions } from './unix.ts';
