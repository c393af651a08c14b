import { expect, it } from 'vitest';
import { limits } from '../../protocol/index.ts';
import { VirtualClock } from '../../runtime/index.ts';
import { OutcomeWaiters } from './waiters.ts';

const settled = (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

it('[M13] wait for their own message, so long and no longer', async () => {
  const clock = new VirtualClock();
  const waiters = new OutcomeWaiters(clock);
  const [one, two] = [waiters.wait('one', 1_000, 's'), waiters.wait('two', 2_000, '')];
  waiters.closed('one');
  expect([await settled(one), await settled(two)]).toEqual([true, false]);
  clock.advance(1_999);
  expect(await settled(two)).toBe(false);
  clock.advance(1);
  expect(await settled(two)).toBe(true);
  const three = waiters.wait('three', 1_000, '');
  waiters.close();
  expect([await settled(three), waiters.count]).toEqual([true, 0]);
});

it('[M13] are so many for each that asks, and so many in all', () => {
  const waiters = new OutcomeWaiters(new VirtualClock());
  const fill = (by: string): number => {
    for (let count = 0; ; count++) {
      try {
        void waiters.wait('m', 1_000, by);
      } catch (error) {
        expect(error).toMatchObject({ code: 'busy', field: 'wait_ms' });
        return count;
      }
    }
  };
  expect(fill('s')).toBe(limits.MESSAGE_WAITERS_EACH_COUNT);
  expect(fill('s')).toBe(0);
  for (let session = 0; waiters.count < limits.MESSAGE_WAITERS_COUNT; session++) fill(`s${session}`);
  expect(fill('another')).toBe(0);
  waiters.closed('m');
  expect(fill('s')).toBe(limits.MESSAGE_WAITERS_EACH_COUNT);
  waiters.close();
});
