/** Time as a port: production uses the system's, tests a virtual one. */
export interface Clock {
  /** Wall clock, ms since the Unix epoch; may jump. For records and people. */
  now(): number;
  /** Monotonic, ms with fractions; never jumps. For deadlines and durations. */
  monotonic(): number;
  /** Calls `fire` once after `ms`; the returned function cancels and is safe to call twice. `unref` lets a process exit meanwhile. */
  after(ms: number, fire: () => void, options?: { unref?: boolean }): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // Not `performance.now()`: six modules of Node come with it, into every session's memory.
  monotonic() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1_000_000;
  },
  after(ms, fire, options) {
    const timer = setTimeout(fire, ms);
    if (options?.unref) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until `advance`; timers fire in due order, ties in the order they were set. */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #nextId = 0;
  readonly #timers = new Map<number, { due: number; fire: () => void }>();

  readonly #start: number;

  constructor(start = 1_700_000_000_000) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, fire: () => void): () => void {
    const id = this.#nextId++;
    this.#timers.set(id, { due: this.#elapsed + Math.max(0, ms), fire });
    return () => void this.#timers.delete(id);
  }

  advance(ms: number): void {
    const target = this.#elapsed + ms;
    for (;;) {
      let dueId = -1;
      let due = Infinity;
      for (const [id, timer] of this.#timers) {
        if (timer.due <= target && timer.due < due) [dueId, due] = [id, timer.due];
      }
      const timer = this.#timers.get(dueId);
      if (timer === undefined) break;
      this.#timers.delete(dueId);
      this.#elapsed = due;
      timer.fire();
    }
    this.#elapsed = target;
  }
}

/** Rejects with what `onTimeout` returns when `work` has not settled after `ms`; every wait of the system goes through here. */
export async function withDeadline<T>(clock: Clock, ms: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  let cancel: () => void = () => {};
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(onTimeout()));
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    cancel();
  }
}
