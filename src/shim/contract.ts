/**
 * The shim's two halves meet here: `child/` owns the process and its descriptors, `session/` its log, readers and
 * socket. Neither imports the other; `main.ts` joins them.
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

/** How much of an input was taken by the kernel and when. */
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
  /** Name of the PTY's foreground process group leader's signal target: Signal goes to the foreground group of a PTY, to the child's group of a pipe session. */
  signal(signal: NodeJS.Signals): void;
  /** Releases descriptors. Does not signal anyone. */
  close(): void;
}
