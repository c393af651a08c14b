// Messages from people and agents to agents that are slow, deaf, dying, asking, silent or late: one right outcome each.
import { expect, it } from 'vitest';
import { MessageLoad } from '../support/messages/load.ts';
import { seededRandom } from '../support/random.ts';

const long = process.env['HOLDFAST_TEST_LONG'] === '1';
const MESSAGES = long ? 1_000 : 150;

it('[G2] [G6] [G7] [G8] each message to agents of all manners ends in the one outcome that is true', {
  timeout: 600_000,
}, async () => {
  const random = seededRandom('messages');
  await using load = await MessageLoad.start(random, { agents: long ? 16 : 8, people: 3, agentSenders: 2 });
  const begun = Date.now();
  await load.send(MESSAGES);
  await load.drain();
  const verdict = await load.check({ killed: false });
  console.log(`${Math.round((Date.now() - begun) / 1_000)} s; ${verdict.text}`);
  expect(load.accepted).toBeGreaterThanOrEqual(MESSAGES);
  expect(verdict.outcomes.get('answered')).toBeGreaterThan(MESSAGES / 2);
});
