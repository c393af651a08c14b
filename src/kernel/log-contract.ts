/** What every event log keeps to: a suite over a factory, run on each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch, EventLog, OutboxRow, Recorded, StoredResult } from './contract.ts';

export interface LogFactory {
  create(): EventLog;
  /** Closes the log and opens the same store again, as a new process would. */
  reopen(log: EventLog): Promise<EventLog>;
}

export const at = 1_700_000_000_000;

export function event(version: number, name = 'noted'): Recorded<{ event: string }> {
  return { event: name, version, at: at + version };
}

export function batchOf(firstVersion: number, count: number, more: Partial<Batch> = {}): Batch {
  const events = Array.from({ length: count }, (_, index) => event(firstVersion + index));
  return { first_version: firstVersion, events, results: [], outbox: [], acknowledged: [], saga_steps: [], ...more };
}

const stored = (key: string, time = at): StoredResult => ({
  key,
  body_hash: 'h',
  version: 1,
  result: { a: [1] },
  at: time,
});
const row = (id: number): OutboxRow => ({ id, target: 'peer', body: { n: id }, deadline_ms: 1_000, at });
const versions = (events: readonly { version: number }[]): number[] => events.map(({ version }) => version);

export function describeEventLog(name: string, factory: LogFactory): void {
  describe(`${name} as an event log`, () => {
    let log: EventLog;
    beforeEach(async () => {
      log = factory.create();
      await log.open();
    });
    afterEach(() => log.close());

    it('is empty at first', async () => {
      expect(await log.open()).toEqual({
        epochs: [],
        first_version: 1,
        last_version: 0,
        snapshot: null,
        outbox: [],
        next_outbox_id: 1,
        replay_size: 0,
        newest_key: null,
      });
      expect(await log.read(1, 10, 1_000)).toEqual([]);
    });

    it('gives back what was appended, also after a reopen', async () => {
      await log.append(batchOf(1, 2, { results: [stored('01A')], outbox: [row(1), row(2)] }));
      await log.appendEpoch({ id: 'E1', first_version: 3, at });
      await log.append(batchOf(3, 1, { acknowledged: [{ id: 1, outcome: 'done', at }] }));
      for (let round = 0; round < 2; round++) {
        const state = await log.open();
        expect(state).toMatchObject({ first_version: 1, last_version: 3, next_outbox_id: 3, newest_key: '01A' });
        expect(state.epochs).toEqual([{ id: 'E1', first_version: 3, at }]);
        expect(state.outbox).toEqual([row(2)]);
        expect(await log.read(1, 10, 10_000)).toEqual([event(1), event(2), event(3)]);
        expect(await log.result('01A')).toEqual(stored('01A'));
        expect(await log.result('01B')).toBeNull();
        log = await factory.reopen(log);
      }
    });

    it('keeps a batch without events', async () => {
      await log.append(batchOf(1, 0, { results: [stored('01A')] }));
      await log.append(batchOf(1, 1));
      await log.append(batchOf(2, 0, { results: [stored('01B')] }));
      log = await factory.reopen(log);
      expect(await log.open()).toMatchObject({ last_version: 1, newest_key: '01B' });
      expect(versions(await log.read(1, 10, 1_000))).toEqual([1]);
    });

    it('refuses a batch that does not follow, without any effect', async () => {
      await log.append(batchOf(1, 2));
      for (const wrong of [1, 2, 4]) {
        const refused = log.append(batchOf(wrong, 1, { results: [stored('01X')] }));
        await expect(refused).rejects.toMatchObject({ code: 'storage_error' });
      }
      expect(await log.result('01X')).toBeNull();
      expect(await log.open()).toMatchObject({ last_version: 2 });
      await log.append(batchOf(3, 1));
    });

    it('takes appends one after the other without waiting', async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => log.append(batchOf(1 + 2 * index, 2))));
      expect(versions(await log.read(1, 1_000, 1_000_000))).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
    });

    it('fails what was queued behind a refused append', async () => {
      const outcomes = await Promise.allSettled([
        log.append(batchOf(1, 1)),
        log.append(batchOf(7, 1)),
        log.append(batchOf(8, 1)),
        log.append(batchOf(2, 1)),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
      expect(await log.open()).toMatchObject({ last_version: 2 });
    });

    it('reads from the middle of a batch, within the limits, and at least one', async () => {
      for (let first = 1; first <= 301; first += 3) await log.append(batchOf(first, 3));
      expect(versions(await log.read(2, 3, 1_000_000))).toEqual([2, 3, 4]);
      expect(versions(await log.read(300, 100, 1_000_000))).toEqual([300, 301, 302, 303]);
      expect(versions(await log.read(5, 1, 1))[0]).toBe(5);
      expect((await log.read(1, 300, 400)).length).toBeLessThan(30);
      expect((await log.read(1, 303, 1_000_000)).length).toBe(303);
      expect(await log.read(304, 10, 1_000)).toEqual([]);
    });

    it('keeps the newest snapshot, as it was when it was given', async () => {
      await log.append(batchOf(1, 4));
      const state = { n: 1 };
      const saved = log.saveSnapshot(2, state);
      state.n = 2;
      await saved;
      expect((await log.open()).snapshot).toEqual({ version: 2, state: { n: 1 } });
      await log.saveSnapshot(4, { n: 4 });
      log = await factory.reopen(log);
      expect((await log.open()).snapshot).toEqual({ version: 4, state: { n: 4 } });
      expect((await log.open()).last_version).toBe(4);
    });

    it('trims events and results, never past the snapshot', async () => {
      for (let version = 1; version <= 10; version++) {
        await log.append(batchOf(version, 1, { results: [stored(`01${version}`, at + version)] }));
      }
      await log.trim(8, at + 6);
      expect(await log.open()).toMatchObject({ first_version: 1, last_version: 10 });
      expect(await log.result('015')).toBeNull();
      expect(await log.result('016')).not.toBeNull();
      await log.saveSnapshot(5, {});
      await log.trim(8, 0);
      log = await factory.reopen(log);
      expect(await log.open()).toMatchObject({ first_version: 6, last_version: 10 });
      expect(versions(await log.read(1, 10, 10_000))).toEqual([6, 7, 8, 9, 10]);
    });

    it('says how much a replay reads', async () => {
      await log.append(batchOf(1, 3));
      await log.saveSnapshot(3, {});
      expect((await log.open()).replay_size).toBe(0);
      const batch = batchOf(4, 2);
      const size = await log.append(batch);
      const { replay_size } = await log.open();
      expect(replay_size).toBeLessThanOrEqual(size);
      expect(replay_size).toBeGreaterThan(batch.events.length * JSON.stringify(batch.events[0]).length * 0.9);
    });

    it('goes on after everything was trimmed', async () => {
      await log.append(batchOf(1, 3));
      await log.saveSnapshot(3, {});
      await log.trim(4, 0);
      log = await factory.reopen(log);
      expect(await log.open()).toMatchObject({ first_version: 4, last_version: 3 });
      await log.append(batchOf(4, 1));
      log = await factory.reopen(log);
      expect(versions(await log.read(1, 10, 1_000))).toEqual([4]);
    });

    it('refuses to work when closed', async () => {
      await log.close();
      await expect(log.append(batchOf(1, 1))).rejects.toMatchObject({ code: 'storage_error' });
      await log.open();
    });
  });
}
