/** Many clients in several processes, and subscribers that fold what they hear: a load, and what must hold after it. */
import { expect } from 'vitest';
import type { Random } from '../random.ts';
import { soon, type TestRuntime } from '../runtime.ts';
import type { HistoryEvent } from '../workload.ts';
import type { Told } from './client.ts';
import type { Shared } from './desk.ts';
import type { FollowWork } from './follow-worker.ts';
import { chained, Fold, type FollowerReport, hashOf, type Travelling } from './follower.ts';
import type { LoadWork } from './load-worker.ts';
import { WorkerBundles, WorkerProcess } from './worker-process.ts';

export interface LoadOptions {
  processes: number;
  clients: number;
  followers: number;
  /** Some clients give commands up. */
  impatient?: boolean;
  /** Versions between two state hashes of each subscriber. */
  stride: number;
}

export interface Checked {
  events: number;
  commands: number;
  /** Commands without an answer. */
  unacknowledged: number;
  /** States that were compared. */
  states: number;
}

/** What a state was said to be at a version. */
interface Claim {
  who: string;
  version: number;
  hash: string;
}

/** Tabs, sessions and workspaces that all clients work on. */
const SHARED_COUNT = 4;
const FOLLOW_PROCESSES = 2;
export const LOAD_MS = process.env['HOLDFAST_TEST_LONG'] === '1' ? 900_000 : 90_000;

export class Load implements AsyncDisposable {
  readonly #runtime: TestRuntime;
  readonly #bundles: WorkerBundles;
  readonly #workers: WorkerProcess<LoadWork>[] = [];
  readonly #followers: WorkerProcess<FollowWork>[] = [];
  readonly #claims: Claim[] = [];
  #reports: FollowerReport[] = [];

  private constructor(runtime: TestRuntime, bundles: WorkerBundles) {
    this.#runtime = runtime;
    this.#bundles = bundles;
  }

  /** Connected and subscribed; nobody sends yet. */
  static async start(runtime: TestRuntime, random: Random, options: LoadOptions): Promise<Load> {
    const load = new Load(runtime, await WorkerBundles.build('load-worker', 'follow-worker'));
    try {
      await load.#begin(random, options);
      return load;
    } catch (error) {
      load.end();
      throw error;
    }
  }

  /** Every client sends that many; returns commands per second. */
  async run(commands: number, clients: number): Promise<number> {
    const times = await this.#all('run', commands);
    return (commands * clients) / (Math.max(...times) / 1_000);
  }

  /** Every client sends until `stop`. Rejects with what no client should be told. */
  async runOn(): Promise<void> {
    await this.#all('run', Number.MAX_SAFE_INTEGER);
  }

  async stop(): Promise<void> {
    await this.#all('stop', undefined);
  }

