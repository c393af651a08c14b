/** A start that is killed on its way: one claim, one child or none, and an honest word about it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Holdfast, HoldfastError, type SessionRecord } from '../../src/client/index.ts';
import { isAlive, processIdentity, systemTable } from '../../src/process/index.ts';
import { homePaths, sessionDirectory } from '../../src/protocol/home/index.ts';
import type { Claim, LaunchReport, LaunchSpec, Manifest } from '../../src/protocol/launch/index.ts';
import { FAULTS_LOADER, soon, TestRuntime, until } from '../support/runtime.ts';

/** Leaves a line for each time it is started, and stays. */
function counted(runtime: TestRuntime, then = 'exec sleep 1000'): { argv: string[]; starts: () => number } {
  const file = join(runtime.home, 'starts');
  const starts = (): number => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0);
  return { argv: ['/bin/sh', '-c', `echo $$ >> ${file}; ${then}`], starts };
}

const claimOf = (home: string, id: string): Claim =>
  JSON.parse(readFileSync(join(sessionDirectory(homePaths(home), id), 'claim'), 'utf8')) as Claim;

/** Live processes that carry the session's mark. */
function marked(id: string): number[] {
  const rows = systemTable
    .list()
    .filter(({ gone, pid }) => !gone && systemTable.environment(pid).includes(`HOLDFAST_SESSION=${id}`));
  return rows.map(({ pid }) => pid);
}

async function eventsOf(holdfast: Holdfast, id: string): Promise<string[]> {
  const { events } = await holdfast.history();
  return events.filter((event) => event['session_id'] === id).map(({ event }) => event);
}

function createIn(runtime: TestRuntime, argv: string[], kind: 'pipe' | 'pty' = 'pipe'): Promise<SessionRecord> {
  const created = runtime.holdfast.create({ argv, kind, cwd: runtime.home, env: Object.entries(runtime.env) });
  return created.then(({ record }) => record);
}

describe('a shim killed while it starts', () => {
  it.each(['shim.claim.before', 'shim.claim.after'])(
    '[A3] [S2] at %s is a failed start, said at once, without a child',
    async (point) => {
      await using runtime = await TestRuntime.start({ faults: `${point}=kill` });
      const { argv, starts } = counted(runtime);
      await expect(runtime.run(argv, { name: 'doomed' })).rejects.toMatchObject({
        code: 'start_failed',
        retryable: true,
      });
      const { record } = await runtime.holdfast.get('doomed');
      expect(record).toMatchObject({ state: 'ended', pid: null, exit: { cause: 'start_failed', code: null } });
      expect(await eventsOf(runtime.holdfast, record.id)).toEqual(['session_created', 'session_start_failed']);
      expect(claimOf(runtime.home, record.id).by).toBe(point === 'shim.claim.before' ? 'aborted' : 'shim');
      const { status, stdout, stderr } = runtime.command(['run', '--', ...argv]);
      expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toMatch(/^holdfast: .*the shim ended before/);
      expect(starts()).toBe(0);
      expect(marked(record.id)).toEqual([]);
    },
  );

  it.each(['shim.started.before', 'shim.started.after'])(
    '[A3] [S2] at %s is a lost session, and its child is ended',
    async (point) => {
      await using runtime = await TestRuntime.start({ faults: `${point}=kill` });
      const { argv } = counted(runtime);
      const { id } = await createIn(runtime, argv, 'pty');
      const record = await runtime.holdfast.wait(id, { for: 'end' });
      expect(record).toMatchObject({
        state: 'lost',
        exit: { cause: 'shim_lost', code: null },
        survivors: [],
        start_error: null,
      });
      const names = await eventsOf(runtime.holdfast, id);
      expect(names.filter((name) => name === 'session_started')).toHaveLength(1);
      expect(names.at(-1)).toBe('session_lost');
      expect(processIdentity(record.pid!)).toBeUndefined();
      expect(marked(id)).toEqual([]);
      const { status, stderr } = runtime.command(['run', '--pipe', '--', ...argv]);
      expect(status).toBe(125);
      expect(stderr).toMatch(/^holdfast: /);
    },
  );
});

