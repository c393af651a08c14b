/** What is said about agents on every wire: their status, profile, messages, requests and transcript. Types only. */
export type * from './messages.ts';
export type * from './profile.ts';
export type * from './status.ts';
export type * from './supervision.ts';
export type * from './transcript.ts';
