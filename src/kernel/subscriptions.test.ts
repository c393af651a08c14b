import { describe, expect, it } from 'vitest';
import type { Subscription, SubscriptionItem } from './contract.ts';
import { actor, openLedger } from './fixtures/open-ledger.ts';
import type { LedgerEvent } from './fixtures/ledger.ts';

type Item = SubscriptionItem<LedgerEvent>;

/** Reads until `version` was seen; checks that every item names the one before it. */
async function readTo(
  subscription: Subscription<LedgerEvent>,
  version: number,
  start: number,
  maxItems = 100,
): Promise<Item[]> {
  const items: Item[] = [];
  let previous = start;
  for (;;) {
    const more = await subscription.next(maxItems);
    if (more === null) throw new Error('the subscription was closed');
    expect(more.length).toBeGreaterThan(0);
    expect(more.length).toBeLessThanOrEqual(maxItems + 1);
    for (const item of more) {
      if (item.type === 'event') expect(item.prev).toBe(previous);
      else expect(item.from).toBe(previous + 1);
      previous = item.type === 'event' ? item.event.version : item.to;
      items.push(item);
    }
    if (previous >= version) return items;
  }
}

const versionsOf = (items: readonly Item[]): number[] =>
  items.flatMap((item) => (item.type === 'event' ? [item.event.version] : []));
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('A subscription', () => {
  it('replays from its cursor, then goes on live', async () => {
    const { kernel, deposit } = await openLedger();
    for (let index = 0; index < 5; index++) await deposit();
    const subscription = kernel.subscribe({ since: 2 });
    const read = readTo(subscription, 8, 2);
    for (let index = 0; index < 3; index++) await deposit();
    expect(versionsOf(await read)).toEqual(range(3, 8));
  });

  it('starts at the current version without a cursor', async () => {
    const { kernel, deposit } = await openLedger();
    await deposit();
    const subscription = kernel.subscribe({});
    await deposit();
    expect(await subscription.next(9)).toMatchObject([{ event: { version: 2 }, prev: 1 }]);
  });

  it('[K6] gives only its topics, exact or by prefix, and names the event before', async () => {
    const { kernel } = await openLedger();
    const exact = kernel.subscribe({ since: 0, topics: ['withdrawn'] });
    const prefix = kernel.subscribe({ since: 0, topics: ['with*', 'nothing'] });
    const none = kernel.subscribe({ since: 0, topics: ['with'] });
    await kernel.execute({ cmd: 'deposit', account: 'a', amount: 9 }, { actor });
    for (let index = 0; index < 3; index++)
      await kernel.execute({ cmd: 'transfer', from: 'a', to: 'b', amount: 1 }, { actor });
    expect(versionsOf(await readTo(exact, 6, 0))).toEqual([2, 4, 6]);
    expect(versionsOf(await readTo(prefix, 6, 0))).toEqual([2, 4, 6]);
    const silent = none.next(1);
    none.close();
    expect(await silent).toBeNull();
  });

  it('[K6] that fell behind catches up from disk and returns to live, without hole or double', async () => {
    const { kernel, log, deposit } = await openLedger({ window_events: 8 });
    const slow = kernel.subscribe({ since: 0, queue_events: 4 });
    for (let index = 0; index < 100; index++) await deposit();
    const read = readTo(slow, 230, 0, 7);
    for (let index = 0; index < 130; index++) {
      await deposit();
      if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(versionsOf(await read)).toEqual(range(1, 230));
    expect(kernel.counters.catch_up_reads).toBeGreaterThan(0);
    const reads = log.reads;
    const live = slow.next(5);
    await deposit();
    expect(versionsOf((await live) ?? [])).toEqual([231]);
    expect(log.reads).toBe(reads);
  });

  it('[K6] behind retention gets one gap of the right size, then all the rest', async () => {
    const opened = await openLedger({ window_events: 4, events_kept_count: 10 });
    const before = opened.kernel.subscribe({});
    for (let index = 0; index < 30; index++) await opened.deposit();
    await opened.kernel.close();
    expect(await before.next(1)).toBeNull();
    const { kernel } = await opened.restart({ window_events: 4 });
    const items = await readTo(kernel.subscribe({ since: 3 }), 30, 3);
    expect(items[0]).toEqual({ type: 'gap', from: 4, to: 20, reason: 'retention' });
    expect(versionsOf(items)).toEqual(range(21, 30));
  });

  it('whose batch is larger than the window gets it from disk', async () => {
    const { kernel, deposit } = await openLedger({ window_events: 4 });
    const read = readTo(kernel.subscribe({}), 20, 0);
    await Promise.all(range(1, 20).map(() => deposit()));
    expect(versionsOf(await read)).toEqual(range(1, 20));
  });

  it('refuses to give nothing, and a second call while one is running', async () => {
    const { kernel } = await openLedger();
    const subscription = kernel.subscribe({});
    await expect(subscription.next(0)).rejects.toMatchObject({ code: 'invalid_argument' });
    const first = subscription.next(1);
    await expect(subscription.next(1)).rejects.toMatchObject({ code: 'internal' });
    subscription.close();
    expect(await first).toBeNull();
    expect(kernel.counters.subscriptions).toBe(0);
  });

  it('shares the recorded objects with all others, frozen', async () => {
    const { kernel, deposit } = await openLedger();
    const [one, two] = [kernel.subscribe({}), kernel.subscribe({})];
    await deposit();
    const [[first], [second]] = [(await one.next(1)) ?? [], (await two.next(1)) ?? []];
    if (first?.type !== 'event' || second?.type !== 'event') throw new Error('no event');
    expect(first.event).toBe(second.event);
    expect(Object.isFrozen(first.event)).toBe(true);
  });

  it('[K11] that nobody reads costs the others nothing: 100 readers get every event, the stalled one is not looked at', async () => {
    const { kernel, log, deposit } = await openLedger();
    const stalled = kernel.subscribe({ since: 0 });
    const readers = Array.from({ length: 100 }, () => readTo(kernel.subscribe({ since: 0 }), 2_000, 0, 500));
    for (let round = 0; round < 100; round++) await Promise.all(range(1, 20).map(() => deposit()));
    for (const items of await Promise.all(readers)) expect(items.length).toBe(2_000);
    expect(log.reads).toBe(0);
    expect(versionsOf(await readTo(stalled, 2_000, 0))).toEqual(range(1, 2_000));
  });
});

describe('readEvents', () => {
  it('stops at its limits and says where to go on', async () => {
    const { kernel, deposit } = await openLedger();
    for (let index = 0; index < 10; index++) await deposit();
    const first = await kernel.readEvents(0, undefined, 4, 100_000);
    expect([first.events.length, first.complete, first.next, first.first]).toEqual([4, false, 4, 1]);
    const rest = await kernel.readEvents(first.next, kernel.epoch, 100, 100_000);
    expect([rest.events.length, rest.complete, rest.next]).toEqual([6, true, 10]);
    expect(await kernel.readEvents(10, undefined, 100, 100_000)).toEqual({
      events: [],
      complete: true,
      next: 10,
      first: 11,
    });
    await expect(kernel.readEvents(0, 'other', 1, 1)).rejects.toMatchObject({ code: 'epoch_unknown' });
  });

  it('says what retention has dropped', async () => {
    const opened = await openLedger({ events_kept_count: 3 });
    for (let index = 0; index < 10; index++) await opened.deposit();
    await opened.kernel.close();
    const { kernel } = await opened.restart();
    const { events, first, complete } = await kernel.readEvents(2, undefined, 100, 100_000);
    expect([events.length, first, complete]).toEqual([3, 8, false]);
  });
});
