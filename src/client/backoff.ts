import { HoldfastError } from '../protocol/index.ts';
import type { Clock } from '../runtime/index.ts';

/** Throws the signal's reason as the caller gave it; the one place that decides what an abort looks like. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
}

/** Waits `ms`, or rejects with the signal's reason. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(abortReason(signal!));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Settles as `work` does, or rejects with the signal's reason first; `work` itself goes on. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new HoldfastError('timeout', 'the caller ended the wait');
}

export interface BackoffOptions {
  /** Ms before the second attempt; doubles up to `maxMs`. */
  firstMs: number;
  maxMs: number;
  /** Ms after which no further attempt is made. */
  deadlineMs: number;
}

/** Delays of one episode of reconnecting: the first attempt is immediate. */
export class Backoff {
  readonly #clock: Clock;
  readonly #options: BackoffOptions;
  #next = 0;
  #startedAt: number;

  constructor(clock: Clock, options: BackoffOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#startedAt = clock.monotonic();
  }

  /** False once the deadline has passed; otherwise waits its turn and returns true. */
  async turn(signal?: AbortSignal): Promise<boolean> {
    if (this.#clock.monotonic() - this.#startedAt >= this.#options.deadlineMs) return false;
    if (this.#next > 0) await pause(this.#clock, this.#next, signal);
    this.#next = this.#next === 0 ? this.#options.firstMs : Math.min(this.#next * 2, this.#options.maxMs);
    return true;
  }

  /** After a success: the next episode starts afresh. */
  reset(): void {
    this.#next = 0;
    this.#startedAt = this.#clock.monotonic();
  }
}
