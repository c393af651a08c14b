/** Which lossless readers hold the child up, and for how long they may (DESIGN §6 "Flow control"). */
import type { Throttle } from '../protocol/session/index.ts';
import type { Clock } from '../runtime/index.ts';

export interface FlowControlOptions {
  clock: Clock;
  /** Unread bytes of a lossless reader at which the child is held up; the stated buffer. */
  highBytes: number;
  /** It goes on when every lossless reader is below this. */
  lowBytes: number;
  pause(): void;
  resume(): void;
  /** A hold has lasted a second, or one of which this was said is over (null). */
  noticed(throttle: Throttle | null): void;
}

export interface LosslessReader {
  clientId: string;
  /** Longest hold in ms; 0: no limit. */
  stallMs: number;
  lag(): number;
  /** Held for `stallMs`: the reader is `never_block` from now on, and already removed here. */
  degraded(): void;
}

/** A lossless reader's own view of it. */
export interface FlowReader {
  /** The reader took something. */
  progressed(): void;
  remove(): void;
}

interface Holding {
  reader: LosslessReader;
  /** Wall clock when its hold began; null while it holds nobody. */
  since: number | null;
  cancel: () => void;
}

const NOTICE_MS = 1_000;

/**
 * Hysteresis: a reader takes hold when its lag reaches `highBytes` and lets go at `lowBytes`. One hold lasts at most
 * `stallMs`. With no lossless reader every call is a comparison.
 */
export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #readers = new Set<Holding>();
  #paused = false;
  #noticed = false;
  #cancelNotice: () => void = () => {};

  constructor(options: FlowControlOptions) {
    this.#options = options;
  }

  /** The hold that has lasted longest, if any. */
  get throttle(): Throttle | null {
    let oldest: Holding | undefined;
    for (const holding of this.#readers) {
      if (holding.since !== null && (oldest === undefined || holding.since < oldest.since!)) oldest = holding;
    }
    if (oldest === undefined) return null;
    return { client_id: oldest.reader.clientId, since_ms: oldest.since!, limit_ms: oldest.reader.stallMs };
  }

  get paused(): boolean {
    return this.#paused;
  }

  add(reader: LosslessReader): FlowReader {
    const holding: Holding = { reader, since: null, cancel: () => {} };
    this.#readers.add(holding);
    this.#check(holding);
    this.#apply();
    return {
      progressed: () => {
        if (holding.since !== null) this.#let(holding);
      },
      remove: () => this.#remove(holding),
    };
  }

  /** Something was appended to the log and offered to every reader. */
  appended(): void {
    if (this.#readers.size === 0) return;
    for (const holding of this.#readers) this.#check(holding);
    this.#apply();
  }

  /** The child's output has ended: there is nobody to hold up any more. */
  close(): void {
    for (const holding of this.#readers) this.#release(holding);
    this.#readers.clear();
    this.#apply();
  }

  #check(holding: Holding): void {
    const { reader } = holding;
    if (holding.since !== null || reader.lag() < this.#options.highBytes) return;
    holding.since = this.#options.clock.now();
    if (reader.stallMs > 0) {
      holding.cancel = this.#options.clock.after(reader.stallMs, () => this.#degrade(holding), { unref: true });
    }
  }

  #let(holding: Holding): void {
    if (holding.reader.lag() > this.#options.lowBytes) return;
    this.#release(holding);
    this.#apply();
  }

  #release(holding: Holding): void {
    holding.cancel();
    holding.cancel = () => {};
    holding.since = null;
  }

  #degrade(holding: Holding): void {
    this.#remove(holding);
    holding.reader.degraded();
  }

  #remove(holding: Holding): void {
    if (!this.#readers.delete(holding)) return;
    this.#release(holding);
    this.#apply();
  }

  #apply(): void {
    const paused = this.throttle !== null;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) {
      this.#cancelNotice = this.#options.clock.after(NOTICE_MS, () => this.#notice(), { unref: true });
      this.#options.pause();
      return;
    }
    this.#cancelNotice();
    this.#options.resume();
    if (!this.#noticed) return;
    this.#noticed = false;
    this.#options.noticed(null);
  }

  #notice(): void {
    this.#noticed = true;
    this.#options.noticed(this.throttle);
  }
}
