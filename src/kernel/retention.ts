/** Snapshots of the state and the trimming of what they make superfluous. One at a time, beside the commands. */
import { HoldfastError } from '../protocol/index.ts';
import type { EventLog } from './contract.ts';

export interface RetentionOptions {
  log: EventLog;
  now(): number;
  limits: { snapshot_events: number; snapshot_bytes: number; events_kept_count: number; events_kept_ms: number };
  resultsKeptMs: number;
  firstVersion: number;
  snapshotVersion: number;
  /** What the log holds after the snapshot. */
  replaySize: number;
  /** The state in its serialised form and its version. */
  capture(): { version: number; state: unknown };
  warn(error: HoldfastError): void;
}

export class Retention {
  readonly #options: RetentionOptions;
  #firstVersion: number;
  #snapshotVersion: number;
  /** Version from which the next snapshot is due. */
  #nextAt: number;
  /** Written since the last one, by whatever process: a start replays it. */
  #bytes: number;
  #running: Promise<void> | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#firstVersion = options.firstVersion;
    this.#snapshotVersion = options.snapshotVersion;
    this.#nextAt = options.snapshotVersion + options.limits.snapshot_events;
    this.#bytes = options.replaySize;
  }

  /** Oldest version that can be replayed. */
  get firstVersion(): number {
    return this.#firstVersion;
  }

  /** After each commit: starts a snapshot when enough has happened since the last. */
  advance(version: number, bytes: number): void {
    this.#bytes += bytes;
    if (this.#running !== null) return;
    if (version < this.#nextAt && this.#bytes < this.#options.limits.snapshot_bytes) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Before a close: a last snapshot, so that the next start replays nothing. */
  async finish(mayWrite: boolean): Promise<void> {
    await this.#running;
    if (mayWrite && this.#options.capture().version > this.#snapshotVersion) await this.#run();
  }

  async #run(): Promise<void> {
    const { log, warn } = this.#options;
    const { version, state } = this.#options.capture();
    this.#nextAt = version + this.#options.limits.snapshot_events;
    this.#bytes = 0;
    try {
      await log.saveSnapshot(version, state);
      this.#snapshotVersion = version;
      const { events_kept_count, events_kept_ms } = this.#options.limits;
      const byAge = await this.#firstSince(this.#options.now() - events_kept_ms, version + 1);
      const keepFrom = Math.min(version + 1, Math.max(byAge, version - events_kept_count + 1));
      // First, so that no reader looks for what is being dropped.
      this.#firstVersion = Math.max(this.#firstVersion, keepFrom);
      await log.trim(keepFrom, this.#options.now() - this.#options.resultsKeptMs);
    } catch (thrown) {
      // The events are all there: only the next start takes longer, until the next attempt.
      warn(HoldfastError.from(thrown));
    }
  }

  /** Oldest version committed at or after `time`, by bisection; `end` when there is none. */
  async #firstSince(time: number, end: number): Promise<number> {
    // Most often nothing is old enough: then one read tells.
    let [low, middle, high] = [this.#firstVersion, this.#firstVersion, end];
    while (low < high) {
      const [event] = await this.#options.log.read(middle, 1, 1);
      if (event !== undefined && event.at < time) low = middle + 1;
      else high = middle;
      middle = Math.floor((low + high) / 2);
    }
    return low;
  }
}
