// Cursors that are good, and every one that is not: each gets its honest answer.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlClient } from '../../src/control/index.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import { type ControlMessage, openControl } from '../support/control-client.ts';
import { Stalled } from '../support/load/stalled.ts';
import { TestRuntime, until } from '../support/runtime.ts';

interface Cursor {
  since: number;
  epoch?: string;
}

/** The least that `retention.events_count` may be. */
const KEPT = 1_000;
/** Events between two snapshots of the state: only then, and at a stop, older ones go. */
const SNAPSHOT_EVENTS = 10_000;
/** Requests of one connection under way. */
const AT_ONCE = 500;

let runtime: TestRuntime;
let client: ControlClient;

async function start(config = ''): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hft-'));
  writeFileSync(join(home, 'config.toml'), config);
  runtime = await TestRuntime.start({ home });
  client = await openControl(runtime);
}
afterEach(() => runtime.close());

/** Stops srv and starts another one; `meanwhile` in between. */
async function restart(meanwhile: () => void = () => undefined): Promise<void> {
  await runtime.holdfast.down();
  meanwhile();
  await runtime.srvPid();
  client = await openControl(runtime);
}

let names = 0;

/** Commits that many events, one by one; returns where it is then. */
async function commit(events: number): Promise<Required<Cursor>> {
  const workspace_id = 'w';
  await client
    .request({ cmd: 'create_workspace', workspace_id, name: '' } as { cmd: string })
    .catch((error: { code: string }) => {
      if (error.code !== 'conflict') throw error as unknown as Error;
    });
  let since = 0;
  for (let left = events; left > 0; left -= AT_ONCE) {
    const replies = Array.from({ length: Math.min(left, AT_ONCE) }, () =>
      client.request({ cmd: 'rename_workspace', workspace_id, name: `${++names}` } as { cmd: string }),
    );
    for (const { version } of await Promise.all(replies)) since = Math.max(since, version);
  }
  return { since, epoch: client.registered.epoch };
}

/** What a subscriber with this cursor is told, up to the current version; rejects with srv's refusal. */
async function subscribed(cursor: Partial<Cursor> & { snapshot?: boolean }): Promise<ControlMessage[]> {
  const heard: ControlMessage[] = [];
  const subscriber = await openControl(runtime, (message) => heard.push(message));
  try {
    await subscriber.request({ cmd: 'subscribe', ...cursor });
    const { since: last } = await commit(1);
    await until(() => heard.some(({ version }) => version === last), `event ${last}`);
    return heard;
  } finally {
    subscriber.close();
  }
}

interface EventList {
  events: { version: number }[];
  complete: boolean;
  next: number;
  epoch: string;
  version: number;
}

async function listed(cursor: Cursor, max?: number): Promise<EventList> {
  const command = { cmd: 'get_events', ...cursor, ...(max === undefined ? {} : { max }) };
  return (await client.request(command)) as unknown as EventList;
}

/** Both ways to use a cursor are refused alike. */
async function expectRefused(cursor: Cursor, code: string, field: string): Promise<void> {
  await expect(subscribed(cursor)).rejects.toMatchObject({ code, field });
  await expect(listed(cursor)).rejects.toMatchObject({ code, field });
  await expect(runtime.holdfast.events(cursor)).rejects.toMatchObject({ code, field });
  // Whoever wants to go on in any case gets the state of now.
  const [first, ...rest] = await subscribed({ ...cursor, snapshot: true });
  expect(first).toMatchObject({ event: 'srv_snapshot', epoch: client.registered.epoch });
  expectContiguous(rest, first!['version'] as number);
}

function expectContiguous(heard: readonly ControlMessage[], since: number): void {
  expect(heard.map(({ version, prev }) => [prev, version])).toEqual(heard.map((_, at) => [since + at, since + at + 1]));
}

async function expectValid(cursor: Cursor): Promise<void> {
  const heard = await subscribed(cursor);
  expectContiguous(heard, cursor.since);
  const list = await listed(cursor);
  expect(list.events.map(({ version }) => version)).toEqual(list.events.map((_, at) => cursor.since + 1 + at));
  expect(list).toMatchObject({ complete: true, next: list.version });
}

