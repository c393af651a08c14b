/** The control socket's types (WIRES §1). The zod schemas are a door of their own, `schemas.ts`: only srv pays for them. */
export type * from './agents.ts';
export * from './messages.ts';
export * from './ndjson.ts';
export * from './registry.ts';
export * from './seed.ts';
export type * from './sessions.ts';
export type * from './vocabulary.ts';
export type * from './workspaces.ts';