describe.concurrent('a session that nobody claims', () => {
  it('[A1] [S3] [K4] because srv was killed between commit and start, is aborted after 10 s, and the retry by key hears of that one', {
    timeout: 60_000,
  }, async () => {
    await using runtime = await TestRuntime.start({ faults: 'broker.assign.before=kill' });
    const { argv, starts } = counted(runtime);
    // The client asks again by itself, with its key.
    const { id, state } = await createIn(runtime, argv);
    expect(state).toBe('starting');
    const record = await soon(runtime.holdfast.wait(id, { for: 'started' }), 'the start to be aborted');
    expect(record).toMatchObject({ state: 'ended', start_error: { code: 'timeout' }, exit: { cause: 'start_failed' } });
    expect(claimOf(runtime.home, id).by).toBe('aborted');
    expect(await runtime.holdfast.list()).toHaveLength(1);
    expect(await eventsOf(runtime.holdfast, id)).toEqual(['session_created', 'session_start_failed']);
    expect(starts()).toBe(0);
  });

  it('[S3] in time is aborted, and the shim that comes too late is fenced and starts no child', {
    timeout: 60_000,
  }, async () => {
    await using runtime = await TestRuntime.start({ faults: 'shim.claim.before=delay:11500' });
    const { argv, starts } = counted(runtime);
    const { id } = await createIn(runtime, argv);
    const [late, ...others] = systemTable.list().filter(({ pid, gone }) => !gone && isShimOf(runtime, pid));
    expect(others).toEqual([]);
    const record = await soon(runtime.holdfast.wait(id, { for: 'started' }), 'the start to be aborted');
    expect(isAlive(late!)).toBe(true);
    expect(record).toMatchObject({ state: 'ended', start_error: { code: 'timeout' } });
    expect(claimOf(runtime.home, id).by).toBe('aborted');
    await until(() => !isAlive(late!), 'the late shim to leave');
    expect(starts()).toBe(0);
    expect(existsSync(join(sessionDirectory(homePaths(runtime.home), id), 'manifest.json'))).toBe(false);
  });
});

describe('srv killed when its shim is on the way', () => {
  it('[A1] [S2] [K4] leaves one session, one claim and one child', async () => {
    await using runtime = await TestRuntime.start({ faults: 'broker.assign.after=kill' });
    const { argv, starts } = counted(runtime);
    const { id } = await createIn(runtime, argv);
    const record = await runtime.holdfast.wait(id, { for: 'started' });
    expect(record.state).toBe('running');
    await until(() => starts() > 0, 'the child to be there');
    expect(claimOf(runtime.home, id)).toMatchObject({ by: 'shim', pid: record.shim_pid });
    expect((await eventsOf(runtime.holdfast, id)).filter((name) => name === 'session_started')).toHaveLength(1);
    expect(starts()).toBe(1);
    expect(marked(id)).toEqual([record.pid]);
  });
});

describe('a second shim', () => {
  it('[S2] for a session that runs is told whose it is and starts nothing', async () => {
    await using runtime = await TestRuntime.start();
    const { argv, starts } = counted(runtime);
    const session = await runtime.run(argv);
    await until(() => starts() > 0, 'the child to be there');
    const paths = homePaths(runtime.home);
    const directory = sessionDirectory(paths, session.id);
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as Manifest;
    const token = readFileSync(paths.secret, 'utf8').trim();
    const spec: LaunchSpec = {
      ...manifest,
      launch: 1,
      session_dir: directory,
      socket_path: join(paths.run, 'second'),
      token,
    };
    expect(await secondShim(spec)).toEqual({ report: 'fenced', claim: claimOf(runtime.home, session.id) });
    expect(starts()).toBe(1);
    expect(existsSync(spec.socket_path)).toBe(false);
    expect(await session.record()).toMatchObject({ state: 'running', shim_pid: claimOf(runtime.home, session.id).pid });
    await session.ping();
  });
});

/** Whether it is a shim that this runtime's srv started. */
function isShimOf(runtime: TestRuntime, pid: number): boolean {
  const environment = systemTable.environment(pid);
  const row = systemTable.read(pid);
  return (
    row !== undefined &&
    systemTable.command(row).includes('--process=shim') &&
    environment.includes(`HOME=${runtime.home}\0`)
  );
}

/** Launches a shim by hand; resolves with its report once it has left. */
async function secondShim(spec: LaunchSpec): Promise<LaunchReport> {
  const shim = spawn(process.execPath, [FAULTS_LOADER, '--process=shim'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const pipe = shim.stdio[3] as Readable & Writable;
  const said: Buffer[] = [];
  pipe.on('data', (bytes: Buffer) => said.push(bytes));
  pipe.write(`${JSON.stringify(spec)}\n`);
  const left = new Promise<void>((resolve, reject) => {
    shim.once('error', reject);
    shim.once('close', () => resolve());
  });
  await soon(left, 'the second shim to leave');
  const text = Buffer.concat(said).toString();
  if (text === '') throw new HoldfastError('shim_lost', 'it said nothing');
  return JSON.parse(text) as LaunchReport;
}
