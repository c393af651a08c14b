/** The event log in memory: the twin of the SQLite log, for simulations, tests and homes that need no durability. */
import { HoldfastError } from '../protocol/index.ts';
import { type Faults, noFaults } from '../runtime/index.ts';
import type { Batch, Epoch, EventLog, LogState, OutboxRow, Recorded, StoredResult } from './contract.ts';

type AnyEvent = Recorded<{ event: string }>;

interface StoredEvent {
  version: number;
  json: string;
}

export class MemoryLog implements EventLog {
  readonly #faults: Faults;
  #events: StoredEvent[] = [];
  #epochs: Epoch[] = [];
  readonly #results = new Map<string, StoredResult>();
  readonly #outbox = new Map<number, OutboxRow>();
  #nextOutboxId = 1;
  #firstVersion = 1;
  #lastVersion = 0;
  #snapshot: { version: number; json: string } | null = null;
  #isOpen = false;

  constructor(options: { faults?: Faults } = {}) {
    this.#faults = options.faults ?? noFaults;
  }

  open(): Promise<LogState> {
    this.#isOpen = true;
    const snapshot = this.#snapshot;
    return Promise.resolve({
      epochs: structuredClone(this.#epochs),
      first_version: this.#firstVersion,
      last_version: this.#lastVersion,
      snapshot: snapshot && { version: snapshot.version, state: JSON.parse(snapshot.json) as unknown },
      replay_size: this.#events
        .filter(({ version }) => version > (snapshot?.version ?? 0))
        .reduce((size, event) => size + JSON.stringify(event).length, 0),
      outbox: structuredClone([...this.#outbox.values()]),
      next_outbox_id: this.#nextOutboxId,
      newest_key: [...this.#results.keys()].sort().at(-1) ?? null,
    });
  }

  append(batch: Batch): Promise<number> {
    const record = JSON.stringify(batch);
    const copy = JSON.parse(record) as Batch;
    return this.#whileOpen(() => {
      this.#write(copy);
      return record.length;
    });
  }

  appendEpoch(epoch: Epoch): Promise<void> {
    return this.#whileOpen(() => void this.#epochs.push({ ...epoch }));
  }

  read(from: number, maxEvents: number, maxBytes: number): Promise<AnyEvent[]> {
    return this.#whileOpen(() => {
      const events: AnyEvent[] = [];
      let bytes = 0;
      const start = Math.max(0, from - this.#firstVersion);
      for (let index = start; index < this.#events.length && events.length < maxEvents; index++) {
        const { json } = this.#events[index]!;
        if (events.length > 0 && bytes + json.length > maxBytes) break;
        bytes += json.length;
        events.push(JSON.parse(json) as AnyEvent);
      }
      return events;
    });
  }

  result(key: string): Promise<StoredResult | null> {
    return this.#whileOpen(() => structuredClone(this.#results.get(key) ?? null));
  }

  saveSnapshot(version: number, state: unknown): Promise<void> {
    const json = JSON.stringify(state);
    return this.#whileOpen(() => void (this.#snapshot = { version, json }));
  }

  trim(version: number, resultsBefore: number): Promise<void> {
    return this.#whileOpen(() => {
      // Replay starts at the snapshot: what comes after it must stay.
      const keepFrom = Math.min(version, (this.#snapshot?.version ?? 0) + 1);
      if (keepFrom > this.#firstVersion) {
        this.#events = this.#events.slice(keepFrom - this.#firstVersion);
        this.#firstVersion = keepFrom;
      }
      for (const [key, result] of this.#results) if (result.at < resultsBefore) this.#results.delete(key);
    });
  }

  close(): Promise<void> {
    this.#isOpen = false;
    return Promise.resolve();
  }

  #write(batch: Batch): void {
    this.#faults.hit('log.append.before');
    requireSuccessor(batch, this.#lastVersion);
    for (const event of batch.events) this.#events.push({ version: event.version, json: JSON.stringify(event) });
    this.#lastVersion += batch.events.length;
    for (const result of batch.results) this.#results.set(result.key, result);
    for (const row of batch.outbox) {
      this.#outbox.set(row.id, row);
      this.#nextOutboxId = Math.max(this.#nextOutboxId, row.id + 1);
    }
    for (const { id } of batch.acknowledged) this.#outbox.delete(id);
    this.#faults.hit('log.append.after');
  }

  #whileOpen<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (!this.#isOpen) throw new HoldfastError('storage_error', 'the log is not open');
      resolve(work());
    });
  }
}

function requireSuccessor(batch: Batch, lastVersion: number): void {
  const versions = [batch.first_version - 1, ...batch.events.map((event) => event.version)];
  if (versions.every((version, index) => version === lastVersion + index)) return;
  throw new HoldfastError(
    'storage_error',
    `a batch from ${batch.first_version} does not follow version ${lastVersion}`,
  );
}
