import { expect, it } from 'vitest';
import { falselyFree, judge, type Phase, type Seen } from './judge.ts';

const working: Phase = { kind: 'working', from: 10_000, to: 14_000 };
const at = (ms: number, activity: Seen['activity'], attention: Seen['attention'] = 'none'): Seen => ({
  at: ms,
  activity,
  attention,
});
const verdict = (...seen: Seen[]) => judge([working], seen);

it('takes a status that comes within the second and holds', () => {
  expect(verdict(at(9_000, 'idle'), at(10_900, 'working'))[0]).toMatchObject({ right: true, after: 900 });
});

it('refuses one that comes late, leaves early, or never comes', () => {
  expect(verdict(at(9_000, 'idle'), at(11_001, 'working'))[0]).toMatchObject({ right: false, after: 1_001 });
  expect(verdict(at(10_100, 'working'), at(13_999, 'idle'))[0]).toMatchObject({ right: false, after: null });
  expect(verdict()[0]).toMatchObject({ right: false, after: null });
});

it('names an idle that is a lie, and only that', () => {
  expect(falselyFree(verdict(at(9_000, 'idle'), at(11_001, 'working')))).toHaveLength(1);
  expect(falselyFree(verdict(at(9_000, 'idle'), at(10_999, 'working')))).toHaveLength(0);
  expect(falselyFree(verdict(at(9_000, 'unknown')))).toHaveLength(0);
  expect(falselyFree(verdict(at(10_100, 'working'), at(12_000, 'done'), at(12_001, 'working')))).toHaveLength(1);
});

it('does not judge phases too short to prove anything', () => {
  expect(() => judge([{ ...working, to: 12_999 }], [])).toThrow(/less than/);
});