describe('a cursor', () => {
  beforeEach(() => start());

  it('[K7] stays valid over restarts and deaths of srv', async () => {
    const cursors = [await commit(20)];
    for (let round = 0; round < 3; round++) {
      if (round === 1) {
        await runtime.killSrv();
        await runtime.srvPid();
        client = await openControl(runtime);
      } else {
        await restart();
      }
      for (const cursor of cursors) {
        await expectValid(cursor);
        await expectValid({ since: cursor.since });
        // Before its own epoch is that epoch's past.
        await expectValid({ ...cursor, since: 3 });
      }
      cursors.push(await commit(20));
    }
    expect(new Set(cursors.map(({ epoch }) => epoch)).size).toBe(4);
    await expectValid({ since: 0 });
  });

  it('[K7] of an epoch that is not in the chain is refused', async () => {
    const { since } = await commit(5);
    await expectRefused({ since, epoch: 'elsewhere' }, 'epoch_unknown', 'epoch');
    await expectRefused({ since: 0, epoch: 'elsewhere' }, 'epoch_unknown', 'epoch');
  });

  it('[K7] from the future is refused', async () => {
    const old = await commit(5);
    await expectRefused({ since: old.since + 1_000 }, 'offset_ahead', 'since');
    await expectRefused({ ...old, since: old.since + 1_000 }, 'epoch_unknown', 'epoch');
    await restart();
    const { since } = await commit(50);
    // That epoch ended before.
    await expectRefused({ ...old, since }, 'epoch_unknown', 'epoch');
  });

  it('[K7] that is newer than a restored backup is noticed, also when the log has grown beyond it again', async () => {
    const { data } = homePaths(runtime.home);
    const backup = join(runtime.home, 'backup');
    const before = await commit(10);
    await restart(() => cpSync(data, backup, { recursive: true }));
    const stream = await runtime.holdfast.events({ since: 0 });
    const newer = await commit(30);
    for (let version = 0; version < newer.since; ) {
      const { value } = await stream.next();
      if (value?.type !== 'event') throw new Error(`${value?.type} in the events`);
      version = value.event.version;
    }
    await restart(() => {
      rmSync(data, { recursive: true });
      cpSync(backup, data, { recursive: true });
    });
    await expectRefused(newer, 'epoch_unknown', 'epoch');
    await expectValid(before);
    const grown = await commit(100);
    expect(grown.since).toBeGreaterThan(newer.since);
    await expectRefused(newer, 'epoch_unknown', 'epoch');
    await expectRefused({ ...newer, since: before.since }, 'epoch_unknown', 'epoch');
  });

  it('[K7] of the very epoch a backup was taken in is good up to there, and refused beyond', async () => {
    const { data } = homePaths(runtime.home);
    const backup = join(runtime.home, 'backup');
    const before = await commit(10);
    // While srv runs and rests: a copy of the database and its journal.
    mkdirSync(backup);
    cpSync(data, backup, { recursive: true });
    const newer = await commit(30);
    await restart(() => {
      rmSync(data, { recursive: true });
      cpSync(backup, data, { recursive: true });
    });
    expect(newer.epoch).toBe(before.epoch);
    await expectValid(before);
    await expectRefused(newer, 'epoch_unknown', 'epoch');
    await commit(100);
    await expectRefused(newer, 'epoch_unknown', 'epoch');
    await expectValid(before);
  });
});

describe('with a short retention', () => {
  beforeEach(() => start(`[retention]\nevents_count = ${KEPT}\n`));

  it('[K6] [K7] a cursor older than that gets a gap of the right size, then all the rest', async () => {
    const old = await commit(10);
    await commit(KEPT + 500);
    await restart();
    const { events: held } = await runtime.holdfast.status();
    const first = held!.first_version;
    expect(held!.last_version - first).toBeGreaterThan(KEPT - 100);
    expect(first).toBeGreaterThan(old.since + 1);
    for (const cursor of [old, { since: 0 }]) {
      const [gap, ...rest] = await subscribed(cursor);
      expect(gap).toEqual({ event: 'gap', from: cursor.since + 1, to: first - 1, reason: 'retention' });
      expectContiguous(rest, first - 1);
      const list = await listed(cursor, 50);
      expect(list.events.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, at) => first + at));
      expect(list).toMatchObject({ complete: false, next: first + 49 });
      // Up to now, but not all of it.
      const all = await listed(cursor);
      expect(all).toMatchObject({ complete: false, next: all.events.at(-1)!.version });
      expect(await listed({ since: all.next })).toMatchObject({ complete: true });
      // All that is left is not all that was asked for.
      expect(await listed(cursor)).toMatchObject({ complete: false });
      const history = await runtime.holdfast.history(cursor);
      expect(history.complete).toBe(false);
      expect(history.events[0]!.version).toBe(first);
    }
    await expectValid({ since: first - 1 });
    const history = await runtime.holdfast.history({ since: first - 1 });
    expect(history.complete).toBe(true);
  });

  it('[K6] [K11] a subscriber that stops reading for so long is told the exact gap, and then hears all the rest', async () => {
    await using stalled = await Stalled.start(runtime);
    const { since } = await commit(2 * SNAPSHOT_EVENTS + 3 * KEPT);
    const retained = 2 * SNAPSHOT_EVENTS - KEPT;
    await until(async () => (await runtime.holdfast.status()).events!.first_version > retained, 'retention to work');
    stalled.readOn();
    const { since: last } = await commit(50);
    expect(last).toBe(since + 50);
    await stalled.check(last);
    expect(stalled.gaps.length).toBe(1);
    expect(stalled.gaps[0]).toMatchObject({ reason: 'retention' });
    expect(stalled.gaps[0]!.to).toBeGreaterThanOrEqual(retained);
    expect(stalled.events).toBeGreaterThan(KEPT);
  });
});
