import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootId, isAlive, processIdentity, systemTable } from '../process/index.ts';
import { sessionDirectory } from '../protocol/home/index.ts';
import { TestHome, until, untilAsync } from './testing.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home.clean());

const cat = ['cat'];
const identity = (pid: number | null) => processIdentity(pid ?? 0)!;

describe('kill -9 of srv', () => {
  it('[A1] costs no session, and the next srv adopts them', async () => {
    const first = await home.up();
    await first.request({ cmd: 'subscribe' });
    const sessions = await Promise.all([1, 2, 3].map(() => first.create(cat)));
    for (const { id } of sessions) await first.event('session_started', id);
    const before = await first.list();
    await home.kill();
    const second = await home.up();
    const after = await second.list();
    expect(after.map(({ id, state, pid, shim_pid }) => ({ id, state, pid, shim_pid }))).toEqual(
      before.map(({ id, pid, shim_pid }) => ({ id, state: 'running', pid, shim_pid })),
    );
    const list = await second.request({ cmd: 'get_events', since: 0 });
    expect((list['events'] as { event: string }[]).filter(({ event }) => event === 'session_adopted')).toHaveLength(3);
    await second.request({ cmd: 'terminate_session', session: sessions[0]!.id });
    await until(() => processIdentity(before[0]!.pid!) === undefined, 'the child to end');
  });

  it('between two starts ends what ended meanwhile from its log, with its true exit', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['sh', '-c', 'read line; exit 9']);
    await srv.event('session_started', id);
    const { pid, shim_pid } = await srv.get(id);
    const shim = identity(shim_pid);
    await home.kill();
    process.kill(pid!, 'SIGTERM');
    await until(() => !isAlive(shim), 'the shim to leave');
    const next = await home.up();
    expect(await next.get(id)).toMatchObject({ state: 'ended', exit: { signal: 'SIGTERM', cause: 'child' } });
  });

  it('after a termination was committed and before it was forwarded: the next srv does it', async () => {
    // Fourth batch: connected, created, started, desired.
    const first = await home.up({ HOLDFAST_FAULT_PLAN: 'kernel.reply.before=kill@4' });
    await first.request({ cmd: 'subscribe' });
    const { id } = await first.create(cat);
    await first.event('session_started', id);
    await expect(first.request({ cmd: 'terminate_session', session: id })).rejects.toThrow('disconnected');
    const next = await home.up();
    await next.request({ cmd: 'subscribe', since: 0 });
    expect(await next.event('session_desired', id)).toMatchObject({ desired: 'stopped' });
    expect(await next.event('session_ended', id)).toMatchObject({ cause: 'terminated' });
  });

  it('[W11] after a block was deleted with its session and before that was ended: the next srv ends it', async () => {
    // Connected, created, started, workspace, tab, block, deleted.
    const first = await home.up({ HOLDFAST_FAULT_PLAN: 'kernel.reply.before=kill@7' });
    await first.request({ cmd: 'subscribe' });
    const { id } = await first.create(cat);
    await first.event('session_started', id);
    await first.request({ cmd: 'create_workspace', workspace_id: 'w', name: '' });
    await first.request({ cmd: 'create_tab', workspace_id: 'w', tab_id: 't', name: '' });
    await first.request({ cmd: 'create_block', tab_id: 't', block_id: 'b', session_id: id, place: {} });
    const deletion = { cmd: 'delete_block', tab_id: 't', block_id: 'b', session: 'terminate' };
    await expect(first.request(deletion)).rejects.toThrow('disconnected');
    const next = await home.up();
    await next.request({ cmd: 'subscribe', since: 0 });
    expect(await next.event('session_ended', id)).toMatchObject({ cause: 'terminated' });
    expect(next.lines.filter(({ event }) => event === 'block_deleted')).toHaveLength(1);
  });

  it.each(['broker.assign.before', 'broker.assign.after'])(
    'at %s leaves one outcome for the session',
    async (point) => {
      const first = await home.up({ HOLDFAST_FAULT_PLAN: `${point}=kill` });
      await first
        .request({ cmd: 'create_session', argv: cat, cwd: '/', env: [['PATH', '/usr/bin:/bin']], kind: 'pipe' })
        .catch(() => undefined);
      await first.event('disconnected');
      const next = await home.up();
      await next.request({ cmd: 'subscribe', since: 0 });
      const [session] = await next.list();
      if (point === 'broker.assign.before') {
        expect(await next.event('session_start_failed', session!.id)).toMatchObject({ error: { code: 'timeout' } });
      } else {
        await next.event('session_started', session!.id);
        expect(await next.get(session!.id)).toMatchObject({ state: 'running' });
      }
    },
  );
});

