/** A client, a shim, the session the runtime was started from: each is killed, and only what was its own ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/client/index.ts';
import { isAlive, processIdentity, systemTable } from '../../src/process/index.ts';
import { homePaths, sessionDirectory } from '../../src/protocol/home/index.ts';
import { Flood } from '../support/flood.ts';
import { openOracleRead, type OracleRead } from '../support/oracle-reader.ts';
import { FAULTS_LOADER, killHard, soon, TestRuntime, until } from '../support/runtime.ts';
import { SessionWatch } from '../support/session-watch.ts';
import { srvProcesses } from '../support/srv-processes.ts';

const LEASE_MS = 2_000;
const TEST_MS = 60_000;

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await TestRuntime.start();
});
afterEach(() => runtime.close());

const holdfastIn = (home: string, ...args: string[]): string =>
  `env HOLDFAST_HOME=${home} ${process.execPath} ${FAULTS_LOADER} ${args.join(' ')}`;

/** A session on whose terminal `holdfast attach` shows another one. */
async function attachedFrom(session: Session): Promise<{ pid: number }> {
  const outer = await runtime.run(['/bin/sh', '-c', `exec ${holdfastIn(runtime.home, 'attach', session.id)}`], {
    kind: 'pty',
  });
  const { pid } = await outer.record();
  return { pid: pid! };
}

describe('kill -9 of a client', () => {
  it('[A2] [I3] that is attached changes nothing: child, other readers and its lease stay, the lease for its time', {
    timeout: TEST_MS,
  }, async () => {
    const flood = await Flood.start(runtime, 1);
    const [{ session: bystander } = { session: undefined }] = flood.sessions;
    const reads = await flood.read();
    const session = await runtime.run(['/bin/cat'], { kind: 'pty', limits: { lease_ms: LEASE_MS } });
    const { pid } = await attachedFrom(session);
    await until(async () => (await session.record()).driver?.connected === true, 'the client to drive');
    await session.write('x').then(
      () => expect.unreachable('another client wrote'),
      (error: unknown) => expect(error).toMatchObject({ code: 'not_driver' }),
    );
    const { driver } = await session.record();
    await killHard(pid);
    await until(async () => (await session.record()).driver?.connected === false, 'the loss to be noticed');
    const lostAt = performance.now();
    expect((await session.record()).driver).toMatchObject({ epoch: driver!.epoch, client_id: driver!.client_id });
    await expect(session.write('x')).rejects.toMatchObject({ code: 'not_driver' });
    await until(async () => (await session.record()).driver === null, 'the lease to expire');
    // It was lost a little before it was noticed.
    expect(performance.now() - lostAt).toBeGreaterThan(LEASE_MS / 2);
    await session.write('free\r');
    expect(await session.record()).toMatchObject({ state: 'running' });
    flood.expectAllAlive();
    flood.stop();
    flood.expectWhole(flood.sessions[0]!, await reads[0]!.result);
    await bystander!.wait({ for: 'end' });
  });

  it('[A2] [R2] [L1] that held its child up lets it run on, and no byte is missing', { timeout: TEST_MS }, async () => {
    const bytes = 8 * 1024 * 1024;
    const oracle = new URL('../support/oracle.mjs', import.meta.url).pathname;
    const client = runtime.spawn([
      'run',
      '--pipe',
      '--name',
      'held',
      '--',
      process.execPath,
      oracle,
      String(bytes),
      '65536',
      '7',
    ]);
    // Nobody reads what the client prints: it is full soon, and so is everything up to the child.
    await until(
      async () => (await runtime.holdfast.list()).some(({ name, pid }) => name === 'held' && pid !== null),
      'the session',
    );
    const { session, record } = await runtime.holdfast.get('held');
    const child = processIdentity(record.pid!)!;
    await until(async () => (await session.record()).driver?.connected === true, 'the client to drive');
    const reader = openOracleRead(session);
    await reader.opened;
    await until(
      async () => (await SessionWatch.facts(runtime.home, session)).child!.throttled !== null,
      'the child to be held up',
    );
    expect(isAlive(child)).toBe(true);
    await killHard(client.pid!);
    const read = await reader.result;
    expect({ bytes: read.streams.get(1)?.bytes, gaps: read.gaps }).toEqual({ bytes, gaps: [] });
    expect(read.exit).toMatchObject({ code: 7 });
  });
});

