/** What exited sessions and their output may take (DESIGN §8): by age and count, and in bytes over the home. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isLive, type Session } from '../domains/sessions/index.ts';
import { sessionDirectory } from '../protocol/home/index.ts';
import { LOG_DIRECTORY } from '../protocol/launch/index.ts';
import type { BrokerContext } from './broker-context.ts';
import type { SrvConfig } from './config.ts';

export interface RetentionOptions {
  context: BrokerContext;
  limits: Pick<SrvConfig, 'exitedKeptMs' | 'exitedKeptCount' | 'homeSpillBytes'>;
}

const SOON_MS = 1_000;
/** Longest delay of a Node timer is below 25 days. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1000;
/** Sessions taken from the record in one commit. */
const RETIRED_AT_ONCE_COUNT = 1_000;

interface SegmentFile {
  path: string;
  bytes: number;
  at: number;
}

export class Retention {
  readonly #options: RetentionOptions;
  #cancelTimer: (() => void) | null = null;
  #cancelSoon: (() => void) | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #spillBytes = 0;
  #uncountedBytes = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Bytes of all session logs when they were last counted. */
  get spillBytes(): number {
    return this.#spillBytes;
  }

  /** A session has closed: one look for all that close within a second. */
  soon(): void {
    if (this.#closed || this.#cancelSoon !== null) return;
    this.#cancelSoon = this.#options.context.clock.after(SOON_MS, () => {
      this.#cancelSoon = null;
      void this.check(); // Handles its own failures.
    });
  }

  /** Live sessions have written about this many bytes: they are counted when the home could be over its limit. */
  grown(bytes: number): void {
    this.#uncountedBytes += bytes;
    if (this.#spillBytes + this.#uncountedBytes > this.#options.limits.homeSpillBytes) this.soon();
  }

  /** Does what is due now, and plans the next look only if something will be. */
  check(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#run()
      .catch((error: unknown) => this.#options.context.journal.write('error', `retention: ${(error as Error).message}`))
      .finally(() => {
        this.#running = null;
        if (this.#again && !this.#closed) {
          this.#again = false;
          void this.check(); // Handles its own failures.
        }
      });
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelSoon?.();
  }

  async #run(): Promise<void> {
    this.#cancelTimer?.();
    const nextExpiry = await this.#retire();
    await this.#trimSpill();
    if (this.#closed || nextExpiry === Infinity) return;
    const next = Math.min(nextExpiry, LONGEST_TIMER_MS);
    this.#cancelTimer = this.#options.context.clock.after(next, () => void this.check(), { unref: true }); // Handles its own failures.
  }

  /** Ms until the next session is too old; Infinity without one. */
  async #retire(): Promise<number> {
    const { context, limits } = this.#options;
    const now = context.clock.now();
    const over = context.observer.over().sort((a, b) => closedAt(b) - closedAt(a));
    const due = over.filter(
      (session, index) => index >= limits.exitedKeptCount || closedAt(session) + limits.exitedKeptMs <= now,
    );
    for (let at = 0; at < due.length; at += RETIRED_AT_ONCE_COUNT) {
      await context.observer.observe({
        cmd: 'retire',
        sessions: due.slice(at, at + RETIRED_AT_ONCE_COUNT).map(({ id }) => id),
      });
    }
    const oldest = over[over.length - due.length - 1];
    return oldest === undefined ? Infinity : Math.max(1_000, closedAt(oldest) + limits.exitedKeptMs - now);
  }

  async #trimSpill(): Promise<void> {
    this.#uncountedBytes = 0;
    const { context, limits } = this.#options;
    const closed: SegmentFile[] = [];
    const live: SegmentFile[] = [];
    let total = 0;
    for (const session of [...context.observer.over(), ...context.observer.live()]) {
      const segments = await segmentsOf(join(sessionDirectory(context.paths, session.id), LOG_DIRECTORY));
      for (const { bytes } of segments) total += bytes;
      // The newest segment is being written, or tells how the session ended.
      (isLive(session) ? live : closed).push(...segments.slice(0, -1));
    }
    for (const segment of [...closed.sort(byAge), ...live.sort(byAge)]) {
      if (total <= limits.homeSpillBytes) break;
      await rm(segment.path, { force: true });
      total -= segment.bytes;
    }
    this.#spillBytes = total;
  }
}

function closedAt(session: Session): number {
  return session.closed_at ?? session.created_at;
}

function byAge(a: SegmentFile, b: SegmentFile): number {
  return a.at - b.at;
}

/** Oldest first: their names sort by age (WIRES §3). */
async function segmentsOf(directory: string): Promise<SegmentFile[]> {
  const files: SegmentFile[] = [];
  for (const name of await listed(directory)) {
    const path = join(directory, name);
    try {
      const { size, mtimeMs } = await stat(path);
      files.push({ path, bytes: size, at: mtimeMs });
    } catch {
      // Removed between the listing and the look.
    }
  }
  return files;
}

async function listed(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort();
  } catch {
    return []; // A session without spill has no log directory.
  }
}
