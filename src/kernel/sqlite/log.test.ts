import {
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIds, systemClock } from '../../runtime/index.ts';
import { type Bundles, bundle } from '../fixtures/bundle.ts';
import { ledger } from '../fixtures/ledger.ts';
import { actor } from '../fixtures/open-ledger.ts';
import { openKernel } from '../kernel.ts';
import { batchOf, describeEventLog } from '../log-contract.ts';
import { acquireLock, inspectLog, SqliteLog, type StoreLimits, salvage } from './index.ts';

let bundles: Bundles;
let dir: string;
let files = 0;

beforeAll(async () => {
  bundles = await bundle('sqlite/worker.ts');
  dir = mkdtempSync(join(tmpdir(), 'hf-log-'));
});
afterAll(() => {
  bundles.remove();
  rmSync(dir, { recursive: true, force: true });
});

const newPath = (): string => join(dir, `${files++}.db`);
const open = (path: string, limits: Partial<StoreLimits> = {}): SqliteLog =>
  new SqliteLog({ path, workerPath: bundles.path('sqlite/worker.ts'), limits });

const paths = new WeakMap<object, string>();
function create(path = newPath()): SqliteLog {
  const log = open(path);
  paths.set(log, path);
  return log;
}

describeEventLog('SqliteLog', {
  create,
  async reopen(log) {
    await log.close();
    const next = create(paths.get(log));
    await next.open();
    return next;
  },
});

async function filled(path: string, batches: number): Promise<void> {
  const log = open(path);
  await log.open();
  await log.appendEpoch({ id: 'E1', first_version: 1, at: 1 });
  for (let index = 0; index < batches; index++) await log.append(batchOf(1 + 2 * index, 2));
  await log.close();
}

const corrupt = { code: 'storage_error', retryable: false, details: { corrupt: true } };

describe('A damaged SQLite log', () => {
  const damages: [string, (path: string) => void][] = [
    ['is not a database', (path) => writeFileSync(path, 'no database at all\n'.repeat(1_000))],
    ['has a hole', (path) => runSql(path, 'DELETE FROM batches WHERE first_version = 5')],
    [
      'has a changed record',
      (path) => runSql(path, `UPDATE batches SET record = replace(record, 'noted', 'NOTED') WHERE first_version = 5`),
    ],
    ['has lost its beginning', (path) => runSql(path, 'DELETE FROM batches; UPDATE counters SET first_version = 9')],
    ['has a torn page', (path) => overwrite(path, 3 * 4096, 4096)],
  ];

  it.each(damages)('that %s is refused, left as it is and can be salvaged', async (_name, damage) => {
    const path = newPath();
    await filled(path, 40);
    damage(path);
    const before = readFileSync(path);
    const log = open(path);
    await expect(log.open()).rejects.toMatchObject(corrupt);
    await log.close();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(inspectLog(path)).not.toBeNull();

    const report = salvage(path, 't');
    expect(readFileSync(report.aside).equals(before)).toBe(true);
    // A torn page of an index costs no record: then nothing is lost.
    if (report.kept?.to !== 80) expect(report.lost?.from).toBe((report.kept?.to ?? 0) + 1);
    else expect(report.lost).toBeNull();
    const fresh = open(path);
    const state = await fresh.open();
    expect(state.last_version).toBe(report.kept?.to ?? 0);
    const events = await fresh.read(1, 1_000, 1_000_000);
    expect(events.map(({ version }) => version)).toEqual(
      Array.from({ length: state.last_version }, (_, index) => index + 1),
    );
    await fresh.append(batchOf(state.last_version + 1, 1));
    await fresh.close();
    expect(inspectLog(path)).toBeNull();
  });

  it('keeps every record before the damage, and says which versions are lost', async () => {
    const path = newPath();
    await filled(path, 40);
    runSql(path, 'UPDATE batches SET crc = crc + 1 WHERE first_version = 21');
    expect(salvage(path, 't')).toMatchObject({ kept: { from: 1, to: 20 }, lost: { from: 21, to: 80 } });
  });

  it('of another format is refused', async () => {
    const path = newPath();
    runSql(path, 'CREATE TABLE recipes (name)');
    const log = open(path);
    await expect(log.open()).rejects.toMatchObject(corrupt);
    await log.close();
  });

  it('whose damage lies before the snapshot opens, and reports it to who reads there', async () => {
    const path = newPath();
    await filled(path, 10);
    const log = open(path, { full_check_bytes: 0 });
    await log.open();
    await log.saveSnapshot(20, {});
    await log.close();
    runSql(path, 'UPDATE batches SET crc = crc + 1 WHERE first_version = 3');
    await log.open();
    await expect(log.read(1, 100, 100_000)).rejects.toMatchObject(corrupt);
    await log.close();
  });
});

