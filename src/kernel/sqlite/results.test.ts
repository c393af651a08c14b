// Stored results in the SQLite log: pointers into batches, brought into their table late, and what becomes of them.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFaults } from '../../runtime/index.ts';
import type { Batch, StoredResult } from '../contract.ts';
import { batchOf } from '../log-contract.ts';
import { inspectLog, salvage } from './index.ts';
import type { AppendMessage } from './messages.ts';
import { Store } from './store.ts';
import { DEFAULT_STORE_LIMITS } from './store-limits.ts';

/** As many keys as may wait for their rows, and more: see `isFull`. */
const MANY = 1_300;

let dir: string;
let files = 0;
const opened = new Set<Store>();

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hf-results-'));
});
afterEach(() => {
  for (const store of opened) store.close();
  opened.clear();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const newPath = (): string => join(dir, `${files++}.db`);

function open(path: string, faults = ''): Store {
  const store = new Store(path, DEFAULT_STORE_LIMITS, createFaults(faults));
  opened.add(store);
  return store;
}

function close(store: Store): void {
  store.close();
  opened.delete(store);
}

/** What a crash leaves: the files as they are while the process that wrote them still has them open. */
function crashed(path: string): string {
  const copy = newPath();
  for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

const keyOf = (version: number): string => `K${String(version).padStart(6, '0')}`;
const resultOf = (version: number): StoredResult => ({
  key: keyOf(version),
  body_hash: `h${version}`,
  version,
  result: { n: version },
  at: version,
});

/** A batch of one event, and of the results of `versions` (default: its own). */
function batch(version: number, versions: readonly number[] = [version]): Batch {
  return batchOf(version, 1, { results: versions.map(resultOf) });
}

function message(from: Batch): AppendMessage {
  return {
    firstVersion: from.first_version,
    eventCount: from.events.length,
    record: JSON.stringify(from),
    results: from.results.map(({ key, at }) => [key, at]),
    hasEffects: false,
  };
}

function append(store: Store, from: number, to: number): void {
  for (let version = from; version <= to; version++) store.append([message(batch(version))]);
}

function expectAll(store: Store, from: number, to: number): void {
  const found: (StoredResult | null)[] = [];
  for (let version = from; version <= to; version++) found.push(store.result(keyOf(version)));
  expect(found).toEqual(Array.from({ length: to - from + 1 }, (_, index) => resultOf(from + index)));
}

function rows(path: string): { key: string; seq: number; record: string }[] {
  const db = new Database(path);
  try {
    return db.prepare('SELECT key, seq, record FROM results ORDER BY key').all() as ReturnType<typeof rows>;
  } finally {
    db.close();
  }
}

function rowOf(path: string, sql: string): unknown {
  const db = new Database(path);
  try {
    return db.prepare(sql).all()[0];
  } finally {
    db.close();
  }
}

function runSql(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

describe('A stored result', () => {
  it('[K4] is found in its batch before it has a row, also by who opens the log after a crash', () => {
    const path = newPath();
    const store = open(path);
    store.append([message(batch(1)), message(batch(2, [2, 3])), message(batchOf(3, 0, { results: [resultOf(4)] }))]);
    expectAll(store, 1, 4);
    const copy = crashed(path);
    expect(rows(copy)).toEqual([]);
    const next = open(copy);
    expectAll(next, 1, 4);
    expect(next.state().newest_key).toBe(keyOf(4));
    expect(next.result(keyOf(5))).toBeNull();
  });

  it('[K4] has its row when many wait, and no crash between two rounds of rows loses one', () => {
    const path = newPath();
    const store = open(path);
    append(store, 1, MANY);
    expectAll(store, 1, MANY);
    const copy = crashed(path);
    const written = rows(copy);
    expect(written.length).toBeGreaterThan(1_000);
    expect(written.length).toBeLessThan(MANY);
    // Pointers, not copies: the batch is the one place that has it.
    expect(written.filter(({ record }) => record !== '')).toEqual([]);
    const next = open(copy);
    expectAll(next, 1, MANY);
    append(next, MANY + 1, 2 * MANY);
    expectAll(open(crashed(copy)), 1, 2 * MANY);
  });

  it('[K4] keeps waiting when the commit that was to write its row fails', () => {
    const path = newPath();
    const store = open(path);
    // The 512th result fills the waiting room; the next append would write the rows and fails.
    append(store, 1, 512);
    expect(() => store.append([message(batch(513)), message(batch(600))])).toThrow('does not follow');
    expect(rows(crashed(path))).toEqual([]);
    expectAll(store, 1, 512);
    expect(store.result(keyOf(513))).toBeNull();
    append(store, 513, 513);
    expect(rows(crashed(path)).length).toBe(512);
    expectAll(store, 1, 513);
  });

  it('[K4] survives the trim of its batch, until it is too old itself', () => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 600);
    store.saveSnapshot(600, '{}');
    store.append([message(batch(601))]);
    store.trim(400, 100);
    expect(store.read(1, 10_000, 1e9).length).toBe(202);
    for (const reader of [store, open(crashed(path))]) {
      expectAll(reader, 100, 601);
      expect(reader.result(keyOf(99))).toBeNull();
      expect(reader.state().newest_key).toBe(keyOf(601));
    }
    store.trim(601, 601);
    for (const reader of [store, open(crashed(path))]) {
      expectAll(reader, 601, 601);
      expect(reader.result(keyOf(600))).toBeNull();
    }
  });

  it('[K3] of a batch that stays is not trimmed: a trim right after a read keeps what it must', () => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 30);
    store.saveSnapshot(30, '{}');
    // A reader that falls behind while retention works.
    for (const [from, trimmed] of [
      [1, 12],
      [12, 20],
      [30, 30],
    ] as const) {
      store.read(from, 10_000, 1e9);
      store.trim(trimmed, 0);
      expect(store.read(trimmed, 10_000, 1e9).length).toBe(31 - trimmed);
      expect(inspectLog(crashed(path))).toBeNull();
    }
  });

  it('[K4] of a batch that was appended after all before it was trimmed survives the next crash', () => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 20);
    store.saveSnapshot(20, '{}');
    store.trim(21, 0);
    expect(store.read(1, 100, 1e9)).toEqual([]);
    close(store);
    const next = open(path);
    expect(next.state()).toMatchObject({ first_version: 21, last_version: 20 });
    append(next, 21, 23);
    const last = open(crashed(path));
    expectAll(last, 1, 23);
    expect(last.state()).toMatchObject({ last_version: 23, newest_key: keyOf(23) });
    expect(last.read(21, 100, 1e9).length).toBe(3);
  });
});

