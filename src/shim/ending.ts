/**
 * How a session ends (DESIGN §6 "End", "Termination"): child exit, EOF of each stream, end – and what happens when
 * other processes keep the streams open.
 */
import type { ExitFact, HolderFact, StreamId } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { ProcessTree } from '../process/index.ts';
import type { Child, ExitStatus } from './contract.ts';

/** After the exit the last bytes may still be on their way; who holds a stream after this long is named. */
const DRAIN_MS = 50;
/** How long a stream may take to close once everything that could hold it was ended. */
const CLOSE_MS = 1_000;

export interface EndingHandlers {
  exited(exit: ExitFact): void;
  /** `holders` of this have been found. */
  heldBy(): void;
  eof(stream: StreamId): void;
  /** Once: nothing more will come from the child. */
  finished(cause: 'child' | 'terminated', survivors: HolderFact[]): void;
  warn(message: string): void;
}

export interface EndingOptions {
  clock: Clock;
  child: () => Child;
  tree: () => ProcessTree;
  streams: readonly StreamId[];
  /** Ms the session stays `exited` while others hold its output; null: until the last EOF. */
  lingerMs: number | null;
  handlers: EndingHandlers;
}

export class Ending {
  readonly #options: EndingOptions;
  readonly #open: Set<StreamId>;
  #exit: ExitFact | null = null;
  #holders: HolderFact[] = [];
  #terminations = 0;
  #finished = false;
  #cancelTimer: () => void = () => {};

  constructor(options: EndingOptions) {
    this.#options = options;
    this.#open = new Set(options.streams);
  }

  get exit(): ExitFact | null {
    return this.#exit;
  }

  get holders(): HolderFact[] {
    return this.#holders;
  }

  get state(): 'running' | 'exited' | 'ended' {
    if (this.#finished) return 'ended';
    return this.#exit === null ? 'running' : 'exited';
  }

  childExited(status: ExitStatus): void {
    if (this.#exit !== null) return;
    const { clock, child, tree, handlers } = this.#options;
    tree().childExited();
    this.#exit = { code: status.code, signal: status.signal, outcome: tree().outcome(status), at_ms: clock.now() };
    handlers.exited(this.#exit);
    if (this.#finishIfClosed()) return;
    child().drainOutput();
    if (!this.#finished) this.#cancelTimer = clock.after(DRAIN_MS, () => this.#drained());
  }

  streamEnded(stream: StreamId): void {
    if (!this.#open.delete(stream)) return;
    this.#options.handlers.eof(stream);
    this.#finishIfClosed();
  }

  /** No EOF will be read any more: the reading was stopped for good. */
  readingStopped(): void {
    for (const stream of this.#open) this.streamEnded(stream);
  }

  /** Soft, then hard on the whole tree; a second call may only shorten the grace. */
  terminate(graceMs: number): void {
    if (this.#finished) return;
    this.#terminations++;
    this.#options
      .tree()
      .terminate(graceMs)
      .then(
        (survivors) => this.#treeEnded(survivors),
        (error: Error) => this.#options.handlers.warn(`ending the session's processes failed: ${error.message}`),
      );
  }

  #treeEnded(survivors: HolderFact[]): void {
    if (--this.#terminations > 0 || this.#finished) return;
    const { clock, child, tree, handlers } = this.#options;
    if (this.#exit === null && survivors.some(({ pid }) => pid === child().pid)) {
      handlers.warn(`process ${child().pid} did not end although it was killed; it may hang in the kernel`);
      return;
    }
    this.#cancelTimer();
    // The wait status and the last EOF arrive a moment after the last process is gone.
    this.#cancelTimer = clock.after(CLOSE_MS, () => {
      if (this.#exit === null) return;
      child().drainOutput();
      this.#finish(mergeHolders(survivors, tree().holders()));
    });
  }

  #drained(): void {
    const { clock, child, tree, handlers, lingerMs } = this.#options;
    child().drainOutput();
    if (this.#finished) return;
    this.#holders = tree().holders();
    // Nobody: the stream's end was not read yet, as when a reader holds the reading up.
    if (this.#holders.length > 0) handlers.heldBy();
    if (lingerMs !== null) this.#cancelTimer = clock.after(lingerMs, () => this.#lingered());
  }

  #lingered(): void {
    this.#options.child().drainOutput();
    if (!this.#finished) this.#finish(this.#options.tree().holders());
  }

  #finishIfClosed(): boolean {
    if (this.#exit === null || this.#open.size > 0) return false;
    this.#finish([]);
    return true;
  }

  #finish(survivors: HolderFact[]): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#cancelTimer();
    this.#holders = survivors;
    this.#options.handlers.finished(this.#exit?.outcome === 'natural_exit' ? 'child' : 'terminated', survivors);
  }
}

function mergeHolders(first: HolderFact[], second: HolderFact[]): HolderFact[] {
  const known = new Set(first.map(({ pid, start_time }) => `${pid}.${start_time}`));
  return [...first, ...second.filter(({ pid, start_time }) => !known.has(`${pid}.${start_time}`))];
}