describe('kill -9 of a shim', () => {
  it('[A3] [L5] [L4] ends its session only: what it had written is there, then a gap of unknown size, then the end', {
    timeout: TEST_MS,
  }, async () => {
    const flood = await Flood.start(runtime);
    const reads = await flood.read();
    const position = (at: number): Promise<number> =>
      flood.sessions[at]!.session.backlog().then(({ offset, bytes }) => offset + bytes.length);
    await until(async () => (await position(0)) > 200_000 && (await position(1)) > 200_000, 'some output');
    const victims = flood.sessions.slice(0, 2);
    const others = flood.sessions.slice(2);
    for (const { shim } of victims) process.kill(shim.pid, 'SIGKILL');
    for (const [at, { session, child, pty }] of victims.entries()) {
      const record = await session.wait({ for: 'end' });
      expect(record).toMatchObject({
        state: 'lost',
        exit: { cause: 'shim_lost', code: null, signal: null },
        survivors: [],
      });
      expect(isAlive(child)).toBe(false);
      const live = await reads[at]!.result;
      const late = await openOracleRead(session, { pty }).result;
      for (const read of [live, late]) expectTorn(read);
      // Whoever was there had at most what is on disk (bytes are spilled before anyone gets them).
      expect(late.streams.get(1)!.bytes).toBeGreaterThan(200_000);
      expect(live.streams.get(1)!.bytes).toBe(late.streams.get(1)!.bytes);
      expect(record.socket).toBe(homePaths(runtime.home).archiveSocket);
    }
    flood.expectAllAlive(others);
    flood.stop();
    for (const [at, session] of others.entries()) flood.expectWhole(session, await reads[at + 2]!.result);
    const { events } = await runtime.holdfast.history();
    const lost = events.filter(({ event }) => event === 'session_lost').map((event) => event['session_id']);
    expect(lost.sort()).toEqual(victims.map(({ session }) => session.id).sort());
  });

  it('[A3] ends the rest of its tree, or lists it', async () => {
    const pids = join(runtime.home, 'pids');
    // One in the group, one in a session of its own that ignores TERM, one without the mark in its environment as well.
    const script = [
      `sleep 1001 & echo $! >> ${pids}`,
      `setsid sh -c 'trap "" TERM HUP; echo $$ >> ${pids}; while :; do sleep 1002; done' &`,
      `setsid env -i /bin/sh -c 'echo $$ >> ${pids}; exec /bin/sleep 1003' &`,
      'wait',
    ].join('\n');
    const session = await runtime.run(['/bin/sh', '-c', script], { kind: 'pipe' });
    const written = (): number[] => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').map(Number) : []);
    await until(() => written().length === 3, 'the tree');
    const tree = written().map((pid) => processIdentity(pid)!);
    const { shim_pid } = await session.record();
    await killHard(shim_pid!);
    const record = await session.wait({ for: 'end' });
    expect(record.state).toBe('lost');
    const left = tree.filter((member) => isAlive(member)).map(({ pid }) => pid);
    const listed = record.survivors.map(({ pid }) => pid);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    expect(left.filter((pid) => !listed.includes(pid))).toEqual([]);
  });
});

/** Bytes up to somewhere, nothing known from there on, no exit, the end. */
function expectTorn(read: OracleRead): void {
  const { position } = read.streams.get(1)!;
  expect(position).toBe(Infinity);
  expect(read.gaps.filter(({ stream }) => stream === 1)).toEqual([
    { type: 'gap', stream: 1, from: read.streams.get(1)!.bytes, to: Infinity, reason: 'shim_lost' },
  ]);
  expect(read.end).toMatchObject({ cause: 'shim_lost' });
  expect(read.exit).toBeUndefined();
}

