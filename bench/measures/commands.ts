/**
 * Durable commands through the control socket: how many, and how long each takes a client. All clients are in this
 * process, so that with many of them its own turn to read is part of what they wait for. Beside them the same commit
 * made by the log alone, SQLite doing nothing else, and tmux, which keeps nothing on disk.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import type { ControlClient } from '../../src/control/index.ts';
import type { Batch } from '../../src/kernel/index.ts';
import { SqliteLog } from '../../src/kernel/sqlite/index.ts';
import { change, createTabs, ids, logWorkerOf, openControl } from '../control.ts';
import { removeDirectory } from '../peers.ts';
import { interleave, quantile, type Row, rows } from '../report.ts';
import type { BenchRuntime } from '../runtime.ts';
import { Subscriber } from '../subscriber.ts';
import { TmuxControl } from '../tmux-control.ts';

const SINGLE_COMMANDS = 2_000;
/** Concurrent clients, and how many commands each of them sends, one after the other. */
const CROWDS: readonly [clients: number, commands: number][] = [
  [1, SINGLE_COMMANDS],
  [16, 500],
  [64, 200],
];
const SUBSCRIBERS = 2;
const SQLITE = 'SQLite, one row a commit';
const TMUX = 'tmux -C, 1 client, not durable';
/** Of every contender and client, before each timed run. */
const WARM_UP = 100;
const BATCHES = 500;

/** Does one command after the other and notes how long each took. */
type Work = (times: number[], count: number) => Promise<void>;

interface Figures {
  rate: number;
  /** Ms per command. */
  times: number[];
}

export async function durableCommands(runtime: BenchRuntime, rounds: number): Promise<Row[]> {
  const crowds = await Promise.all(CROWDS.map(async ([clients]) => openCrowd(runtime.home, clients)));
  const log = await LoneLog.open(runtime.loader);
  const sqlite = new LoneSqlite();
  const tmux = await TmuxControl.start();
  const largest = CROWDS.length - 1;
  const contenders = [
    timed(SQLITE, [(times, count) => sqlite.work(times, count)], SINGLE_COMMANDS),
    ...CROWDS.map(([size]) => timed(alone(size), [(times, count) => log.work(times, count, size)], BATCHES, size)),
    ...CROWDS.map(([clients, count], at) => timed(named(clients), crowds[at]!.works, count)),
    subscribed(runtime.home, crowds[largest]!.works, CROWDS[largest]![1]),
    timed(TMUX, [(times, count) => renameWindows(tmux, times, count)], SINGLE_COMMANDS),
  ];
  const [p50, p99] = [new Map<string, number[]>(), new Map<string, number[]>()];
  const rate = await interleave(
    contenders.map(({ name, run }) => ({
      name,
      async run() {
        const figures = await run();
        note(p50, name, quantile(figures.times, 0.5));
        note(p99, name, quantile(figures.times, 0.99));
        return figures.rate;
      },
    })),
    rounds,
  );
  tmux.close();
  sqlite.close();
  await log.close();
  for (const { close } of crowds) close();
  return [
    ...rows(`durable commands (rename_tab), after ${WARM_UP} unmeasured`, '1/s', rate, [SQLITE, named(1)]),
    ...CROWDS.flatMap(([size]) => [...latency('p50', p50, size), ...latency('p99', p99, size)]),
  ];
}

/** Beside the commit of as many commands as there are clients. */
function latency(name: string, figures: Map<string, number[]>, size: number): Row[] {
  const crowd = [...figures.keys()].filter((contender) => contender.startsWith(named(size)));
  const shown = [alone(size), ...crowd, ...(size === 1 ? [SQLITE, TMUX] : [])];
  const chosen = new Map(shown.map((contender) => [contender, figures.get(contender) ?? []]));
  return rows(`durable command of ${named(size)}, ${name}`, 'ms', chosen, [alone(size), TMUX]);
}

function alone(size: number): string {
  return `log's append alone, batches of ${size}`;
}

function named(clients: number): string {
  return clients === 1 ? '1 client' : `${clients} clients`;
}

function note(figures: Map<string, number[]>, name: string, figure: number): void {
  const known = figures.get(name);
  if (known === undefined) figures.set(name, [figure]);
  else known.push(figure);
}

