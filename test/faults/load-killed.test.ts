// srv is killed, at random and at every point of its commits, while 64 clients in several processes change everything.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultPoint } from '../../src/runtime/index.ts';
import { Load, LOAD_MS } from '../support/load/load.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { soon, TestRuntime } from '../support/runtime.ts';
import { dieAt, killAtRandom } from '../support/srv-deaths.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const RANDOM_ROUNDS = long ? 100 : 6;
const POINT_ROUNDS = long ? 20 : 1;
/** Of 100 commands: sent again by their keys in the end. */
const REPEATED = long ? 20 : 30;

const POINTS = [
  'log.append.before',
  'log.append.after',
  'kernel.publish.before',
  'kernel.publish.after',
  'kernel.reply.before',
] satisfies FaultPoint[];

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await TestRuntime.start();
});
afterEach(() => runtime.close());

/** `deaths` under load; then everything against the log, before and after commands were sent again. */
async function underLoad(random: Random, deaths: (working: () => void) => Promise<void>): Promise<void> {
  const clients = 64;
  await using load = await Load.start(runtime, random, {
    processes: 4,
    clients,
    followers: 4,
    stride: long ? 2_000 : 400,
    impatient: true,
  });
  let failure: unknown;
  const running = load.runOn();
  running.catch((error: unknown) => (failure = error));
  await deaths(() => {
    if (failure !== undefined) throw failure as Error;
  });
  await load.stop();
  await soon(running, 'the clients to be answered', LOAD_MS);
  const reports = await load.noteFollowers();
  for (const { lost } of reports) expect(lost).toBeGreaterThan(0);
  const before = await load.check();
  expect(before.unacknowledged).toBeGreaterThan(0);

  const repeated = await load.repeat(REPEATED);
  expect(repeated).toBeGreaterThan(0);
  await load.noteFollowers();
  const after = await load.check();
  // What was never carried out may be now; nothing else happened.
  expect(after.unacknowledged).toBeLessThanOrEqual(before.unacknowledged);
  console.log(
    `${before.commands} commands, ${before.unacknowledged} not acknowledged; ${before.events} events, ` +
      `${after.events - before.events} more by ${repeated} repeated commands; ${after.states} states compared`,
  );
}

describe('under the load of 64 clients', () => {
  it('[K1] [K2] [K3] [K4] [K7] [K10] srv killed at random has each acknowledged command once, and no retry doubles one', {
    timeout: 2 * LOAD_MS,
  }, async () => {
    const random = seededRandom('load, srv killed at random');
    await underLoad(random, async (working) => {
      for (let round = 0; round < RANDOM_ROUNDS; round++) {
        working();
        // The clients wait for somebody who starts srv.
        const started = runtime.srvPid();
        await killAtRandom(runtime, random, round, 1_200);
        await started;
      }
      await runtime.srvPid();
    });
  });

  it('[K1] [K2] [K3] [K4] [K7] [K10] srv killed at each point of a commit has each acknowledged command once, and no retry doubles one', {
    timeout: 2 * LOAD_MS,
  }, async () => {
    const random = seededRandom('load, srv killed at its points');
    await underLoad(random, async (working) => {
      for (let round = 0; round < POINT_ROUNDS; round++) {
        // Beyond what the clients' return takes.
        for (const point of POINTS) await dieAt(runtime, point, 100 + random(150), { working });
      }
      await runtime.srvPid();
    });
  });
});
