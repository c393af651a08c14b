/**
 * Which batch holds a key's stored result. The record is the truth, so the table only points into it, and is brought up
 * to date for many commands at once: a commit writes one row, the batch.
 */
import type Database from 'libsql';
import type { Batch, StoredResult } from '../contract.ts';
import { count } from './schema.ts';

/** Keys that may wait in memory for their rows; an open reads them back from the batches. */
const PENDING_COUNT = 512;

export type ResultKey = [key: string, at: number];

export class ResultTable {
  readonly #db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #select: Database.Statement;
  readonly #batch: Database.Statement;
  readonly #mark: Database.Statement;
  /** Committed with their batch, not in the table yet. */
  readonly #pending = new Map<string, { at: number; seq: number }>();

  constructor(db: Database.Database) {
    this.#db = db;
    this.#insert = db.prepare('INSERT OR REPLACE INTO results (key, at, seq, record) VALUES (?, ?, ?, ?)');
    this.#select = db.prepare('SELECT seq, record FROM results WHERE key = ?');
    this.#batch = db.prepare('SELECT record FROM batches WHERE seq = ?');
    this.#mark = db.prepare('UPDATE counters SET projected_seq = ?');
    const rows = db
      .prepare('SELECT seq, record FROM batches WHERE seq > (SELECT projected_seq FROM counters)')
      .iterate();
    for (const { seq, record } of rows as IterableIterator<{ seq: number; record: string }>) {
      this.addOf(seq, record);
    }
  }

  /** Enough wait for their rows: `project` is due. */
  get isFull(): boolean {
    return this.#pending.size >= PENDING_COUNT;
  }

  /** After the commit of batch `seq`. */
  add(seq: number, results: readonly ResultKey[]): void {
    for (const [key, at] of results) this.#pending.set(key, { at, seq });
  }

  /** The same from the record itself. */
  addOf(seq: number, record: string): void {
    this.add(
      seq,
      (JSON.parse(record) as Batch).results.map(({ key, at }) => [key, at]),
    );
  }

  find(key: string): StoredResult | null {
    const pending = this.#pending.get(key);
    const row = pending === undefined ? (this.#select.get(key) as Row | undefined) : { ...pending, record: '' };
    if (row === undefined) return null;
    return row.record === '' ? this.#inBatch(row.seq, key) : (JSON.parse(row.record) as StoredResult);
  }

  newest(): string | null {
    const row = this.#db.prepare('SELECT max(key) AS key FROM results').get() as { key: string | null };
    let newest = row.key;
    for (const key of this.#pending.keys()) if (newest === null || key > newest) newest = key;
    return newest;
  }

  /** Writes the rows that wait, as of batch `lastSeq`; inside a transaction. `forget` follows its commit. */
  project(lastSeq: number): void {
    for (const [key, { at, seq }] of this.#pending) this.#insert.run(key, at, seq, '');
    this.#mark.run(lastSeq);
  }

  forget(): void {
    this.#pending.clear();
  }

  /** One that comes without its batch. */
  keep(result: StoredResult): void {
    this.#insert.run(result.key, result.at, 0, JSON.stringify(result));
  }

  /** Drops results older than `before` and gives those whose batch goes (all below `seq`) a record of their own. */
  trim(seq: number, before: number): void {
    this.#db.prepare('DELETE FROM results WHERE at < ?').run(before);
    const rows = this.#db.prepare("SELECT key, seq FROM results WHERE record = '' AND seq < ?").all(seq) as KeyRow[];
    for (const row of rows) {
      const result = this.#inBatch(row.seq, row.key);
      if (result !== null) this.keep(result);
    }
  }

  #inBatch(seq: number, key: string): StoredResult | null {
    const row = this.#batch.get(seq) as { record: string } | undefined;
    return row === undefined ? null : resultOf(row.record, key);
  }
}

interface Row {
  seq: number;
  /** The result as JSON, or empty while its batch holds it. */
  record: string;
}

type KeyRow = { key: string; seq: number };

/** The results of a file that may be damaged in any part, as far as its rows and their batches can be read. */
export function readableResults(db: Database.Database): StoredResult[] {
  const results: StoredResult[] = [];
  try {
    const hasReferences = count(db, "SELECT count(*) AS n FROM pragma_table_info('results') WHERE name = 'seq'") > 0;
    const rows = db
      .prepare(
        hasReferences
          ? 'SELECT key, r.record AS record, b.record AS batch FROM results AS r LEFT JOIN batches AS b USING (seq)'
          : 'SELECT key, record, NULL AS batch FROM results',
      )
      .iterate() as IterableIterator<{ key: string; record: string; batch: string | null }>;
    for (const row of rows) {
      const result = readable(row);
      if (result !== null) results.push(result);
    }
  } catch {
    // A torn page: what was read before it is worth having.
  }
  return results;
}

function readable({ key, record, batch }: { key: string; record: string; batch: string | null }): StoredResult | null {
  try {
    if (record !== '') return JSON.parse(record) as StoredResult;
    return batch === null ? null : resultOf(batch, key);
  } catch {
    // Damage of this one only.
    return null;
  }
}

function resultOf(batch: string, key: string): StoredResult | null {
  return (JSON.parse(batch) as Batch).results.find((result) => result.key === key) ?? null;
}
