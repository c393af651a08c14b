/** The log on one SQLite connection; synchronous, for the worker's thread and for repair. */
import { statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import Database from 'libsql';
import type { HoldfastError } from '../../protocol/index.ts';
import type { FaultPoint, Faults } from '../../runtime/index.ts';
import type { Batch, Epoch, LogState, OutboxRow, StoredResult } from '../contract.ts';
import { corrupt, storageError } from './errors.ts';
import type { AppendMessage, StoreLimits } from './messages.ts';
import { ResultTable } from './results.ts';
import { checkFormat, count, createTables, isEmpty, upgrade } from './schema.ts';

const PAGE_BYTES = 4096;
const READ_ROWS = 64;
export const BATCH_COLUMNS = 'seq, first_version, event_count, crc, record';

export interface BatchRow {
  seq: number;
  first_version: number;
  event_count: number;
  crc: number;
  record: string;
}

export interface Rescued {
  firstVersion: number;
  batches: readonly BatchRow[];
  snapshot: { version: number; state: unknown } | null;
  results: readonly StoredResult[];
  outbox: readonly OutboxRow[];
  nextOutboxId: number;
}

export class Store {
  readonly #db: Database.Database;
  readonly #faults: Faults;
  readonly #insertBatch: Database.Statement;
  readonly #results: ResultTable;
  readonly #insertOutbox: Database.Statement;
  readonly #deleteOutbox: Database.Statement;
  readonly #setNextOutboxId: Database.Statement;
  readonly #selectBatches: Database.Statement;
  /** As it was opened. */
  readonly #replaySize: number;
  #lastVersion: number;
  #lastSeq: number;

  /** Throws `storage_error` with details.corrupt when the database must not be written to. */
  constructor(path: string, limits: StoreLimits, faults: Faults) {
    this.#faults = faults;
    this.#db = connect(path, limits);
    try {
      prepareDatabase(this.#db, path, limits);
      [this.#lastVersion, this.#replaySize] = verifyTail(this.#db);
      upgrade(this.#db);
      this.#lastSeq = lastSeqOf(this.#db);
      const prepare = (sql: string): Database.Statement => this.#db.prepare(sql);
      this.#insertBatch = prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?)');
      this.#results = new ResultTable(this.#db);
      this.#insertOutbox = prepare('INSERT INTO outbox VALUES (?, ?)');
      this.#deleteOutbox = prepare('DELETE FROM outbox WHERE id = ?');
      this.#setNextOutboxId = prepare('UPDATE counters SET next_outbox_id = ?');
      this.#selectBatches = prepare(`SELECT ${BATCH_COLUMNS} FROM batches WHERE seq >= ? ORDER BY seq LIMIT ?`);
    } catch (thrown) {
      this.#db.close();
      throw storageError(thrown);
    }
  }

  state(): LogState {
    const db = this.#db;
    const counters = db.prepare('SELECT next_outbox_id, first_version FROM counters').get() as {
      next_outbox_id: number;
      first_version: number;
    };
    return {
      epochs: db.prepare('SELECT id, first_version, at FROM epochs ORDER BY seq').all() as Epoch[],
      first_version: counters.first_version,
      last_version: this.#lastVersion,
      snapshot: readSnapshot(db),
      replay_size: this.#replaySize,
      outbox: (db.prepare('SELECT record FROM outbox ORDER BY id').all() as { record: string }[]).map(
        ({ record }) => JSON.parse(record) as OutboxRow,
      ),
      next_outbox_id: counters.next_outbox_id,
      newest_key: this.#results.newest(),
    };
  }

  /** All in one transaction, or none: throws without effect. */
  append(batches: readonly AppendMessage[]): void {
    this.#hit('log.append.before', batches.length);
    const [seq, version] = [this.#lastSeq, this.#lastVersion];
    const isDue = this.#results.isFull;
    const write = (): void => {
      if (isDue) this.#results.project(seq);
      for (const batch of batches) this.#insert(batch);
    };
    try {
      // One statement is a transaction by itself, and two fewer to run.
      if (batches.length === 1 && !isDue && !batches[0]!.hasEffects) write();
      else this.#transaction(write);
    } catch (thrown) {
      [this.#lastSeq, this.#lastVersion] = [seq, version];
      throw storageError(thrown);
    }
    if (isDue) this.#results.forget();
    batches.forEach(({ results }, index) => this.#results.add(seq + 1 + index, results));
    this.#hit('log.append.after', batches.length);
  }

  appendEpoch(epoch: Epoch): void {
    this.#transaction(() => {
      this.#db
        .prepare('INSERT INTO epochs (id, first_version, at) VALUES (?, ?, ?)')
        .run(epoch.id, epoch.first_version, epoch.at);
    });
  }

  /** Whole records that cover `from` and what follows. */
  read(from: number, maxEvents: number, maxBytes: number): string[] {
    const records: string[] = [];
    let [events, bytes] = [0, 0];
    let expected: number | undefined;
    for (let seq = seqOf(this.#db, from); ; ) {
      const rows = this.#selectBatches.all(seq, Math.min(maxEvents, READ_ROWS)) as BatchRow[];
      for (const row of rows) {
        seq = row.seq + 1;
        checkRecord(row, expected);
        expected = row.first_version + row.event_count;
        const useful = expected - Math.max(from, row.first_version);
        if (useful <= 0) continue;
        if (events > 0 && (events >= maxEvents || bytes + row.record.length > maxBytes)) return records;
        records.push(row.record);
        events += useful;
        bytes += row.record.length;
      }
      if (rows.length === 0 || events >= maxEvents) return records;
    }
  }

  result(key: string): StoredResult | null {
    return this.#results.find(key);
  }

  saveSnapshot(version: number, state: string): void {
    this.#transaction(() => {
      this.#results.project(this.#lastSeq);
      this.#db.prepare('INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)').run(version, crc32(state), state);
      this.#db.prepare('DELETE FROM snapshots WHERE version < ?').run(version);
    });
    this.#results.forget();
  }

  trim(version: number, resultsBefore: number): void {
    this.#transaction(() => {
      this.#results.project(this.#lastSeq);
      // Replay starts at the snapshot: what comes after it must stay.
      const snapshot = count(this.#db, 'SELECT max(version) AS n FROM snapshots');
      const keepFrom = Math.min(version, snapshot + 1);
      const firstKept = this.#firstSeqFrom(keepFrom);
      this.#results.trim(firstKept, resultsBefore);
      this.#db.prepare('DELETE FROM batches WHERE seq < ?').run(firstKept);
      this.#db.prepare('UPDATE counters SET first_version = max(first_version, ?)').run(keepFrom);
    });
    this.#results.forget();
  }

  /** The first batch with an event of `version` or a later one, or that could be followed by one. */
  #firstSeqFrom(version: number): number {
    const seq = seqOf(this.#db, version);
    // Not `get`: libsql 0.5 runs it with the values of the last `all` of the same statement.
    const [row] = this.#selectBatches.all(seq, 1) as BatchRow[];
    return row !== undefined && row.first_version + row.event_count <= version && row.first_version < version
      ? seq + 1
      : seq;
  }

  /** Fills a fresh log with what was rescued from a damaged one; returns its last version. */
  restore(rescued: Rescued): number {
    this.#transaction(() => {
      this.#lastVersion = rescued.firstVersion - 1;
      for (const { first_version, event_count, record } of rescued.batches) {
        this.#insert({ firstVersion: first_version, eventCount: event_count, record, results: [], hasEffects: false });
        this.#results.addOf(this.#lastSeq, record);
      }
      for (const result of rescued.results) this.#results.keep(result);
      for (const row of rescued.outbox) this.#insertOutbox.run(row.id, JSON.stringify(row));
      this.#db
        .prepare('UPDATE counters SET next_outbox_id = ?, first_version = ?')
        .run(rescued.nextOutboxId, rescued.firstVersion);
    });
    if (rescued.snapshot !== null) {
      this.saveSnapshot(rescued.snapshot.version, JSON.stringify(rescued.snapshot.state));
      this.#lastVersion = Math.max(this.#lastVersion, rescued.snapshot.version);
    }
    return this.#lastVersion;
  }

  close(): void {
    this.#db.close();
  }

  /** Once per batch, however many share a transaction: a plan counts batches. */
  #hit(point: FaultPoint, times: number): void {
    for (let hit = 0; hit < times; hit++) this.#faults.hit(point);
  }

  #insert(batch: AppendMessage): void {
    if (batch.firstVersion !== this.#lastVersion + 1) {
      throw storageError(new Error(`a batch from ${batch.firstVersion} does not follow version ${this.#lastVersion}`));
    }
    this.#lastSeq++;
    this.#lastVersion += batch.eventCount;
    this.#insertBatch.run(this.#lastSeq, batch.firstVersion, batch.eventCount, crc32(batch.record), batch.record);
    if (batch.hasEffects) this.#project(JSON.parse(batch.record) as Batch);
  }

  /** The outbox, from the record. */
  #project(batch: Batch): void {
    for (const row of batch.outbox) this.#insertOutbox.run(row.id, JSON.stringify(row));
    const last = batch.outbox.at(-1);
    if (last !== undefined) this.#setNextOutboxId.run(last.id + 1);
    for (const { id } of batch.acknowledged) this.#deleteOutbox.run(id);
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (thrown) {
      // A full disk or an I/O error has rolled it back already.
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw storageError(thrown);
    }
  }
}

