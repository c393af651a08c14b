/**
 * What `src/agents/` offers, as interfaces: reading what an agent shows and reports, without clock, I/O or randomness.
 * Time comes in as ms since the Unix epoch.
 */
import type {
  AgentProfile,
  AgentReport,
  AgentStatus,
  AgentTask,
  Evidence,
  Explanation,
} from '../protocol/agent/index.ts';

/** A terminal signal in the output, found on the raw bytes, also split anywhere. */
export type Signal =
  /** OSC 0 or 2: at most 512 characters, no controls. */
  | { signal: 'title'; title: string }
  /** OSC 9;4: ConEmu's progress. `state` 0 none, 1 normal, 2 error, 3 indeterminate, 4 paused or warning. */
  | { signal: 'progress'; state: number; percent: number | null }
  /** OSC 133: A prompt starts, B it ends, C a command's output starts, D it ended (with its status). */
  | { signal: 'mark'; mark: 'A' | 'B' | 'C' | 'D'; status: number | null }
  /** OSC 7501: a report, its pairs as written; unchecked. */
  | { signal: 'program_status'; pairs: string }
  /** OSC 7501 `?`: to be answered once, by this, to the child. */
  | { signal: 'program_query'; answer: string }
  /** RIS: the terminal starts anew. */
  | { signal: 'reset' }
  | { signal: 'bell' };

/** On the byte path: costs next to nothing while the output has no ESC and no BEL. Bounded: a sequence over 4,096 bytes is dropped. */
export interface SignalScanner {
  push(bytes: Uint8Array): void;
}

/** What a rule may look at: the visible screen as text, trailing blanks cut. */
export interface ScreenView {
  readonly rows: number;
  readonly cols: number;
  readonly lines: readonly string[];
  /** 0-based. */
  readonly cursorRow: number;
  readonly cursorCol: number;
  readonly cursorVisible: boolean;
  readonly title: string;
  /** Whether the cells of a row from `from` on that are not blank are all drawn dim (SGR 2) or in bright black. */
  isDim(row: number, from: number): boolean;
}

export interface FoundDialog {
  rule: string;
  kind: 'trust' | 'auth' | 'permission' | 'question';
  text: string;
  choices: { id: string; label: string; meaning: 'allow' | 'allow_always' | 'deny' | null; keys: string }[];
  /** Equal for the same dialog on another screen: what it asks, not where it stands. */
  fingerprint: string;
}

export interface FoundBox {
  /** What a person or a paste has put in, without the placeholder; lines joined by `\n`. */
  text: string;
  row: number;
  /** A collapsed paste is shown in it. */
  collapsed: boolean;
}

export interface ScreenReading {
  /** At most one; none when no rule matches: then what rules said before is withdrawn (the screen says `unknown`). */
  evidence: Omit<Evidence, 'since' | 'seen' | 'until'> | null;
  settleMs: number;
  dialog: FoundDialog | null;
  box: FoundBox | null;
  /** A rule said to change nothing. */
  skipped: boolean;
  tried: Explanation['rules'];
}

/** A profile made ready for use. Its patterns were checked when the profile was. */
export interface ProfileReader {
  readonly profile: AgentProfile;
  screen(view: ScreenView): ScreenReading;
  title(title: string): Omit<Evidence, 'since' | 'seen' | 'until'> | null;
  report(report: AgentReport): ReportReading;
  /** Whether the end of `body` (or a collapsed paste) stands in the box. */
  echoed(reading: ScreenReading, body: string): boolean;
}

export interface ReportReading {
  evidence: Omit<Evidence, 'since' | 'seen'> | null;
  turn: 'started' | 'ended' | 'failed' | null;
  response: string | null;
  conversationId: string | null;
  transcriptPath: string | null;
  text: string | null;
}

/** The evidence of one agent and the status it makes. */
export interface StatusBoard {
  /** Adds or confirms a piece; `since` is kept when it says the same as before. */
  add(evidence: Omit<Evidence, 'since' | 'seen'>, now: number): void;
  withdraw(source: Evidence['source'], rule?: string): void;
  /** The OSC 7501 records. Bad reports change nothing and return what is wrong with them. */
  programStatus(pairs: string, now: number): string | null;
  /** RIS: all records go. A shell prompt or the process's exit: `working` and `blocked` ones go. */
  programReset(kind: 'reset' | 'prompt' | 'exit'): void;
  /** `input`: a person answered or typed; evidence of attention from signals that cannot notice it is now in doubt. */
  status(now: number): AgentStatus;
  tasks(): AgentTask[];
  /** When the status may change by time alone (a lease ends, a rule settles), ms since the Unix epoch; null: never. */
  nextChange(now: number): number | null;
  explain(now: number): Pick<Explanation, 'status' | 'evidence'>;
}
