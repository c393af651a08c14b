/** A subscriber that folds events over its snapshot with the product's own domain, and takes a hash now and then. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { connect, type EventItem, type EventStream, type Holdfast, HoldfastError } from '../../../src/client/index.ts';
import { createDomain, stateBehind } from '../../../src/domains/srv/fixtures/runtime.ts';
import { snapshotOf, type SrvEvent, type SrvState } from '../../../src/domains/srv/index.ts';
import { canonicalJson } from '../../../src/kernel/digest.ts';
import { homePaths, sessionSocket } from '../../../src/protocol/home/index.ts';
import { systemClock } from '../../../src/runtime/index.ts';

/** Longest that nobody may serve. */
const RESUME_MS = 30_000;

/** An event as it travels. */
export type Travelling = { version: number; at: number; event: string; prev?: number };

export type Hashes = { version: number; hash: string }[];

/** A state that follows events. */
export class Fold {
  readonly #domain = createDomain();
  readonly #places;
  state: SrvState;
  version: number;

  constructor(home: string, state: SrvState | undefined, version: number) {
    const paths = homePaths(home);
    this.#places = { live: (id: string) => sessionSocket(paths, id), archive: paths.archiveSocket };
    this.state = state ?? this.#domain.initial();
    this.version = version;
  }

  /** Throws unless it is the next one. */
  take(event: Travelling): void {
    if (event.version !== this.version + 1) throw new Error(`event ${event.version} came after ${this.version}`);
    this.state = this.#domain.evolve(this.state, event as unknown as SrvEvent, event.version, event.at);
    this.version = event.version;
  }

  /** Of all that a snapshot tells. */
  hash(): string {
    return hashOf(snapshotOf(this.state, this.#places));
  }
}

/** Digest of events in their order: of those before it, and the next one. */
export function chained(before: string, { prev: _prev, ...event }: Travelling): string {
  return createHash('sha256').update(before).update(canonicalJson(event)).digest('base64');
}

/** Of `srv_snapshot` without what belongs to the message. */
export function hashOf(facts: object): string {
  return createHash('sha256').update(canonicalJson(facts)).digest('base64');
}

export interface FollowerReport {
  /** Version of the snapshot it began with. */
  from: number;
  version: number;
  hash: string;
  /** Digest of the events after `from` up to `version`. */
  chain: string;
  hashes: Hashes;
  /** Connections it lost. */
  lost: number;
}

export interface FollowerOptions {
  home: string;
  /** A hash at every multiple. */
  stride: number;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #holdfast: Holdfast;
  readonly #hashes: Hashes = [];
  #fold: Fold | undefined;
  #from = 0;
  #chain = '';
  #epoch = '';
  #lost = 0;
  #failure: unknown;
  #watchers: (() => void)[] = [];

  private constructor(options: FollowerOptions, holdfast: Holdfast) {
    this.#options = options;
    this.#holdfast = holdfast;
  }

  static async open(options: FollowerOptions): Promise<Follower> {
    const loader = join(options.home, 'nobody-starts-srv-here');
    const follower = new Follower(options, await connect({ home: options.home, start: false, loader }));
    await follower.#begin();
    return follower;
  }

  /** At `version` or later; rejects when it cannot get there. */
  async report(version: number): Promise<FollowerReport> {
    while ((this.#fold?.version ?? -1) < version && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure as Error;
    const fold = this.#fold!;
    return {
      from: this.#from,
      version: fold.version,
      hash: fold.hash(),
      chain: this.#chain,
      hashes: this.#hashes,
      lost: this.#lost,
    };
  }

  async #begin(): Promise<void> {
    let stream = await this.#holdfast.events({ snapshot: true });
    const work = async (): Promise<never> => {
      for (;;) {
        try {
          for await (const item of stream) this.#take(item);
          throw new Error('the subscription ended');
        } catch (error) {
          if (HoldfastError.from(error).code !== 'unreachable') throw error;
        }
        this.#lost++;
        stream = await this.#resume();
      }
    };
    work().catch((error: unknown) => {
      this.#failure = error;
      this.#changed();
    });
  }

  /** srv is gone; it goes on at its cursor when somebody has started another one. */
  async #resume(): Promise<EventStream> {
    const deadline = systemClock.monotonic() + RESUME_MS;
    for (;;) {
      try {
        const since = this.#fold?.version;
        return await this.#holdfast.events(since === undefined ? { snapshot: true } : { since, epoch: this.#epoch });
      } catch (error) {
        if (HoldfastError.from(error).code !== 'unreachable' || systemClock.monotonic() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  #changed(): void {
    for (const look of this.#watchers.splice(0)) look();
  }

  #take(item: EventItem): void {
    this.#epoch = item.epoch;
    if (item.type === 'snapshot') {
      if (this.#fold !== undefined) throw new Error('a second snapshot');
      const { event: _event, version, epoch: _epoch, ...facts } = item.snapshot;
      this.#from = version;
      this.#fold = new Fold(this.#options.home, stateBehind(facts), version);
      if (this.#fold.hash() !== hashOf(facts)) throw new Error('the state behind the snapshot tells another one');
    } else if (item.type === 'gap') {
      throw new Error(`events ${item.from} to ${item.to} will not come`);
    } else {
      const fold = this.#fold!;
      const { prev } = item.event;
      if (prev !== fold.version) throw new Error(`event ${item.event.version} says it follows ${prev}`);
      fold.take(item.event);
      this.#chain = chained(this.#chain, item.event);
      if (fold.version % this.#options.stride === 0) this.#hashes.push({ version: fold.version, hash: fold.hash() });
    }
    this.#changed();
  }
}
