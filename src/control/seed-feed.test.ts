import { expect, it } from 'vitest';
import type { SubscriptionItem } from '../kernel/index.ts';
import type { Wire } from './conversation.ts';
import { EventTexts } from './fan-out.ts';
import { SeedFeed } from './seed-feed.ts';

type Item = SubscriptionItem<{ event: string }>;

const arrival = (client_id: string, version: number): Item => {
  const event = {
    event: 'process_spawned',
    client_id,
    pid: version,
    kind: 'tool',
    client_version: '1',
    version,
    at: 0,
  };
  return { type: 'event', event, prev: version - 1 };
};
const pong = (nonce: number, version: number) => ({ event: 'pong', nonce, version });

/** A feed of these batches, and what leaves of it. */
function feed(...batches: Item[][]): { feed: SeedFeed; sent: string[] } {
  const sent: string[] = [];
  const wire: Wire = {
    sendText(line) {
      const { event, pid, nonce } = JSON.parse(line) as Record<string, unknown>;
      sent.push(event === 'pong' ? `pong ${String(nonce)}` : `+${String(pid)}`);
      return true;
    },
    ready: () => Promise.resolve(),
    send() {},
    refused() {},
    finished() {},
    become() {},
    end() {},
    hangUp() {},
  };
  const subscription = { next: () => Promise.resolve(batches.shift() ?? null), close() {} };
  return { feed: new SeedFeed(wire, new EventTexts(), subscription, 'me'), sent };
}

it('[C10] puts each private answer right behind the event it rests on', async () => {
  const told = feed([arrival('me', 1), arrival('b', 2), arrival('c', 3)], [arrival('d', 4)]);
  const answers = [1, 2, 2, 4].map((version, nonce) => told.feed.answer(version, pong(nonce, version)));
  expect(told.sent).toEqual([]);
  await told.feed.run();
  await Promise.all(answers);
  expect(told.sent).toEqual(['+1', 'pong 0', '+2', 'pong 1', 'pong 2', '+3', '+4', 'pong 3']);
  await told.feed.answer(4, pong(4, 4));
  expect(told.sent.at(-1)).toBe('pong 4');
});

it('[C14] begins with its own arrival, whatever was committed just before', async () => {
  const told = feed([arrival('a', 1), arrival('me', 2)], [arrival('b', 3)]);
  await told.feed.run();
  expect(told.sent).toEqual(['+2', '+3']);
});