  /** Every `share`th of 100 commands again by its key. */
  async repeat(share: number): Promise<number> {
    return (await this.#all('repeat', share)).reduce((sum, count) => sum + count, 0);
  }

  /** Notes what srv says its state is now. */
  async noteSnapshot(): Promise<number> {
    const { version, epoch: _epoch, ...facts } = await this.#runtime.holdfast.snapshot();
    this.#claims.push({ who: 'srv', version, hash: hashOf(facts) });
    return version;
  }

  /** Waits until every subscriber is where srv is, and notes where that is. */
  async noteFollowers(): Promise<FollowerReport[]> {
    const version = await this.noteSnapshot();
    const reports = this.#followers.map((worker) => worker.ask('report', version));
    this.#reports = (await soon(Promise.all(reports), `the subscribers to reach ${version}`, LOAD_MS)).flat();
    return this.#reports;
  }

  /** Another process with subscribers, which begin with the snapshot of now. */
  async follow(count: number, stride: number): Promise<void> {
    const worker = new WorkerProcess<FollowWork>(this.#bundles.path('follow-worker'), this.#runtime.home);
    this.#followers.push(worker);
    await soon(worker.ask('begin', { home: this.#runtime.home, stride, count }), `${count} subscribers`);
  }

  /**
   * The log against everything that was said: versions contiguous, what subscribers heard is what the log holds in its
   * order, its replay gives every state that a subscriber or srv had, and the books are right.
   */
  async check(): Promise<Checked> {
    const { events, complete } = await this.#runtime.holdfast.history();
    expect(complete).toBe(true);
    expect(events.findIndex(({ version }, at) => version !== at + 1)).toBe(-1);
    const states = this.#checkStates(events);
    const books = (await this.#all('books', undefined)).flat();
    checkBooks(books, events);
    const unacknowledged = books.filter(({ version, refused }) => version === null && refused === null).length;
    return { events: events.length, commands: books.length, unacknowledged, states };
  }

  end(): void {
    for (const worker of [...this.#workers, ...this.#followers]) worker.end();
    this.#bundles.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  #checkStates(events: readonly HistoryEvent[]): number {
    const claims = new Map<number, Claim[]>();
    const claim = (made: Claim): void => void claims.set(made.version, [...(claims.get(made.version) ?? []), made]);
    for (const made of this.#claims) claim(made);
    for (const [at, { version, hash, hashes }] of this.#reports.entries()) {
      for (const made of [...hashes, { version, hash }]) claim({ who: `subscriber ${at}`, ...made });
    }
    const fold = new Fold(this.#runtime.home, undefined, 0);
    const chains = this.#reports.map(() => '');
    for (const event of events as readonly Travelling[]) {
      fold.take(event);
      for (const [at, { from, version }] of this.#reports.entries()) {
        if (event.version > from && event.version <= version) chains[at] = chained(chains[at]!, event);
      }
      const made = claims.get(fold.version);
      if (made === undefined) continue;
      const hash = fold.hash();
      expect(made.filter((one) => one.hash !== hash)).toEqual([]);
      claims.delete(fold.version);
    }
    expect(chains).toEqual(this.#reports.map(({ chain }) => chain));
    // A state nobody could have had.
    expect([...claims.keys()]).toEqual([]);
    return this.#claims.length + this.#reports.reduce((sum, { hashes }) => sum + hashes.length + 1, 0);
  }

  async #begin(random: Random, options: LoadOptions): Promise<void> {
    const { home } = this.#runtime;
    const shared = await this.#share();
    const perProcess = Math.ceil(options.clients / options.processes);
    for (let process = 0; process < options.processes; process++) {
      const worker = new WorkerProcess<LoadWork>(this.#bundles.path('load-worker'), home);
      this.#workers.push(worker);
      const clients = Array.from({ length: perProcess }, (_, at) => ({
        name: `c${process}x${at}`,
        shared: shared[at % SHARED_COUNT]!,
      }));
      const begun = worker.ask('begin', {
        home,
        seed: random(2 ** 31),
        impatient: options.impatient ?? false,
        clients,
      });
      await soon(begun, `${perProcess} clients`);
    }
    for (let at = 0; at < FOLLOW_PROCESSES; at++)
      await this.follow(options.followers / FOLLOW_PROCESSES, options.stride);
  }

  async #share(): Promise<Shared[]> {
    const { holdfast } = this.#runtime;
    const { id: workspace } = await holdfast.workspaces.create('shared');
    const shared: Shared[] = [];
    for (let at = 0; at < SHARED_COUNT; at++) {
      const { id: tab } = await holdfast.tabs.create(workspace, `${at}`);
      const session = await this.#runtime.run(['/bin/cat'], { kind: 'pipe' });
      shared.push({ workspace, tab, session: session.id });
    }
    return shared;
  }

  #all<N extends keyof LoadWork>(
    name: N,
    input: Parameters<LoadWork[N]>[0],
  ): Promise<Awaited<ReturnType<LoadWork[N]>>[]> {
    return soon(Promise.all(this.#workers.map((worker) => worker.ask(name, input))), `${name} to end`, LOAD_MS);
  }
}

/** Acknowledged: there once, at its version or before it. Anything else: at most once; refused: never. */
function checkBooks(books: readonly Told[], events: readonly HistoryEvent[]): void {
  const marks = new Map<string, number[]>();
  for (const event of events) {
    for (const [field, value] of marksOf(event)) {
      const key = `${event.event} ${field} ${value}`;
      marks.set(key, [...(marks.get(key) ?? []), event.version]);
    }
  }
  const wrong = books.filter(({ proof, version, refused, late }) => {
    if (proof === null) return version !== null && (version < 1 || version > events.length);
    const found = marks.get(`${proof.event} ${proof.field} ${proof.value}`) ?? [];
    if (version === null) return found.length > (refused === null ? 1 : 0);
    if (late && found.length === 0) return false;
    return found.length !== 1 || found[0]! > version || version - found[0]! > EVENTS_PER_COMMAND;
  });
  expect(wrong.slice(0, 5)).toEqual([]);
}

/** Its first is at most that far from its last. */
const EVENTS_PER_COMMAND = 8;
const MARKED = ['workspace_id', 'tab_id', 'block_id', 'window_id', 'name', 'correlation_id'];

function marksOf(event: HistoryEvent): [field: string, value: string][] {
  const marks: [string, string][] = [];
  for (const field of MARKED) if (typeof event[field] === 'string') marks.push([field, event[field]]);
  const patch = event['meta_patch'] as Record<string, unknown> | undefined;
  if (typeof patch?.['mark'] === 'string') marks.push(['meta_patch.mark', patch['mark']]);
  return marks;
}