describe('SqliteLog', () => {
  it('reports a full disk, loses nothing and goes on when there is room', async () => {
    const path = newPath();
    const small = open(path, { max_bytes: 200 * 1024 });
    await small.open();
    let version = 0;
    let refusal: unknown;
    while (refusal === undefined && version < 1_000) {
      await small.append({ ...batchOf(version + 1, 1), saga_steps: [{ pad: 'x'.repeat(10_000) }] }).then(
        () => version++,
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(refusal).toMatchObject({ code: 'storage_full', retryable: true });
    expect(version).toBeGreaterThan(3);
    expect(await small.open()).toMatchObject({ last_version: version });
    await small.close();
    const large = open(path);
    await large.open();
    await large.append(batchOf(version + 1, 1));
    await large.close();
  });

  it('rejects with storage_error where no database can be', async () => {
    const log = open(join(dir, 'nowhere', 'x.db'));
    await expect(log.open()).rejects.toMatchObject({ code: 'storage_error' });
    await log.close();
  });

  it('waits for another process that holds the database for a moment', async () => {
    const path = newPath();
    const log = open(path);
    await log.open();
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const appended = log.append(batchOf(1, 1));
    // That long it holds it; the append is on its way meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100));
    other.exec('ROLLBACK');
    other.close();
    await appended;
    await log.close();
  });

  it('a copy taken while it is written to is a log, too', async () => {
    const path = newPath();
    await filled(path, 5);
    const copy = newPath();
    copyFileSync(path, copy);
    const log = open(copy);
    expect(await log.open()).toMatchObject({ last_version: 10 });
    await log.close();
  });
});

describe('A kernel on a SQLite log', () => {
  it.each(['before', 'after'])('whose thread dies %s a commit starts another and goes on', async (moment) => {
    const faultPlan = `log.append.${moment}=exit@3`;
    const log = new SqliteLog({ path: newPath(), workerPath: bundles.path('sqlite/worker.ts'), faultPlan });
    const fail = (error: Error): never => expect.fail(error.message);
    const kernel = await openKernel({
      domain: ledger,
      log,
      clock: systemClock,
      ids: createIds(systemClock),
      warn: fail,
    });
    const ids = createIds(systemClock);
    const subscription = kernel.subscribe({ since: 0 });
    let failures = 0;
    for (let sent = 0; sent < 9; sent++) {
      const options = { actor, idempotency_key: ids.ulid() };
      const send = () => kernel.execute({ cmd: 'deposit', account: 'a', amount: 1 }, options);
      const commit = await send().catch((error: unknown) => {
        failures++;
        expect(error).toMatchObject({ code: 'storage_error', retryable: true });
        expect(kernel.storage.state).toBe('failing');
        return send();
      });
      expect(commit.version).toBe(sent + 1);
    }
    expect(failures).toBeGreaterThan(1);
    expect(kernel.state.balances.get('a')).toBe(9);
    expect((await subscription.next(100))?.length).toBe(9);
    await kernel.close();
  });
});

describe('acquireLock', () => {
  it('is held by one at a time', () => {
    const path = join(dir, 'lock.db');
    const held = acquireLock(path);
    expect(held).not.toBeNull();
    expect(acquireLock(path)).toBeNull();
    held?.release();
    const next = acquireLock(path);
    expect(next).not.toBeNull();
    next?.release();
  });

  it('says why when the file cannot be used', () => {
    expect(() => acquireLock(join(dir, 'nowhere', 'lock.db'))).toThrow(
      expect.objectContaining({ code: 'storage_error' }),
    );
  });
});

function runSql(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

function overwrite(path: string, offset: number, length: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(length, 0x5a), 0, length, offset);
  closeSync(file);
}