/** A log as the first release wrote it. */
function formatOne(path: string, { upTo, trimmed = 0 }: { upTo: number; trimmed?: number }): void {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.exec(`
    CREATE TABLE batches (
      seq INTEGER PRIMARY KEY,
      first_version INTEGER NOT NULL,
      event_count INTEGER NOT NULL,
      crc INTEGER NOT NULL,
      record TEXT NOT NULL
    );
    CREATE INDEX batches_by_version ON batches (first_version);
    CREATE TABLE epochs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, first_version INTEGER NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE snapshots (version INTEGER PRIMARY KEY, crc INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE TABLE results (key TEXT PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE counters (only INTEGER PRIMARY KEY CHECK (only = 1), next_outbox_id INTEGER NOT NULL, first_version INTEGER NOT NULL);
    INSERT INTO counters VALUES (1, 7, ${trimmed + 1});
    INSERT INTO epochs (id, first_version, at) VALUES ('E1', 1, 5);
    PRAGMA application_id = 1212566599;
    PRAGMA user_version = 1;
  `);
  if (trimmed > 0) db.prepare('INSERT INTO snapshots VALUES (?, ?, ?)').run(trimmed, crc32('{"s":1}'), '{"s":1}');
  for (let version = 1; version <= upTo; version++) {
    const record = JSON.stringify(batch(version));
    if (version > trimmed) {
      db.prepare('INSERT INTO batches VALUES (?, ?, ?, ?, ?)').run(version, version, 1, crc32(record), record);
    }
    const result = resultOf(version);
    db.prepare('INSERT INTO results VALUES (?, ?, ?)').run(result.key, result.at, JSON.stringify(result));
  }
  db.close();
}