describe('a runtime started from inside a session', () => {
  it.each(['stop', 'kill', 'kill -9 of the shim'])(
    '[A8] survives the %s of that session, and so do its sessions',
    { timeout: TEST_MS },
    async (how) => {
      const inner = await TestRuntime.start();
      try {
        await inner.holdfast.down();
        await until(() => srvProcesses(inner.home).length === 0, 'the inner srv to be gone');
        // The first command that needs it starts it, from here.
        const nested = holdfastIn(inner.home, 'run', '--detach', '--name', 'inner', '--', 'sleep', '1000');
        const done = join(inner.home, 'done');
        const script = `${nested}; echo > ${done}; exec sleep 1000`;
        const outer = await runtime.run(['/bin/sh', '-c', script], { kind: 'pty' });
        await until(() => existsSync(done), 'the session to have used the inner srv');
        await until(() => srvProcesses(inner.home).length === 1, 'one inner srv, started from the session');
        const srv = srvProcesses(inner.home)[0]!;
        const started = async (): Promise<boolean> =>
          (await inner.holdfast.list()).some(({ name, state }) => name === 'inner' && state === 'running');
        await until(started, 'the inner session');
        const { record } = await inner.holdfast.get('inner');
        const [child, shim] = [processIdentity(record.pid!)!, processIdentity(record.shim_pid!)!];
        expect(systemTable.environment(srv.pid)).not.toContain('HOLDFAST_SESSION=');
        if (how === 'stop') await runtime.holdfast.stop(outer.id, { graceMs: 500 });
        else if (how === 'kill') await runtime.holdfast.kill(outer.id);
        else await killHard((await outer.record()).shim_pid!);
        const ended = await outer.wait({ for: 'end' });
        expect(ended.survivors).toEqual([]);
        expect([srv, child, shim].map((identity) => isAlive(identity))).toEqual([true, true, true]);
        expect(await inner.srvPid()).toBe(srv.pid);
        expect((await inner.holdfast.get('inner')).record.state).toBe('running');
      } finally {
        await inner.close();
      }
    },
  );

  it('[A8] [A1] that replaces a killed srv of its own home survives as well', { timeout: TEST_MS }, async () => {
    const go = join(runtime.home, 'go');
    const done = join(runtime.home, 'done');
    const restart = `while ! test -e ${go}; do sleep 0.05; done; ${holdfastIn(runtime.home, 'ls')}; echo > ${done}; exec sleep 1000`;
    const outer = await runtime.run(['/bin/sh', '-c', restart], { kind: 'pty' });
    const other = await runtime.run(['/bin/cat'], { kind: 'pipe' });
    const { pid } = await other.record();
    const child = processIdentity(pid!)!;
    await runtime.killSrv();
    writeFileSync(go, '');
    await until(() => existsSync(done), 'the session to have used srv');
    await until(() => srvProcesses(runtime.home).length === 1, 'one srv, started from the session');
    const [srv] = srvProcesses(runtime.home);
    await runtime.holdfast.kill(outer.id);
    expect(await outer.wait({ for: 'end' })).toMatchObject({ state: 'ended', survivors: [] });
    expect(isAlive(srv!)).toBe(true);
    expect(await runtime.srvPid()).toBe(srv!.pid);
    expect(isAlive(child)).toBe(true);
    await other.ping();
  });
});

describe('a claim and a manifest that name a foreign process', () => {
  it.each([
    'a live pid of another start time',
    'a live pid of another start time, and no database knows better',
    'a dead pid',
  ])('[A5] %s: not adopted, and nobody is signalled', { timeout: TEST_MS }, async (which) => {
    const { foreign, signals, end } = await startForeign(join(runtime.home, 'signals'));
    try {
      const session = await runtime.run(['/bin/cat'], { kind: 'pipe' });
      const { pid, shim_pid } = await session.record();
      await killSrvAndSession(pid!, shim_pid!);
      const stranger =
        which === 'a dead pid' ? { pid: 2 ** 22 + 7, start_time: 5 } : { pid: foreign.pid!, start_time: 5 };
      forge(session.id, 'claim', stranger);
      forge(session.id, 'manifest.json', { child: { ...stranger, containment: 'marked' } });
      if (which.endsWith('knows better')) rmSync(homePaths(runtime.home).data, { recursive: true });
      const record = await runtime.holdfast.wait(session.id, { for: 'end' });
      expect(record).toMatchObject({ state: 'lost', exit: { cause: 'shim_lost' }, survivors: [] });
      const { events } = await runtime.holdfast.history();
      expect(events.map(({ event }) => event)).not.toContain('session_adopted');
      // What it reads first is what came first: a signal would be written before the answer.
      foreign.stdin!.write('ask\n');
      await until(() => signals().includes('asked'), 'the foreign process to answer');
      expect(signals()).toBe('asked\n');
      expect(isAlive(processIdentity(foreign.pid!)!)).toBe(true);
    } finally {
      await end();
    }
  });
});

async function killSrvAndSession(child: number, shim: number): Promise<void> {
  // The SDK starts srv again only when it is asked for something: the files are forged by then.
  await runtime.killSrv();
  await killHard(shim);
  await killHard(child);
}

function forge(id: string, file: string, facts: Record<string, unknown>): void {
  const path = join(sessionDirectory(homePaths(runtime.home), id), file);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...facts }));
}

/** A process of nobody's session that writes down every signal it gets. */
async function startForeign(
  file: string,
): Promise<{ foreign: ChildProcess; signals: () => string; end: () => Promise<void> }> {
  const names = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'CONT'];
  const traps = names.map((name) => `trap 'echo ${name} >> ${file}' ${name}`).join('; ');
  const script = `${traps}; echo ready; while read -r line; do echo asked >> ${file}; done`;
  const foreign = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  await soon(once(foreign.stdout, 'data'), 'the foreign process to be ready');
  return {
    foreign,
    signals: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    end: () => killHard(foreign.pid!),
  };
}
