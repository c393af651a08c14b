import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../protocol/index.ts';
import { systemClock } from '../runtime/index.ts';
import type { ControlEvent, ControlLink } from './control-link.ts';
import { Watch } from './watch.ts';

/** A connection that takes one subscription at a time, as srv does. */
class FakeLink implements ControlLink {
  readonly asked: { cmd: string; topics?: string[] }[] = [];
  readonly registered = {} as ControlLink['registered'];
  readonly closed = new Promise<void>(() => {});
  alive = true;
  #subscribed = false;
  readonly #forbidden: boolean;

  constructor(forbidden = false) {
    this.#forbidden = forbidden;
  }

  request(command: { cmd: string }): ReturnType<ControlLink['request']> {
    this.asked.push(command);
    if (this.#forbidden) return Promise.reject(new HoldfastError('forbidden', 'not for agents'));
    if (command.cmd === 'subscribe' && this.#subscribed) return Promise.reject(new HoldfastError('conflict', 'twice'));
    this.#subscribed = command.cmd === 'subscribe';
    return Promise.resolve({ reply: '1', ok: true, version: 1 });
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}

const event = (name: string, fields: Record<string, unknown> = {}): ControlEvent => ({
  event: name,
  version: 1,
  at: 1,
  ...fields,
});

/** True from the `after`th look on. */
function looks(after: number): { look: () => Promise<true | undefined>; count: () => number } {
  let count = 0;
  return { look: () => Promise.resolve(++count >= after ? true : undefined), count: () => count };
}

/** Lets everything run that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('watching', () => {
  it('subscribes once for all who wait for the same, looks again when told, and leaves', async () => {
    const link = new FakeLink();
    const watch = new Watch({ link: () => Promise.resolve(link), clock: systemClock });
    const [one, other] = [looks(2), looks(3)];
    const concerns = (told: { event: string } & Record<string, unknown>): boolean => told['id'] === 'mine';
    const first = watch.wait({ topics: ['a'], look: one.look, concerns });
    const second = watch.wait({ topics: ['a'], look: other.look });
    await settle();
    watch.onEvent(link, event('a', { id: 'another' }));
    await settle();
    expect([one.count(), other.count()]).toEqual([1, 2]);
    watch.onEvent(link, event('a', { id: 'mine' }));
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(link.asked).toEqual([{ cmd: 'subscribe', topics: ['a'] }, { cmd: 'unsubscribe' }]);
  });

  it('asks for more topics with all that are still waited for, and misses nothing meanwhile', async () => {
    const link = new FakeLink();
    const watch = new Watch({ link: () => Promise.resolve(link), clock: systemClock });
    const one = looks(2);
    const first = watch.wait({ topics: ['a'], look: one.look });
    await settle();
    const second = watch.wait({ topics: ['b'], look: looks(2).look });
    // Whatever happened between the two subscriptions: it has looked again.
    expect(await first).toBe(true);
    watch.onEvent(link, event('b'));
    expect(await second).toBe(true);
    expect(link.asked.slice(0, 3)).toEqual([
      { cmd: 'subscribe', topics: ['a'] },
      { cmd: 'unsubscribe' },
      { cmd: 'subscribe', topics: ['b', 'a'] },
    ]);
  });

  it('a gap may have held what is waited for', async () => {
    const link = new FakeLink();
    const watch = new Watch({ link: () => Promise.resolve(link), clock: systemClock });
    const waiting = watch.wait({ topics: ['a'], look: looks(2).look, concerns: () => false });
    await settle();
    watch.onEvent(link, event('gap'));
    expect(await waiting).toBe(true);
  });

  it('where subscribing is forbidden, is answered when it is so, where that can be asked for', async () => {
    const link = new FakeLink(true);
    let now = 0;
    const after = (): never => expect.unreachable('it waits by itself');
    const clock = { ...systemClock, after, monotonic: () => (now += 60_000) };
    const watch = new Watch({ link: () => Promise.resolve(link), clock });
    const long = looks(3);
    const look = (): Promise<true> => expect.unreachable('it looks again and again');
    expect(await watch.wait({ topics: ['a'], look, longLook: long.look })).toBe(true);
    expect([long.count(), link.asked]).toEqual([3, [{ cmd: 'subscribe', topics: ['a'] }, { cmd: 'unsubscribe' }]]);
  });

  it('looks by itself, ever more rarely, where subscribing is forbidden', async () => {
    const link = new FakeLink(true);
    const pauses: number[] = [];
    const clock = {
      ...systemClock,
      after: (ms: number, fire: () => void) => {
        pauses.push(ms);
        setImmediate(fire);
        return () => {};
      },
    };
    const watch = new Watch({ link: () => Promise.resolve(link), clock });
    expect(await watch.wait({ topics: ['a'], look: looks(8).look })).toBe(true);
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  });
});