/** All of `works` at once; `commandsEach` is what one turn of a work stands for. */
function timed(
  name: string,
  works: readonly Work[],
  count: number,
  commandsEach = 1,
): { name: string; run(): Promise<Figures> } {
  return {
    name,
    async run() {
      await Promise.all(works.map((work) => work([], WARM_UP)));
      const times: number[] = [];
      const start = performance.now();
      await Promise.all(works.map((work) => work(times, count)));
      const seconds = (performance.now() - start) / 1000;
      return { rate: (works.length * count * commandsEach) / seconds, times };
    },
  };
}

/** The commands of a crowd while others are told of each. */
function subscribed(home: string, works: readonly Work[], count: number): { name: string; run(): Promise<Figures> } {
  const contender = timed(`${named(works.length)}, ${SUBSCRIBERS} subscribers`, works, count);
  return {
    name: contender.name,
    async run() {
      const subscribers = await Promise.all(
        Array.from({ length: SUBSCRIBERS }, () => Subscriber.open(home, { topics: ['tab_renamed'] })),
      );
      const figures = await contender.run();
      for (const subscriber of subscribers) {
        await subscriber.received(works.length * (count + WARM_UP));
        subscriber.close();
      }
      return figures;
    },
  };
}

/** Clients that each rename a tab of their own; every command carries a key, as the SDK's do. */
async function openCrowd(home: string, size: number): Promise<{ works: Work[]; close(): void }> {
  const clients = await Promise.all(Array.from({ length: size }, () => openControl(home)));
  const tabs = await createTabs(clients[0]!, size);
  return {
    works: clients.map((client, at) => (times, count) => renameTab(client, tabs[at]!, times, count)),
    close: () => clients.forEach((client) => client.close()),
  };
}

async function renameTab(client: ControlClient, tab_id: string, times: number[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = ids.ulid();
    const start = performance.now();
    await change(client, { cmd: 'rename_tab', tab_id, name });
    times.push(performance.now() - start);
  }
}

async function renameWindows(tmux: TmuxControl, times: number[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = ids.ulid();
    const start = performance.now();
    await tmux.command(`rename-window ${name}`);
    times.push(performance.now() - start);
  }
}

/** What one `rename_tab` leaves in the log. */
function record(version: number): Pick<Batch, 'events' | 'results'> {
  const [key, at] = [ids.ulid(), Date.now()];
  const event = { event: 'tab_renamed', tab_id: '0'.repeat(26), name: key, version, at };
  return { events: [event], results: [{ key, body_hash: '0'.repeat(64), version, result: {}, at }] };
}

/** The log without a kernel: what a commit costs by itself. */
class LoneLog {
  readonly #directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  readonly #log: SqliteLog;
  #version = 0;

  private constructor(loader: string) {
    this.#log = new SqliteLog({ path: join(this.#directory, 'lone.db'), workerPath: logWorkerOf(loader) });
  }

  static async open(loader: string): Promise<LoneLog> {
    const lone = new LoneLog(loader);
    await lone.#log.open();
    return lone;
  }

  async work(times: number[], count: number, size: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const records = Array.from({ length: size }, (_, at) => record(this.#version + 1 + at));
      const start = performance.now();
      await this.#log.append({
        first_version: this.#version + 1,
        events: records.flatMap(({ events }) => events),
        results: records.flatMap(({ results }) => results),
        outbox: [],
        acknowledged: [],
        saga_steps: [],
      });
      times.push(performance.now() - start);
      this.#version += size;
    }
  }

  async close(): Promise<void> {
    await this.#log.close();
    removeDirectory(this.#directory);
  }
}

/** The least a durable command can cost: the same text as one row, on this very thread. */
class LoneSqlite {
  readonly #directory = mkdtempSync(join(tmpdir(), 'hfb-'));
  readonly #database = new Database(join(this.#directory, 'bare.db'));
  readonly #insert: Database.Statement;
  #version = 0;

  constructor() {
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    this.#database.exec('CREATE TABLE events (version INTEGER PRIMARY KEY, body TEXT NOT NULL)');
    this.#insert = this.#database.prepare('INSERT INTO events (body) VALUES (?)');
  }

  async work(times: number[], count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const text = JSON.stringify(record(++this.#version));
      const start = performance.now();
      this.#insert.run(text);
      times.push(performance.now() - start);
    }
  }

  close(): void {
    this.#database.close();
    removeDirectory(this.#directory);
  }
}