describe('A log of format 1', () => {
  it.each([0, 4])('[K4] is brought up to this format and answers as before, with %i versions trimmed', (trimmed) => {
    const path = newPath();
    formatOne(path, { upTo: 9, trimmed });
    const store = open(path);
    expect(store.state()).toEqual({
      epochs: [{ id: 'E1', first_version: 1, at: 5 }],
      first_version: trimmed + 1,
      last_version: 9,
      replay_size: expect.any(Number),
      snapshot: trimmed === 0 ? null : { version: trimmed, state: { s: 1 } },
      outbox: [],
      next_outbox_id: 7,
      newest_key: keyOf(9),
    });
    expect(store.read(1, 100, 1e9)).toEqual(
      Array.from({ length: 9 - trimmed }, (_, index) => JSON.stringify(batch(trimmed + 1 + index))),
    );
    expectAll(store, 1, 9);
    append(store, 10, 12);
    for (const reader of [store, open(crashed(path))]) expectAll(reader, 1, 12);
    store.saveSnapshot(12, '{}');
    store.trim(12, 3);
    for (const reader of [store, open(crashed(path))]) {
      expectAll(reader, 3, 12);
      expect(reader.result(keyOf(2))).toBeNull();
    }
    expect(inspectLog(path)).toBeNull();
  });

  it('[K9] that is damaged is refused and left as it is', () => {
    const path = newPath();
    formatOne(path, { upTo: 9 });
    runSql(path, 'UPDATE batches SET crc = crc + 1 WHERE seq = 6');
    const before = readFileSync(path);
    expect(() => open(path)).toThrow(expect.objectContaining({ code: 'storage_error', retryable: false }));
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(rowOf(path, 'PRAGMA user_version')).toEqual({ user_version: 1 });
    expect(salvage(path, 't')).toMatchObject({ kept: { from: 1, to: 5 }, lost: { from: 6, to: 9 } });
    const fresh = open(path);
    expectAll(fresh, 1, 5);
    append(fresh, 6, 7);
    expectAll(open(crashed(path)), 1, 7);
  });
});

describe('salvage', () => {
  it.each([
    ['with rows', 51],
    ['without', 58],
  ])('keeps the results of what it keeps and forgets those of what is lost, %s', (_name, damaged) => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 30);
    store.saveSnapshot(30, '{}');
    store.trim(11, 0);
    append(store, 31, 55);
    // Writes the rows that wait.
    store.trim(11, 0);
    append(store, 56, 60);
    close(store);
    runSql(path, `UPDATE batches SET crc = crc + 1 WHERE first_version = ${damaged}`);
    const last = damaged - 1;
    expect(salvage(path, 't')).toMatchObject({ kept: { from: 11, to: last }, lost: { from: damaged, to: 60 } });
    for (const reader of [open(path), open(crashed(path))]) {
      expectAll(reader, 1, last);
      // A reply to what is not there would be a lie; its versions are given again.
      for (let version = damaged; version <= 60; version++) expect(reader.result(keyOf(version))).toBeNull();
      expect(reader.state()).toMatchObject({ last_version: last, newest_key: keyOf(last) });
    }
  });

  it('loses no other result to a record that cannot be read', () => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 30);
    store.saveSnapshot(30, '{}');
    store.trim(11, 0);
    append(store, 31, 60);
    close(store);
    runSql(path, `UPDATE batches SET record = '{torn' WHERE first_version = 21`);
    runSql(path, `UPDATE results SET record = '{torn' WHERE key = '${keyOf(5)}'`);
    salvage(path, 't');
    const fresh = open(path);
    for (const version of [5, 21]) expect(fresh.result(keyOf(version))).toBeNull();
    expectAll(fresh, 1, 4);
    expectAll(fresh, 6, 20);
    expectAll(fresh, 22, 60);
  });

  it.each([
    ['a record before the snapshot', `UPDATE batches SET crc = crc + 1 WHERE first_version = 21`, 22, 21],
    ['a hole before the snapshot', 'DELETE FROM batches WHERE first_version = 21', 22, 21],
    ['the last record before the snapshot', 'UPDATE batches SET crc = crc + 1 WHERE first_version = 30', 31, 30],
  ])('keeps the snapshot and all after it when %s is damaged', (_name, sql, from, lost) => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 30);
    store.saveSnapshot(30, '{"s":1}');
    append(store, 31, 60);
    close(store);
    runSql(path, sql);
    expect(salvage(path, 't')).toMatchObject({ kept: { from, to: 60 }, lost: { from: 1, to: lost } });
    expect(inspectLog(path)).toBeNull();
    const fresh = open(path);
    expect(fresh.state()).toMatchObject({ first_version: from, last_version: 60, snapshot: { version: 30 } });
    expect(fresh.read(1, 100, 1e9).length).toBe(61 - from);
  });

  it.each([
    ['is damaged', 'UPDATE batches SET crc = crc + 1 WHERE first_version IN (20, 26)', 21],
    ['and some before it is gone', 'DELETE FROM batches WHERE first_version > 20', 26],
  ])('keeps the snapshot when what follows it %s', (_name, sql, from) => {
    const path = newPath();
    const store = open(path);
    append(store, 1, 30);
    store.saveSnapshot(25, '{"s":1}');
    close(store);
    runSql(path, sql);
    salvage(path, 't');
    expect(inspectLog(path)).toBeNull();
    const fresh = open(path);
    expect(fresh.state()).toMatchObject({
      first_version: from,
      last_version: 25,
      snapshot: { version: 25, state: { s: 1 } },
    });
    append(fresh, 26, 27);
    expect(inspectLog(crashed(path))).toBeNull();
  });
});
