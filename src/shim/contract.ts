/**
 * The shim's two halves meet here: `child/` owns the process and its descriptors, `session.ts` and what it uses the log,
 * the readers and the socket. Neither imports the other; `main.ts` joins them.
 */
import type { ExitStatus, ProcessIdentity } from '../process/index.ts';
import type { StreamId } from '../protocol/session/index.ts';

export type { ExitStatus, ProcessIdentity };

export interface ChildHandlers {
  /** The receiver owns `bytes` and may keep it. Called at most with 1 MiB per turn and stream. */
  output(stream: StreamId, bytes: Buffer): void;
  /** After the last `output` of the stream. */
  eof(stream: StreamId): void;
  /** The wait status, at once; output may still follow. */
  exit(status: ExitStatus): void;
}

/** Whether the kernel took an input whole, or the child's input is closed. */
export type WriteOutcome = 'written' | 'closed';

export interface Child extends ProcessIdentity {
  /** Stops reading the child's output (its writes then block); what is already read is still delivered. */
  pauseOutput(): void;
  resumeOutput(): void;
  /** Reads what is there right now without waiting; used after exit while others hold the stream. */
  drainOutput(): void;
  /** How many of `bytes` the kernel takes at once, from the front; 0 also while earlier ones wait. */
  writeNow(bytes: Buffer): number;
  /** Resolves when the kernel took every byte. In order; the caller bounds what it queues. */
  write(bytes: Buffer): Promise<WriteOutcome>;
  /** After everything written before: EOF for pipes; for a PTY the terminal's VEOF character. */
  closeStdin(): Promise<void>;
  resize(rows: number, cols: number): void;
  /** To the foreground process group of the terminal, or to the child's group on pipes. Throws `session_exited`. */
  signal(signal: NodeJS.Signals): void;
  /** Releases descriptors. Does not signal anyone. */
  close(): void;
}
