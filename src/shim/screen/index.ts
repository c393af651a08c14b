/** The screen of a session and the answers to its program's terminal queries (DESIGN §6 "Screen"). */
export { QueryScanner } from './query-scanner.ts';
export { ScreenService } from './service.ts';
