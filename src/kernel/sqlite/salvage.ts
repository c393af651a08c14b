/** Rescues what is whole in a damaged log into a fresh one (`doctor --repair`). The damaged files are kept aside. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import Database from 'libsql';
import { noFaults } from '../../runtime/index.ts';
import type { Batch, Epoch, OutboxRow, StoredResult } from '../contract.ts';
import { isCorrupt, storageError } from './errors.ts';
import { readableResults } from './results.ts';
import { BATCH_COLUMNS, type BatchRow, checkRecord, readSnapshot, Store } from './store.ts';
import { DEFAULT_STORE_LIMITS } from './store-limits.ts';

export interface SalvageReport {
  /** Where the damaged database is now. */
  aside: string;
  /** Versions of the fresh log's events; null when none could be kept. */
  kept: { from: number; to: number } | null;
  /**
   * First version that is lost, and the last one known to have existed, if any; or the events before the snapshot, when
   * only they are. Null when nothing is known to be lost.
   */
  lost: { from: number; to: number | null } | null;
  /** What is wrong with the damaged one. */
  damage: string;
}

const SUFFIXES = ['', '-wal', '-shm'];

/** What `openKernel` would refuse: null for a whole log. Reads all of it. */
export function inspectLog(path: string): string | null {
  try {
    const store = new Store(path, { ...DEFAULT_STORE_LIMITS, full_check_bytes: Number.MAX_SAFE_INTEGER }, noFaults);
    try {
      const { first_version, last_version } = store.state();
      for (let from = first_version; from <= last_version; ) {
        const last = JSON.parse(store.read(from, 1_000, 1024 * 1024).at(-1) ?? '{}') as Partial<Batch>;
        if (last.first_version === undefined || last.events === undefined) return `version ${from} is missing`;
        from = last.first_version + last.events.length;
      }
      return null;
    } finally {
      store.close();
    }
  } catch (thrown) {
    const error = storageError(thrown);
    if (isCorrupt(error)) return error.message;
    throw error;
  }
}

/**
 * Call with the home's lock held and the log closed. `stamp` makes the damaged file's new name (`<path>.damaged-<stamp>`).
 * Throws `storage_error` when the fresh log cannot be written; then the damaged one is back in its place.
 */
export function salvage(path: string, stamp: string): SalvageReport {
  const damage = inspectLog(path) ?? 'none found';
  const aside = `${path}.damaged-${stamp}`;
  const fresh = `${path}.salvage`;
  moveDatabase(path, aside);
  try {
    removeDatabase(fresh);
    const found = readWhatIsWhole(aside);
    const kept = writeFresh(fresh, found);
    moveDatabase(fresh, path);
    return { aside, kept, lost: found.lost, damage };
  } catch (thrown) {
    removeDatabase(fresh);
    moveDatabase(aside, path);
    throw storageError(thrown);
  }
}

interface Whole {
  epochs: Epoch[];
  snapshot: { version: number; state: unknown } | null;
  batches: BatchRow[];
  results: StoredResult[];
  outbox: OutboxRow[];
  nextOutboxId: number;
  lost: { from: number; to: number | null } | null;
}

function readWhatIsWhole(path: string): Whole {
  const nothing: Whole = {
    epochs: [],
    snapshot: null,
    batches: [],
    results: [],
    outbox: [],
    nextOutboxId: 1,
    lost: { from: 1, to: null },
  };
  const db = attempt(() => new Database(path), null);
  if (db === null) return nothing;
  try {
    const epochs = attempt(
      () => db.prepare('SELECT id, first_version, at FROM epochs ORDER BY seq').all() as Epoch[],
      [],
    );
    const snapshot = attempt(() => readSnapshot(db), null);
    const { batches, lost } = readBatches(db, snapshot?.version ?? 0);
    return {
      epochs,
      snapshot,
      batches,
      lost,
      results: readableResults(db),
      outbox: readOutbox(db),
      nextOutboxId: attempt(() => (db.prepare('SELECT next_outbox_id AS n FROM counters').get() as { n: number }).n, 1),
    };
  } finally {
    db.close();
  }
}

