/** Reading what an agent shows and reports, and the words that go to it (DESIGN §7). Pure: time comes in as an argument. */
export type * from './contract.ts';
export { applySignal } from './apply-signal.ts';
export { createStatusBoard } from './board.ts';
export { checkProfile } from './check.ts';
export { formatMessage, sanitisePaste } from './messages.ts';
export { BUILT_IN_PROFILES } from './profiles/index.ts';
export { compileProfile } from './reader.ts';
export { createRecordingReader } from './recording.ts';
export { cleanResponse, saysStopped } from './response.ts';
export { seedState } from './seed-state.ts';
export { createSignalScanner } from './signals.ts';
