// Workspaces and connections as real srv processes serve and keep them.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSessionsDomain } from '../domains/sessions/index.ts';
import { openKernel } from '../kernel/index.ts';
import { SqliteLog } from '../kernel/sqlite/index.ts';
import type { SessionRecord, SrvSnapshot } from '../protocol/control/index.ts';
import { createIds, systemClock } from '../runtime/index.ts';
import { type TestConnection, TestHome, untilAsync } from './testing.ts';

const WORKER = fileURLToPath(new URL('../../dist-faults/log-worker.cjs', import.meta.url));
const cat = ['cat'];

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home.clean());

async function tabWithBlock(connection: TestConnection, session_id: string): Promise<void> {
  await connection.request({ cmd: 'create_workspace', workspace_id: 'w', name: '' });
  await connection.request({ cmd: 'create_tab', workspace_id: 'w', tab_id: 't', name: '' });
  await connection.request({ cmd: 'create_block', tab_id: 't', block_id: 'b', session_id, place: {} });
}

async function snapshotOf(connection: TestConnection): Promise<SrvSnapshot> {
  return (await connection.request({ cmd: 'get_srv_snapshot' })) as unknown as SrvSnapshot;
}

describe('a block and its session', () => {
  it('[W11] go together when the command says so: the reply names it and its tree is ended', async () => {
    const connection = await home.up();
    await connection.request({ cmd: 'subscribe' });
    const { id } = await connection.create(cat);
    await connection.event('session_started', id);
    await tabWithBlock(connection, id);
    const deletion = { cmd: 'delete_block', tab_id: 't', block_id: 'b' };
    await expect(connection.request(deletion)).rejects.toMatchObject({ code: 'conflict', field: 'session' });
    const reply = await connection.request({ ...deletion, session: 'terminate' });
    expect(reply).toMatchObject({ deleted: true, terminated: [id], detached: [] });
    expect(await connection.event('session_ended', id)).toMatchObject({ cause: 'terminated' });
    expect(await connection.request({ ...deletion, session: 'terminate' })).toMatchObject({ deleted: false });
  });

  it('[W10] [W11] part when the command says so, and when the session is removed', async () => {
    const connection = await home.up();
    await connection.request({ cmd: 'subscribe' });
    const { id } = await connection.create(cat);
    await tabWithBlock(connection, id);
    expect((await snapshotOf(connection)).state.bindings).toEqual([['b', id]]);
    for (const command of [
      { cmd: 'bind_block', block_id: 'b' },
      { cmd: 'create_block', tab_id: 't' },
    ]) {
      const unknown = connection.request({ ...command, session_id: id.slice(0, 10) });
      await expect(unknown).rejects.toMatchObject({ code: 'not_found', field: 'session_id' });
    }
    const deletion = { cmd: 'delete_block', tab_id: 't', block_id: 'b', session: 'detach' };
    expect(await connection.request(deletion)).toMatchObject({ terminated: [], detached: [id] });
    await connection.request({ cmd: 'create_block', tab_id: 't', block_id: 'c', session_id: id });
    expect((await connection.get(id)).state).not.toBe('ended');
    await connection.request({ cmd: 'remove_session', session: id, force: true });
    expect(await snapshotOf(connection)).toMatchObject({ blocks: [['c', 't']], state: { bindings: [] } });
  });
});

describe('a connection', () => {
  it('[W17] is recorded with its end, and by the next srv when its own was killed', async () => {
    const first = await home.up();
    const second = await home.connect();
    second.close();
    await first.request({ cmd: 'subscribe', since: 0 });
    await first.event('connection_closed');
    await home.kill();
    const next = await home.up();
    await next.request({ cmd: 'subscribe', since: 0 });
    await untilAsync(async () => (await snapshotOf(next)).state.connections.length === 1, 'one connection');
    const history = next.lines.filter(({ event, version }) => event !== 'registered' && version !== undefined);
    expect(history.map(({ event, reason, to }) => reason ?? to ?? event)).toEqual(
      expect.arrayContaining(['process_spawned', 'running', 'eof', 'shutdown', 'starting']),
    );
    const told = (event: string): unknown[] =>
      history.filter((line) => line.event === event).map((line) => line['client_id']);
    const [left] = (await snapshotOf(next)).state.connections;
    expect(told('process_spawned').length).toBe(told('connection_closed').length + 1);
    expect(new Set(told('process_spawned'))).toEqual(new Set([...told('connection_closed'), left![0]]));
  });

  it('[W17] is told of as ended by shutdown when srv ends in order', async () => {
    await home.up();
    await home.down();
    const next = await home.up();
    await next.request({ cmd: 'subscribe', since: 0 });
    expect(await next.event('connection_closed')).toMatchObject({ reason: 'shutdown' });
    const names = next.lines.map(({ event }) => event);
    expect(names.filter((name) => name === 'connection_closed').length).toBe(
      names.filter((name) => name === 'process_spawned').length - 1,
    );
  });
});

it('[W15] a home of the first release goes on with its sessions, its snapshot and its log', async () => {
  mkdirSync(dirname(home.paths.database), { recursive: true, mode: 0o700 });
  const ids = createIds(systemClock);
  const places = { live: (id: string) => `/s/${id}`, archive: '/a' };
  const sessionLimits = {
    memory_bytes: 1 << 20,
    spill_bytes: 1 << 26,
    segment_bytes: 1 << 22,
    stall_ms: 30_000,
    lease_ms: 30_000,
    linger_ms: null,
    allow_lossless: false,
  };
  const kernel = await openKernel({
    domain: createSessionsDomain({ liveSessions: 9, sessionLimits, places }),
    log: new SqliteLog({ path: home.paths.database, workerPath: WORKER, faultPlan: undefined }),
    clock: systemClock,
    ids,
    limits: { snapshot_events: 2 },
    warn(error) {
      throw error;
    },
  });
  const actor = { client_id: 'test', pid: 1, kind: 'tool' };
  for (const name of ['one', 'two', 'three']) {
    const { result } = await kernel.execute({ cmd: 'create_session', name, argv: cat, cwd: '/', env: [] }, { actor });
    const { id } = result['session'] as SessionRecord;
    const error = { code: 'start_failed', message: 'x', retryable: false, details: {} } as const;
    await kernel.execute({ cmd: 'observe_start_failed', session_id: id, error, exit_status: 125 }, { actor });
  }
  const { version } = kernel;
  await kernel.close();

  const connection = await home.up();
  expect((await connection.list()).map(({ name, state }) => [name, state])).toEqual([
    ['one', 'ended'],
    ['two', 'ended'],
    ['three', 'ended'],
  ]);
  const reply = await connection.request({ cmd: 'create_workspace', workspace_id: 'w', name: 'n' });
  expect(Number(reply['version'])).toBeGreaterThan(version);
  await home.kill();
  const again = await home.up();
  expect(await snapshotOf(again)).toMatchObject({ workspaces: [['w', 'n']], state: { sessions: { length: 3 } } });
});
