import { describe, expect, it } from 'vitest';
import { systemClock, VirtualClock, withDeadline } from './index.ts';

describe('VirtualClock', () => {
  it('fires timers in due order, ties in the order they were set, and not before their time', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push('late'));
    clock.after(10, () => fired.push('first'));
    clock.after(10, () => fired.push('second'));
    clock.advance(9);
    expect(fired).toEqual([]);
    clock.advance(11);
    expect(fired).toEqual(['first', 'second', 'late']);
  });

  it('fires a timer set by a timer within the same advance, at its own due time', () => {
    const clock = new VirtualClock(0);
    const at: number[] = [];
    clock.after(10, () => clock.after(5, () => at.push(clock.now())));
    clock.advance(100);
    expect(at).toEqual([15]);
  });

  it('does not fire a cancelled timer', () => {
    const clock = new VirtualClock();
    const cancel = clock.after(1, () => expect.unreachable());
    cancel();
    cancel();
    clock.advance(2);
  });
});

describe('withDeadline', () => {
  it('rejects with the given error when the work is late', async () => {
    const clock = new VirtualClock();
    const late = withDeadline(clock, 50, new Promise(() => {}), () => new Error('too late'));
    clock.advance(50);
    await expect(late).rejects.toThrow('too late');
  });

  it('passes the result on and leaves no timer behind', async () => {
    let cancelled = 0;
    const counting = { ...systemClock, after: () => () => void cancelled++ };
    await expect(withDeadline(counting, 50, Promise.resolve(7), () => new Error())).resolves.toBe(7);
    expect(cancelled).toBe(1);
  });
});
