/** Who starts srv, how many there are, and what a srv killed while it starts costs: nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, processIdentity } from '../../src/process/index.ts';
import { homePaths } from '../../src/protocol/home/index.ts';
import { collect } from '../support/collect.ts';
import { EventsFollower } from '../support/events-follower.ts';
import { FAULTS_LOADER, soon, TestRuntime, until } from '../support/runtime.ts';
import { srvProcesses } from '../support/srv-processes.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const ROUNDS = long ? 100 : 10;
const TEST_MS = long ? 600_000 : 60_000;

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await TestRuntime.start();
});
afterEach(() => runtime.close());

async function statusOf(command: Promise<{ status: number | null; stdout: Buffer; stderr: string }>): Promise<number> {
  const { status, stdout, stderr } = await command;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return (JSON.parse(stdout.toString()) as { srv: { pid: number } }).srv.pid;
}

describe('two starters at once', () => {
  it('[A4] over the socket of a killed srv end with one srv, which both reach, every time', {
    timeout: TEST_MS,
  }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await runtime.killSrv();
      expect(existsSync(homePaths(runtime.home).srvSocket)).toBe(true);
      const starters = [0, 1].map(() => statusOf(collect(runtime.spawn(['up', '--json']))));
      const [first, second] = await Promise.all(starters);
      expect(second).toBe(first);
      await until(() => srvProcesses(runtime.home).length === 1, 'one srv process');
      expect(srvProcesses(runtime.home)).toEqual([processIdentity(first!)]);
    }
  });
});

describe('a second srv on one home', () => {
  it('[A4] says that the lock is held and leaves the first alone', async () => {
    const { session } = await runtime.holdfast.run({ argv: ['/bin/cat'], cwd: '/', env: [], kind: 'pipe' });
    const first = await runtime.srvPid();
    const second = spawn(process.execPath, [FAULTS_LOADER, '--process=srv', '--home', runtime.home], {
      env: { ...runtime.env, HOLDFAST_RUNTIME: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    const said: Buffer[] = [];
    (second.stdio[3] as Readable).on('data', (bytes: Buffer) => said.push(bytes));
    await soon(once(second, 'close'), 'the second srv to leave');
    expect(JSON.parse(Buffer.concat(said).toString())).toEqual({ report: 'lock_held' });
    expect(second.exitCode).toBe(0);
    expect(await runtime.srvPid()).toBe(first);
    await session.ping();
  });
});

describe('srv killed while it starts', () => {
  it('[A1] [X4] is started again by those who need it, and they go on', { timeout: TEST_MS }, async () => {
    const { session } = await runtime.holdfast.run({ argv: ['/bin/cat'], cwd: '/', env: [], kind: 'pipe' });
    const { pid } = await session.record();
    const child = processIdentity(pid!)!;
    const follower = new EventsFollower(runtime);
    try {
      await follower.reached(2);
      for (let round = 0; round < (long ? 30 : 4); round++) {
        await runtime.killSrv();
        // The follower starts one by itself; it does not live to serve.
        await until(() => srvProcesses(runtime.home).length > 0, 'the follower to start srv');
        for (const starting of srvProcesses(runtime.home)) if (isAlive(starting)) process.kill(starting.pid, 'SIGKILL');
        const { record } = await runtime.holdfast.create({ argv: ['/bin/true'], cwd: '/', env: [], kind: 'pipe' });
        const { events } = await runtime.holdfast.history();
        const created = events.find((event) => event['session_id'] === record.id)!;
        await follower.reached(created.version);
      }
    } finally {
      follower.end();
    }
    expect(follower.events.map(({ version }) => version)).toEqual(follower.events.map((_, at) => at + 1));
    expect(isAlive(child)).toBe(true);
  });
});
