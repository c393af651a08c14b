/** Reading what an agent shows and reports, and the words that go to it (DESIGN §7). Pure: time comes in as an argument. */
import type { AgentProfile, AgentStatus } from '../protocol/agent/index.ts';
import type { ShimState } from '../protocol/session/index.ts';
import type {
  ProfileReader,
  RecordingReader,
  Signal,
  SignalListener,
  SignalScanner,
  StatusBoard,
  StatusBoardOptions,
} from './contract.ts';

export type * from './contract.ts';

export declare function createSignalScanner(on: SignalListener): SignalScanner;

export declare function compileProfile(profile: AgentProfile): ProfileReader;

export declare function createStatusBoard(options?: StatusBoardOptions): StatusBoard;

/**
 * Puts a title, progress, prompt mark, OSC 7501 report or reset on the board, as far as the profile trusts it; the
 * other signals it leaves alone. Returns what is wrong with a report.
 */
export declare function applySignal(
  board: StatusBoard,
  reader: ProfileReader,
  signal: Signal,
  now: number,
): string | null;

/** Seed 3's state: `starting` until the agent proved that it is there. */
export declare function seedState(status: AgentStatus, proven: boolean): ShimState;

/** What is put into the agent's box: the sender's line first, unless `from` is empty. */
export declare function formatMessage(message: { from: string; body: string }): string;

/** No ESC, no C0 but `\n` and `\t`, no C1, no DEL; line ends as `\n`. */
export declare function sanitisePaste(text: string): string;

/** Terminal output as lines of text: sequences gone, carriage returns and backspaces carried out. At most `maximum` characters, the last. */
export declare function plainText(output: string, maximum?: number): string;

/** What an agent answered, from text that follows a submit: without the echo of `body`, input box, frames and footers. */
export declare function cleanResponse(reader: ProfileReader, text: string, body: string): string;

/** The profile `value` is, whole and checked. Throws `invalid_argument` whose field is `field` and the path below it. */
export declare function checkProfile(value: unknown, field: string): AgentProfile;

export declare function createRecordingReader(profile: AgentProfile, cli: string | null): RecordingReader;

/** By name: claude, codex, gemini, opencode, kiro, aider, generic, shell. */
export declare const BUILT_IN_PROFILES: readonly AgentProfile[];