function connect(path: string, limits: StoreLimits): Database.Database {
  try {
    return new Database(path, { timeout: limits.busy_ms });
  } catch (thrown) {
    throw storageError(thrown);
  }
}

/** Checks first: a damaged database is not written to. */
function prepareDatabase(db: Database.Database, path: string, limits: StoreLimits): void {
  db.pragma(`busy_timeout = ${limits.busy_ms}`);
  const fresh = isEmpty(db);
  if (!fresh) {
    checkFormat(db);
    if (statSync(path).size <= limits.full_check_bytes) checkPages(db);
  }
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma(`wal_autocheckpoint = ${limits.checkpoint_pages}`);
  db.pragma(`journal_size_limit = ${limits.journal_bytes}`);
  if (limits.max_bytes > 0) db.pragma(`max_page_count = ${Math.ceil(limits.max_bytes / PAGE_BYTES)}`);
  if (fresh) createTables(db);
}

function checkPages(db: Database.Database): void {
  const rows = db.pragma('quick_check(1)') as { quick_check: string }[];
  const verdict = rows[0]?.quick_check ?? 'no answer';
  if (verdict !== 'ok') throw corrupt(verdict);
}

/** What a replay needs must be there: the snapshot, and every record after it. Returns the last version and the characters read. */
function verifyTail(db: Database.Database): [lastVersion: number, replaySize: number] {
  const snapshot = readSnapshot(db)?.version ?? 0;
  const firstHeld = count(db, 'SELECT first_version AS n FROM counters');
  if (firstHeld > snapshot + 1) throw missing(snapshot + 1);
  const start = seqOf(db, snapshot + 1);
  const rows = db.prepare(`SELECT ${BATCH_COLUMNS} FROM batches WHERE seq >= ? ORDER BY seq`).iterate(start);
  let expected: number | undefined;
  let size = 0;
  for (const row of rows as IterableIterator<BatchRow>) {
    if (expected === undefined && row.first_version > snapshot + 1) throw missing(snapshot + 1);
    checkRecord(row, expected);
    expected = row.first_version + row.event_count;
    if (expected > snapshot + 1) size += row.record.length;
  }
  return [Math.max(snapshot, (expected ?? 1) - 1), size];
}

