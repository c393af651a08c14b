/**
 * The shim's two halves meet here: `child/` owns the process and its descriptors, `session/` its log, readers and
 * socket. Neither imports the other; `main.ts` joins them.
 */
import type { ExitStatus, ProcessIdentity } from '../process/index.ts';
import type { LaunchSpec } from '../protocol/launch/index.ts';
import type { HolderFact, StreamId, TerminationOutcome } from '../protocol/session/index.ts';

export type { ExitStatus, ProcessIdentity };

export interface ChildHandlers {
  /** The receiver owns `bytes` and may keep it. Called at most with 1 MiB per turn and stream. */
  output(stream: StreamId, bytes: Buffer): void;
  /** After the last `output` of the stream. */
  eof(stream: StreamId): void;
  /** The wait status, at once; output may still follow. */
  exit(status: ExitStatus): void;
}

/** How much of an input was taken by the kernel and when. */
export type WriteOutcome = 'written' | 'closed';

export interface Child extends ProcessIdentity {
  /** Stops reading the child's output (its writes then block); what is already read is still delivered. */
  pauseOutput(): void;
  resumeOutput(): void;
  /** Reads what is there right now without waiting; used after exit while others hold the stream. */
  drainOutput(): void;
  /** Resolves when the kernel took every byte. In order; the caller bounds what it queues. */
  write(bytes: Buffer): Promise<WriteOutcome>;
  /** After everything written before: EOF for pipes; for a PTY the terminal's VEOF character. */
  closeStdin(): Promise<void>;
  resize(rows: number, cols: number): void;
  /** Name of the PTY's foreground process group leader's signal target: Signal goes to the foreground group of a PTY, to the child's group of a pipe session. */
  signal(signal: NodeJS.Signals): void;
  /** Releases descriptors. Does not signal anyone. */
  close(): void;
}

/** Starts the child after the checks of DESIGN §6 "Start"; throws `start_failed` with details.exit_status 125–127. */
export type StartChild = (spec: LaunchSpec, handlers: ChildHandlers) => Child;

/** Every process of a session: by group, session, environment mark and descent. */
export interface ProcessTree {
  readonly containment: 'tree' | 'marked';
  /** Live members, zombies not among them; `child` included while it lives. */
  members(): HolderFact[];
  /** Members that still hold one of the child's output streams. */
  holders(): HolderFact[];
  /**
   * Soft signal, then hard after `graceMs` on whatever of the whole tree is left, re-scanned until nothing is left or
   * a bound is reached. A second call may only shorten the grace. Resolves with what could not be ended.
   */
  terminate(graceMs: number): Promise<HolderFact[]>;
  /** From the signals actually sent and the wait status, never from timing. */
  outcome(status: ExitStatus): TerminationOutcome;
}
