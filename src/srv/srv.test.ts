import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, processIdentity, systemTable } from '../process/index.ts';
import { sessionDirectory } from '../protocol/home/index.ts';
import { readArchive, TestHome, until, untilAsync } from './testing.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => home.clean());

const cat = ['cat'];
const identity = (pid: number | null) => processIdentity(pid ?? 0)!;

describe('start', () => {
  it('serves an empty home and says what it is', async () => {
    const srv = await home.up();
    expect(await srv.status()).toMatchObject({
      home: home.path,
      srv: { state: 'running', pid: expect.any(Number) },
      sessions: { live: 0, exited: 0 },
      launcher: { state: 'absent' },
      problems: [],
    });
    expect(statSync(home.paths.srvSocket).mode & 0o077).toBe(0);
    expect(await srv.list()).toEqual([]);
  });

  it('[A4] lets one of two starters win, and the other say so', async () => {
    const reports = (await Promise.all([home.start(), home.start()])).map(({ report }) => report.report);
    expect(reports.sort()).toEqual(['lock_held', 'ready']);
    expect((await (await home.connect()).status()).srv.state).toBe('running');
    expect((await home.start()).report).toEqual({ report: 'lock_held' });
  });

  it('replaces a stale socket, and leaves a live one alone', async () => {
    mkdirSync(home.paths.run, { recursive: true });
    const script = `require('net').createServer().listen(${JSON.stringify(home.paths.srvSocket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', script])).toThrow(/./);
    expect(existsSync(home.paths.srvSocket)).toBe(true);
    expect((await (await home.up()).status()).srv.state).toBe('running');
  });

  it('does not take the socket from somebody who answers on it', async () => {
    mkdirSync(home.paths.run, { recursive: true });
    const other = createServer().listen(home.paths.srvSocket);
    await new Promise((resolve) => other.once('listening', resolve));
    const { report } = await home.start();
    expect(report).toMatchObject({
      report: 'failed',
      error: { code: 'conflict', message: expect.stringContaining('srv.sock') },
    });
    expect(existsSync(home.paths.srvSocket)).toBe(true);
    other.close();
    rmSync(home.paths.srvSocket, { force: true });
  });

  it('names the key at fault in config.toml', async () => {
    writeFileSync(home.paths.config, '[limits]\nlive = 1\n');
    expect((await home.start()).report).toMatchObject({
      report: 'failed',
      error: { code: 'invalid_argument', field: 'limits.live' },
    });
  });

  it('refuses a home it cannot write', async ({ skip }) => {
    skip(process.getuid?.() === 0, 'permissions do not bind root');
    chmodSync(home.path, 0o500);
    expect((await home.start()).report).toMatchObject({
      report: 'failed',
      error: { code: 'forbidden', field: 'HOLDFAST_HOME' },
    });
    chmodSync(home.path, 0o700);
  });

  it('leads its own session with nothing of ours in its environment, started from inside a session or not', async () => {
    const { report } = await home.start({ HOLDFAST_SESSION: '01ARZ3NDEKTSV4RRFFQ69G5FAV', HOLDFAST_TOKEN: 'x' });
    expect(report.report).toBe('ready');
    const { srv } = await (await home.connect()).status();
    const environment = systemTable.environment(srv.pid!);
    expect(environment).not.toContain('HOLDFAST_SESSION');
    expect(environment).not.toContain('HOLDFAST_TOKEN');
    expect(environment).toContain('HOLDFAST_RUNTIME=1');
    expect(systemTable.read(srv.pid!)!.session).toBe(srv.pid);
  });
});

it('outlives the session it was started from, with its own sessions', async () => {
  const inner = new TestHome();
  try {
    const outer = await home.up();
    await outer.request({ cmd: 'subscribe' });
    const nested = await outer.create(['sh', '-c', `${inner.command().join(' ')}; exec sleep 1000`], { kind: 'pty' });
    await outer.event('session_started', nested.id);
    await untilAsync(
      () =>
        inner.connect().then(
          () => true,
          () => false,
        ),
      'the inner srv',
    );
    const srv = await inner.connect();
    const started = await srv.create(cat);
    await untilAsync(async () => (await srv.get(started.id)).state === 'running', 'the inner session');
    await outer.request({ cmd: 'remove_session', session: nested.id, force: true });
    expect(await srv.get(started.id)).toMatchObject({ state: 'running' });
    expect(await srv.status()).toMatchObject({ srv: { state: 'running' } });
  } finally {
    await inner.clean();
  }
});

describe('a session', () => {
  it('starts, runs, ends and is removed, and every step is an event', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['sh', '-c', 'echo out; exit 7'], { name: 'seven' });
    await srv.event('session_started', id);
    const exited = await srv.event('session_exited', id);
    expect(exited['exit']).toMatchObject({ code: 7, signal: null, outcome: 'natural_exit' });
    await srv.event('session_ended', id);
    expect(await srv.get('seven')).toMatchObject({
      id,
      state: 'ended',
      exit: { code: 7, cause: 'child' },
      socket: home.paths.archiveSocket,
    });
    await srv.request({ cmd: 'remove_session', session: 'seven' });
    await until(() => readdirSync(home.paths.sessions).length === 0, 'the directory to go');
    expect(await srv.list()).toEqual([]);
  });

  it('is refused with a typed error when its program is missing', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['no-such-program-anywhere']);
    expect(await srv.event('session_start_failed', id)).toMatchObject({
      exit_status: 127,
      error: { code: 'start_failed' },
    });
    expect(await srv.get(id)).toMatchObject({ state: 'ended', exit: { cause: 'start_failed' } });
  });

  it('is terminated, signalled and force-removed', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const one = await srv.create(cat);
    await srv.event('session_started', one.id);
    await expect(srv.request({ cmd: 'remove_session', session: one.id })).rejects.toMatchObject({ code: 'conflict' });
    expect(await srv.request({ cmd: 'terminate_session', session: one.id })).toMatchObject({ already_exited: false });
    expect((await srv.event('session_ended', one.id))['cause']).toBe('terminated');

    const two = await srv.create(['sleep', '1000']);
    await srv.event('session_started', two.id);
    await srv.request({ cmd: 'signal_session', session: two.id, signal: 'SIGUSR1' });
    expect((await srv.event('session_exited', two.id))['exit']).toMatchObject({ signal: 'SIGUSR1' });

    const three = await srv.create(cat);
    await srv.request({ cmd: 'remove_session', session: three.id, force: true });
    expect((await srv.list()).map(({ id }) => id)).not.toContain(three.id);
  });

  it('is started once for one idempotency key', async () => {
    const srv = await home.up();
    const create = { cmd: 'create_session', argv: cat, cwd: '/', env: [], kind: 'pipe' };
    const key = { idempotency_key: ulidNow() };
    const [a, b] = await Promise.all([srv.request(create, key), srv.request(create, key)]);
    expect(a['session']).toEqual(b['session']);
    expect(await srv.list()).toHaveLength(1);
  });

  it('takes the warm spare, which is replaced', async () => {
    const srv = await home.up();
    const spare = async () => (await srv.status()).spare?.pid ?? null;
    await untilAsync(async () => (await spare()) !== null, 'a spare');
    const warm = await spare();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(cat);
    expect((await srv.event('session_started', id))['shim_pid']).toBe(warm);
    await untilAsync(async () => ![null, warm].includes(await spare()), 'another spare');
  });
});

describe('the archive', () => {
  it('serves the log of an ended session, and of no live one', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['sh', '-c', 'printf "one\\ntwo\\n"; exit 3']);
    await srv.event('session_ended', id);
    expect(await readArchive(home.paths, id)).toMatchObject({
      bytes: 'one\ntwo\n',
      exit: { code: 3 },
      end: { cause: 'child' },
    });
    const live = await srv.create(cat);
    await srv.event('session_started', live.id);
    await expect(readArchive(home.paths, live.id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(readArchive(home.paths, 'nobody')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('serves what a killed shim had written, with its last gap', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(['sh', '-c', 'echo spilled; exec sleep 1000']);
    await srv.event('session_started', id);
    const log = join(sessionDirectory(home.paths, id), 'log');
    await until(
      () => existsSync(log) && readdirSync(log).some((name) => readFileSync(join(log, name)).includes('spilled')),
      'the output',
    );
    process.kill((await srv.get(id)).shim_pid!, 'SIGKILL');
    await srv.event('session_lost', id);
    const read = await readArchive(home.paths, id);
    expect(read).toMatchObject({ bytes: 'spilled\n', end: { cause: 'shim_lost' } });
    expect(read.gaps).toEqual([
      expect.objectContaining({ stream: 1, from: 8, to: Infinity, reason: 'shim_lost' }),
      expect.objectContaining({ stream: 2, from: 0 }),
    ]);
  });
});

describe('limits', () => {
  it('of live sessions are kept', async () => {
    writeFileSync(home.paths.config, '[limits]\nlive_sessions = 1\n');
    const srv = await home.up();
    await srv.create(cat);
    await expect(srv.create(cat)).rejects.toMatchObject({ code: 'busy' });
    expect((await srv.status()).limits).toMatchObject({ live_sessions: 1 });
  });

  it('of exited sessions are kept by count, directories included', async () => {
    writeFileSync(home.paths.config, '[retention]\nexited_count = 1\n');
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const first = await srv.create(['true']);
    await srv.event('session_ended', first.id);
    const second = await srv.create(['true']);
    await srv.event('session_ended', second.id);
    expect((await srv.event('session_removed', first.id))['reason']).toBe('retention');
    await until(() => !existsSync(sessionDirectory(home.paths, first.id)), 'the directory to go');
    expect((await srv.list()).map(({ id }) => id)).toEqual([second.id]);
  });
});

it('[L8] keeps the output of a home within its budget, oldest segments first', async () => {
  writeFileSync(home.paths.config, '[limits]\nhome_spill_bytes = 300000\n[session]\nsegment_bytes = 65536\n');
  const srv = await home.up();
  await srv.request({ cmd: 'subscribe' });
  const { id } = await srv.create(['head', '-c', '1000000', '/dev/zero']);
  await srv.event('session_ended', id);
  const log = join(sessionDirectory(home.paths, id), 'log');
  const before = readdirSync(log).sort();
  expect(before.length).toBeGreaterThan(10);
  const bytes = () => readdirSync(log).reduce((sum, name) => sum + statSync(join(log, name)).size, 0);
  await until(() => bytes() <= 300_000, 'segments to go');
  expect(readdirSync(log).sort()).toEqual(before.slice(-readdirSync(log).length));
  expect(await readArchive(home.paths, id)).toMatchObject({
    end: { cause: 'child' },
    gaps: [{ from: 0, reason: 'retention' }],
  });
});

it('replaces a spare that was killed', async () => {
  const srv = await home.up();
  const spare = async () => (await srv.status()).spare?.pid ?? null;
  await untilAsync(async () => (await spare()) !== null, 'a spare');
  const killed = await spare();
  process.kill(killed!, 'SIGKILL');
  await untilAsync(async () => ![null, killed].includes(await spare()), 'another spare');
  await srv.request({ cmd: 'subscribe' });
  await srv.event('session_started', (await srv.create(cat)).id);
});

describe('shutdown', () => {
  it('leaves sessions running, and ends them when asked to', async () => {
    const srv = await home.up();
    await srv.request({ cmd: 'subscribe' });
    const { id } = await srv.create(cat);
    await srv.event('session_started', id);
    const { pid } = await srv.get(id);
    const child = identity(pid);
    await home.down();
    expect(isAlive(child)).toBe(true);
    const next = await home.up();
    expect(await next.get(id)).toMatchObject({ state: 'running' });
    await home.down({ sessions: true });
    expect(isAlive(child)).toBe(false);
    const last = await home.up();
    expect(await last.get(id)).toMatchObject({ state: 'ended', desired: 'stopped' });
  });

  it('goes on when a session is removed before its turn comes', async () => {
    const srv = await home.up();
    const ended: ReturnType<typeof identity>[] = [];
    await srv.request({ cmd: 'subscribe' });
    for (let count = 0; count < 8; count++) {
      const { id } = await srv.create(cat);
      await srv.event('session_started', id);
      ended.push(identity((await srv.get(id)).pid));
    }
    const ids = (await srv.list()).map(({ id }) => id);
    const removals = ids.map((session) => srv.request({ cmd: 'remove_session', session, force: true }));
    const settled = Promise.allSettled(removals);
    await srv.event('session_exited', ids[0]);
    await srv.request({ cmd: 'shutdown', sessions: true });
    await settled;
    expect(ended.filter((child) => isAlive(child))).toEqual([]);
    expect(await (await home.up()).list()).toEqual([]);
  });
});

function ulidNow(): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let text = '';
  for (let rest = Date.now(), i = 0; i < 10; i++, rest = Math.floor(rest / 32)) text = alphabet[rest % 32]! + text;
  return text + '0'.repeat(16);
}
