// 64 clients in several processes change everything at once; eight subscribers follow, one stops reading.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Load, LOAD_MS } from '../support/load/load.ts';
import { Stalled } from '../support/load/stalled.ts';
import { seededRandom } from '../support/random.ts';
import { TestRuntime } from '../support/runtime.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const CLIENTS = 64;
/** Of each client; 64 × 1,563 are 100,000. */
const COMMANDS = long ? 1_563 : 150;
const STRIDE = long ? 2_000 : 400;
/** Of what the others did before: generous, for a busy machine. */
const LEAST_SHARE = 0.4;

let runtime: TestRuntime;
beforeEach(async () => {
  runtime = await TestRuntime.start();
});
afterEach(() => runtime.close());

it('[K2] [K3] [K6] [K11] [W16] under load every subscriber has the state of the log at each version, and one that stops reading costs nobody', {
  timeout: 2 * LOAD_MS,
}, async () => {
  await using load = await Load.start(runtime, seededRandom('load'), {
    processes: 4,
    clients: CLIENTS,
    followers: 8,
    stride: STRIDE,
  });
  const share = Math.floor(COMMANDS / 3);
  const alone = await load.run(share, CLIENTS);
  await using stalled = await Stalled.start(runtime);
  const running = load.run(share, CLIENTS);
  // In the midst of it somebody else begins.
  await load.noteSnapshot();
  await load.follow(2, STRIDE);
  await load.noteSnapshot();
  const beside = await running;
  stalled.readOn();
  await load.run(COMMANDS - 2 * share, CLIENTS);
  await load.noteFollowers();
  const { events, commands, states } = await load.check();
  expect(commands).toBeGreaterThanOrEqual(CLIENTS * COMMANDS);
  expect(states).toBeGreaterThan(events / STRIDE);
  await stalled.check(events);
  expect(stalled.gaps).toEqual([]);
  console.log(
    `${commands} commands, ${events} events, ${states} states compared; ${Math.round(alone)} commands/s, ` +
      `${Math.round(beside)} with one subscriber that does not read`,
  );
  expect(beside).toBeGreaterThan(LEAST_SHARE * alone);

  // The next srv has its state from a snapshot and what came after it.
  await runtime.holdfast.down();
  await runtime.srvPid();
  await load.noteFollowers();
  const again = await load.check();
  expect(again.states).toBeGreaterThan(states);
  expect(again.events).toBeGreaterThan(events);
});