/**
 * The good records that a replay can start from – from version 1 or from the snapshot – and that nothing parts from each
 * other. Damage before the snapshot costs the events before it, no state.
 */
function readBatches(db: Database.Database, snapshot: number): { batches: BatchRow[]; lost: Whole['lost'] } {
  let batches: BatchRow[] = [];
  /** Last version of what is whole but has damage behind it. */
  let parted = 0;
  let expected: number | undefined;
  let damaged = false;
  const select = attempt(
    () => db.prepare(`SELECT ${BATCH_COLUMNS} FROM batches WHERE seq > ? ORDER BY seq LIMIT 1`),
    null,
  );
  for (let seq = 0; select !== null; ) {
    const row = attempt(() => select.get(seq) as BatchRow | undefined, null);
    if (row === undefined) break;
    damaged = row === null || !attempt(() => (checkRecord(row, expected), true), false);
    if (row === null) break;
    if (!damaged) batches.push(row);
    else {
      const isGood = attempt(() => (checkRecord(row, undefined), true), false);
      const end = row.first_version + row.event_count - 1;
      if (isGood ? row.first_version > snapshot + 1 : end > snapshot) break;
      [batches, damaged, parted] = [isGood ? [row] : [], false, isGood ? row.first_version - 1 : end];
    }
    seq = row.seq;
    expected = row.first_version + row.event_count;
  }
  const first = batches[0]?.first_version ?? snapshot + 1;
  const isReplayable = first <= snapshot + 1;
  const next = isReplayable ? Math.max(snapshot + 1, expected ?? 1) : 1;
  if (expected !== undefined && expected <= snapshot) [batches, parted] = [[], snapshot];
  const known = lastKnownVersion(db);
  const isWhole = select !== null && !damaged && isReplayable && known < next;
  const history = parted === 0 ? null : { from: 1, to: parted };
  return {
    batches: isReplayable ? batches : [],
    lost: isWhole ? history : { from: next, to: known >= next ? known : null },
  };
}

/** The greatest version of which any part of the file still speaks; 0 when none does. */
function lastKnownVersion(db: Database.Database): number {
  const sources = [
    'SELECT max(first_version + event_count - 1) AS n FROM batches',
    'SELECT max(first_version) - 1 AS n FROM epochs',
    'SELECT first_version - 1 AS n FROM counters',
  ];
  return Math.max(...sources.map((sql) => attempt(() => (db.prepare(sql).get() as { n: number | null }).n ?? 0, 0)));
}

function writeFresh(path: string, whole: Whole): SalvageReport['kept'] {
  const store = new Store(path, DEFAULT_STORE_LIMITS, noFaults);
  try {
    const firstVersion = whole.batches[0]?.first_version ?? (whole.snapshot?.version ?? 0) + 1;
    // The results of what is lost would speak of versions that are given again.
    const last = Math.max(whole.snapshot?.version ?? 0, endOf(whole.batches.at(-1)));
    const results = whole.results.filter(({ version }) => version <= last);
    const end = store.restore({ ...whole, results, firstVersion });
    // An epoch that began after the last kept event belongs to the lost part.
    for (const epoch of whole.epochs) if (epoch.first_version <= end + 1) store.appendEpoch(epoch);
    return end >= firstVersion ? { from: firstVersion, to: end } : null;
  } finally {
    store.close();
  }
}

function endOf(batch: BatchRow | undefined): number {
  return batch === undefined ? 0 : batch.first_version + batch.event_count - 1;
}

function readOutbox(db: Database.Database): OutboxRow[] {
  const rows = attempt(() => db.prepare('SELECT record FROM outbox').all() as { record: string }[], []);
  return rows.flatMap(({ record }) => attempt<OutboxRow[]>(() => [JSON.parse(record) as OutboxRow], []));
}

/** Of a damaged file every part may fail; the others are still worth having. */
function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    // Unreadable is an expected answer here; the report says what is lost.
    return otherwise;
  }
}

function moveDatabase(from: string, to: string): void {
  for (const suffix of SUFFIXES) if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
}

function removeDatabase(path: string): void {
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
}
