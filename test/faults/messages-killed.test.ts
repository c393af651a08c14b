// srv and shims are killed, at random and at their fault points, while messages go to agents of all manners.
import { describe, expect, it } from 'vitest';
import type { FaultPoint } from '../../src/runtime/index.ts';
import { MessageLoad } from '../support/messages/load.ts';
import { ShimDeaths } from '../support/messages/shim-deaths.ts';
import { dawdle } from '../support/oracle-reader.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { dieAt, killAtRandom } from '../support/srv-deaths.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const AGENTS = long ? 12 : 6;
const SRV_RANDOM_ROUNDS = long ? 50 : 3;
const SRV_POINT_ROUNDS = long ? 10 : 1;
const SHIM_RANDOM_ROUNDS = long ? 50 : 3;
const SHIM_POINT_DEATHS = long ? 13 : 1;
const LIMIT_MS = 900_000;

const SRV_POINTS = [
  'log.append.before',
  'log.append.after',
  'kernel.publish.before',
  'kernel.publish.after',
  'kernel.reply.before',
] satisfies FaultPoint[];

const SHIM_POINTS = [
  'shim.outcome.before',
  'shim.outcome.after',
  'shim.paste.after',
  'shim.submit.after',
] satisfies FaultPoint[];

/** `deaths` under load; then everything against the truth, before and after what was acknowledged was sent again. */
async function underLoad(random: Random, deaths: (load: MessageLoad) => Promise<number>): Promise<void> {
  await using load = await MessageLoad.start(random, { agents: AGENTS, people: 2, agentSenders: 1, impatient: true });
  const begun = Date.now();
  const sending = load.send(Number.MAX_SAFE_INTEGER);
  sending.catch(() => undefined); // Whoever waits for it below is told.
  const died = await deaths(load);
  load.stop();
  await sending;
  await load.drain();
  const verdict = await load.check({ killed: true });
  const repeated = await load.repeat();
  expect(repeated).toBeGreaterThan(0);
  const again = await load.check({ killed: true });
  expect(again.outcomes).toEqual(verdict.outcomes);
  console.log(
    `${died} deaths in ${Math.round((Date.now() - begun) / 1_000)} s: ${verdict.text}; ${repeated} sent again by their id`,
  );
  expect(verdict.outcomes.get('answered')).toBeGreaterThan(0);
}

describe('messages to agents of all manners', () => {
  it('[G2] [A1] [K1] are not lost, doubled or miscredited when srv is killed at random', {
    timeout: LIMIT_MS,
  }, async () => {
    const random = seededRandom('messages, srv killed at random');
    await underLoad(random, async (load) => {
      for (let round = 0; round < SRV_RANDOM_ROUNDS; round++) {
        load.expectWorking();
        await killAtRandom(load.runtime, random, round, 1_500);
      }
      await load.runtime.srvPid();
      return SRV_RANDOM_ROUNDS;
    });
  });

  it('[G2] [A1] [K1] are not lost, doubled or miscredited when srv is killed at each point of its commits', {
    timeout: LIMIT_MS,
  }, async () => {
    const random = seededRandom('messages, srv killed at its points');
    await underLoad(random, async (load) => {
      for (let round = 0; round < SRV_POINT_ROUNDS; round++) {
        for (const point of SRV_POINTS) {
          await dieAt(load.runtime, point, 10 + random(30), { working: () => load.expectWorking() });
        }
      }
      await load.runtime.srvPid();
      return SRV_POINT_ROUNDS * SRV_POINTS.length;
    });
  });

  it('[G2] [G3] [A3] are not lost, doubled or miscredited when shims are killed at random', {
    timeout: LIMIT_MS,
  }, async () => {
    const random = seededRandom('messages, shims killed at random');
    await underLoad(random, async (load) => {
      const deaths = new ShimDeaths(load);
      for (let round = 0; round < SHIM_RANDOM_ROUNDS; round++) {
        await dawdle(random(1_000));
        await deaths.killOne(random);
      }
      return SHIM_RANDOM_ROUNDS;
    });
  });

  it('[G2] [G3] [A3] are not lost, doubled or miscredited when shims are killed at each point of a delivery', {
    timeout: LIMIT_MS,
  }, async () => {
    const random = seededRandom('messages, shims killed at their points');
    await underLoad(random, async (load) => {
      const deaths = new ShimDeaths(load);
      for (let round = 0; round < SHIM_POINT_DEATHS * SHIM_POINTS.length; round++) {
        await deaths.dieAt(SHIM_POINTS[round % SHIM_POINTS.length]!, random);
      }
      return SHIM_POINT_DEATHS * SHIM_POINTS.length;
    });
  });
});