describe('a dead shim', () => {
  it('[A3] ends its session only, as lost, with the rest of its tree', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const victim = await srv.create(['sh', '-c', 'trap "" HUP TERM; setsid sleep 1000 & sleep 1000'], { kind: 'pty' });
    const other = await srv.create(cat);
    await srv.event('session_started', victim.id);
    await srv.event('session_started', other.id);
    const { shim_pid, pid } = await srv.get(victim.id);
    const child = identity(pid);
    process.kill(shim_pid!, 'SIGKILL');
    expect(await srv.event('session_lost', victim.id)).toMatchObject({ cause: 'shim_lost', survivors: [] });
    expect(isAlive(child)).toBe(false);
    expect(marked(victim.id)).toEqual([]);
    expect(await srv.get(victim.id)).toMatchObject({ state: 'lost', exit: { cause: 'shim_lost', code: null } });
    expect(await srv.get(other.id)).toMatchObject({ state: 'running' });
  });

  it.each([
    ['a dead pid', { pid: 2 ** 22 + 5, start_time: 1 }],
    ['a reused pid', { pid: process.pid, start_time: 1 }],
  ])('whose claim names %s is not adopted', async (_name, claimed) => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(cat);
    await srv.event('session_started', id);
    const { shim_pid } = await srv.get(id);
    await home.kill();
    const file = join(sessionDirectory(home.paths, id), 'claim');
    const claim = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...claim, ...claimed }));
    process.kill(shim_pid!, 'SIGKILL');
    const next = await home.up();
    await next.request({ cmd: 'subscribe', since: 0 });
    await next.event('session_lost', id);
    expect(processIdentity(process.pid)).toBeDefined();
  });

  it('of another boot is told as a reboot', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(cat);
    await srv.event('session_started', id);
    const { shim_pid } = await srv.get(id);
    await home.kill();
    process.kill(shim_pid!, 'SIGKILL');
    const file = join(sessionDirectory(home.paths, id), 'claim');
    writeFileSync(file, readFileSync(file, 'utf8').replace(bootId(), '00000000-0000-0000-0000-000000000000'));
    const next = await home.up();
    expect(await next.get(id)).toMatchObject({ state: 'lost', exit: { cause: 'reboot' } });
  });
});

describe('a damaged or missing database', () => {
  it('[A7] [K9] is not written to: safe mode shows sessions and refuses changes, until it is repaired', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(cat, { name: 'kept' });
    await srv.event('session_started', id);
    await home.down();
    damage(home.paths.database);
    const before = readFileSync(home.paths.database);
    const safe = await home.up();
    expect(await safe.status()).toMatchObject({ srv: { state: 'safe_mode' }, sessions: { live: 1 } });
    expect((await safe.status()).problems?.join()).toContain('doctor --repair');
    expect(await safe.get(id)).toMatchObject({ state: 'running' });
    await expect(safe.create(cat)).rejects.toMatchObject({
      code: 'storage_error',
      message: expect.stringContaining('doctor --repair'),
    });
    await expect(safe.request({ cmd: 'create_workspace', name: '' })).rejects.toMatchObject({ code: 'storage_error' });
    expect(await safe.request({ cmd: 'get_srv_snapshot' })).toMatchObject({ state: { sessions: [{ id }] } });
    expect(readFileSync(home.paths.database).equals(before)).toBe(true);
    const { shim_pid } = await safe.get(id);
    await home.down();
    expect(home.repair()).toMatchObject({ ok: true, repaired: true, damage: expect.stringMatching(/./) });
    const repaired = await home.up();
    expect(await repaired.status()).toMatchObject({ srv: { state: 'running' }, problems: [] });
    await untilAsync(async () => (await repaired.list())[0]?.state === 'running', 'the adoption');
    expect(await repaired.get(id)).toMatchObject({ shim_pid });
    expect(() => home.repair()).toThrow(/holdfast down/);
  });

  it('[A7] gone with sessions alive: they are adopted from their manifests', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['sleep', '1000'], { originator: 'me' });
    await srv.event('session_started', id);
    const { pid } = await srv.get(id);
    await home.kill();
    rmSync(home.paths.data, { recursive: true });
    const next = await home.up();
    await untilAsync(async () => (await next.list())[0]?.state === 'running', 'the adoption');
    expect(await next.get(id)).toMatchObject({ pid, argv: ['sleep', '1000'], originator: 'me' });
  });
});

/** Live processes that carry the session's mark. */
function marked(id: string): number[] {
  return systemTable
    .list()
    .filter((row) => !row.gone && systemTable.environment(row.pid).includes(`HOLDFAST_SESSION=${id}`))
    .map(({ pid }) => pid);
}

function damage(file: string): void {
  rmSync(`${file}-wal`, { force: true });
  rmSync(`${file}-shm`, { force: true });
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
  closeSync(fd);
}
