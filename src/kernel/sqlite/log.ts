/** The event log in SQLite: the main side, which only posts strings to the worker and parses what comes back. */
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../protocol/index.ts';
import type { Batch, Epoch, EventLog, LogState, Recorded, StoredResult } from '../contract.ts';
import type { AnswerMessage, Operation, Operations, StoreLimits, WorkerData } from './messages.ts';
import { DEFAULT_STORE_LIMITS } from './store-limits.ts';

export interface SqliteLogOptions {
  /** The database file; its directory must exist and be the owner's alone. */
  path: string;
  /** The bundle of `worker.ts`. */
  workerPath: string;
  limits?: Partial<StoreLimits>;
  /** For the fault points `log.append.*`, which are struck in the worker (runtime/faults.ts). */
  faultPlan?: string | undefined;
}

interface Waiting {
  resolve(output: unknown): void;
  reject(error: HoldfastError): void;
}

type AnyEvent = Recorded<{ event: string }>;

export class SqliteLog implements EventLog {
  readonly #options: SqliteLogOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;

  constructor(options: SqliteLogOptions) {
    this.#options = options;
  }

  open(): Promise<LogState> {
    this.#worker ??= this.#start();
    return this.#ask('open', null);
  }

  async append(batch: Batch): Promise<number> {
    const record = JSON.stringify(batch);
    await this.#ask('append', {
      firstVersion: batch.first_version,
      eventCount: batch.events.length,
      record,
      results: batch.results.map(({ key, at }) => [key, at]),
      hasEffects: batch.outbox.length + batch.acknowledged.length > 0,
    });
    return record.length;
  }

  async appendEpoch(epoch: Epoch): Promise<void> {
    await this.#ask('epoch', epoch);
  }

  async read(from: number, maxEvents: number, maxBytes: number): Promise<AnyEvent[]> {
    const records = await this.#ask('read', { from, maxEvents, maxBytes });
    const events = records.flatMap((record) => (JSON.parse(record) as Batch).events);
    const start = events.findIndex((event) => event.version >= from);
    return start < 0 ? [] : events.slice(start, start + maxEvents);
  }

  result(key: string): Promise<StoredResult | null> {
    return this.#ask('result', key);
  }

  async saveSnapshot(version: number, state: unknown): Promise<void> {
    await this.#ask('snapshot', { version, state: JSON.stringify(state) });
  }

  async trim(version: number, resultsBefore: number): Promise<void> {
    await this.#ask('trim', { version, resultsBefore });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    try {
      await this.#ask('close', null);
    } finally {
      this.#worker = null;
      await worker.terminate();
    }
  }

  #start(): Worker {
    const { path, workerPath, limits, faultPlan } = this.#options;
    const data: WorkerData = { path, limits: { ...DEFAULT_STORE_LIMITS, ...limits }, faultPlan };
    const worker = new Worker(workerPath, { workerData: data, name: 'event log' });
    worker.on('message', (answers: AnswerMessage) => this.#settle(answers));
    worker.on('error', (error) => this.#lose(worker, error.message));
    worker.on('exit', (code) => this.#lose(worker, `exit code ${code}`));
    return worker;
  }

  #ask<O extends Operation>(operation: O, input: Operations[O]['input']): Promise<Operations[O]['output']> {
    return new Promise((resolve, reject) => {
      if (this.#worker === null) throw new HoldfastError('storage_error', 'the event log is not open');
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage([id, operation, input]);
    });
  }

  #settle(answers: AnswerMessage): void {
    for (const [id, output, error] of answers) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(output);
      else waiting?.reject(HoldfastError.fromWire(error));
    }
  }

  /** The thread is gone, and with it the fate of what it was doing: the next `open` starts another and finds out. */
  #lose(worker: Worker, cause: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new HoldfastError('storage_error', `the event log's thread ended: ${cause}`));
  }
}