/** Never one that was given before, although all batches may have been trimmed since: rows of results point to it. */
function lastSeqOf(db: Database.Database): number {
  return count(db, 'SELECT max(projected_seq, (SELECT ifnull(max(seq), 0) FROM batches)) AS n FROM counters');
}

/**
 * Seq of the batch that holds `version`, or of the first one after it when it was trimmed. By bisection: an index would
 * be one more page of every commit.
 */
function seqOf(db: Database.Database, version: number): number {
  const first = db.prepare('SELECT first_version FROM batches WHERE seq = ?');
  let low = count(db, 'SELECT min(seq) AS n FROM batches');
  let high = count(db, 'SELECT max(seq) AS n FROM batches');
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const row = first.get(middle) as { first_version: number } | undefined;
    if (row === undefined) throw missing(version);
    if (row.first_version <= version) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function readSnapshot(db: Database.Database): { version: number; state: unknown } | null {
  const row = db.prepare('SELECT version, crc, state FROM snapshots ORDER BY version DESC LIMIT 1').get() as
    | { version: number; crc: number; state: string }
    | undefined;
  if (row === undefined) return null;
  if (crc32(row.state) !== row.crc) throw corrupt(`the snapshot of version ${row.version} is damaged`);
  return { version: row.version, state: JSON.parse(row.state) };
}

/** `expected` is the version after the record before. */
export function checkRecord(row: BatchRow, expected: number | undefined): void {
  if (expected !== undefined && row.first_version !== expected) throw missing(expected);
  if (crc32(row.record) !== row.crc) {
    throw corrupt(`the record of version ${row.first_version} is damaged`, { version: row.first_version });
  }
}

function missing(version: number): HoldfastError {
  return corrupt(`version ${version} is missing`, { version });
}
