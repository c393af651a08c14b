/** What is said about agents on every wire: their status, profile, messages, requests and transcript. */
export * from './messages.ts';
export type * from './profile.ts';
export type * from './status.ts';
export type * from './supervision.ts';
export * from './transcript.ts';
