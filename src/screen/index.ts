/** The screen of a session and the answers to its program's terminal queries (DESIGN §6 "Screen"), live or closed. */
export { widthOf } from './character-width.ts';
export { drawClosed } from './closed.ts';
export type { Emulator } from './emulator.ts';
export type { Mirror } from './mirror.ts';
export { openEmulator } from './replay.ts';
export { ScreenService } from './service.ts';
