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

/** Called for each signal, in their order, while `push` runs. */
export type SignalListener = (signal: Signal) => void;

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

/** A piece of evidence before a board dates it. */
export type Finding = Omit<Evidence, 'since' | 'seen'>;

/** A profile made ready for use. Its patterns were checked when the profile was. */
export interface ProfileReader {
  readonly profile: AgentProfile;
  /** `isLate` is asked before each pattern: once it says so the rest is not tried, and nothing counts as found. */
  screen(view: ScreenView, isLate?: () => boolean): ScreenReading;
  title(title: string): Omit<Evidence, 'since' | 'seen' | 'until'> | null;
  /** OSC 9;4 and OSC 133, where the profile says that they mean something. `undefined`: says nothing, changes nothing. */
  terminal(signal: Signal): Finding | null | undefined;
  report(report: AgentReport): ReportReading;
  /** Whether the end of `body` (or a collapsed paste) stands in the box. */
  echoed(reading: ScreenReading, body: string): boolean;
}

export interface ReportReading {
  evidence: Omit<Evidence, 'since' | 'seen'> | null;
  turn: 'started' | 'ended' | 'failed' | 'stopped' | null;
  response: string | null;
  conversationId: string | null;
  transcriptPath: string | null;
  text: string | null;
  /** As the agent told it, unchecked. */
  usage: unknown;
}

export interface StatusBoardOptions {
  /** Pieces below this confidence are shown and decide nothing; 0.5 unless given. */
  minimumConfidence?: number;
}

/** The evidence of one agent and the status it makes. Whoever changes it asks `status` afterwards. */
export interface StatusBoard {
  /**
   * Adds or confirms a piece; `since` is kept when it says the same as before. Pieces of one channel replace each other:
   * a hook the older hooks on the axes it speaks of, a screen rule the screen rule before it, a title the title before it.
   * `settleMs`: how long it must hold before it counts; until then what it replaces still does.
   */
  add(evidence: Finding, now: number, settleMs?: number): void;
  /** What the rules made of the screen: nothing changes when it was skipped, nothing found withdraws what was. */
  screen(reading: Pick<ScreenReading, 'evidence' | 'settleMs' | 'skipped'>, now: number): void;
  /** `rule`: its id, or the family before the first dot (`title`, `progress`, `mark`). */
  withdraw(source: Evidence['source'], rule?: string): void;
  /** The OSC 7501 records. Bad reports change nothing and return what is wrong with them. */
  programStatus(pairs: string, now: number): string | null;
  /** RIS: all records go. A shell prompt or the process's exit: `working` and `blocked` ones go. */
  programReset(kind: 'reset' | 'prompt' | 'exit'): void;
  /** A person typed or answered: attention told by hooks and titles before, which nobody takes back, is in doubt from now on. */
  input(now: number): void;
  /** A turn was interrupted: work told by hooks before, whose end no hook may tell, is in doubt from now on. */
  interrupted(now: number): void;
  status(now: number): AgentStatus;
  tasks(): AgentTask[];
  /** When the status may change by time alone (a lease ends, a rule settles), ms since the Unix epoch; null: never. */
  nextChange(now: number): number | null;
  explain(now: number): Pick<Explanation, 'status' | 'evidence'>;
}

/**
 * A recording read as a live agent's output is: signals from its bytes, rules on the screens that an emulator makes of
 * them. Time is the recording's.
 */
export interface RecordingReader {
  /** Bytes of the recording, read at `at`. */
  output(bytes: Uint8Array, at: number): void;
  /** The screen after the bytes pushed last. */
  screen(view: ScreenView, at: number): ScreenReading;
  explain(at: number): Explanation;
}
