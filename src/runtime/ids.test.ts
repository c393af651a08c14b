import { expect, it } from 'vitest';
import { createIds, isUlid, systemRandom, ulidTime, VirtualClock } from './index.ts';

it('makes ULIDs that sort in the order they were made, within one millisecond too', () => {
  const clock = new VirtualClock();
  const ids = createIds(clock);
  const made: string[] = [];
  for (let i = 0; i < 2_000; i++) {
    made.push(ids.ulid());
    if (i % 500 === 0) clock.advance(1);
  }
  expect(made).toEqual(made.toSorted());
  expect(new Set(made).size).toBe(made.length);
  expect(made.every(isUlid)).toBe(true);
});

it('keeps its order when the wall clock steps back', () => {
  let now = 1_000;
  const ids = createIds({ now: () => now, monotonic: () => 0, after: () => () => {} });
  const before = ids.ulid();
  now = 500;
  expect(ids.ulid() > before).toBe(true);
});

it('carries its time in the first ten characters', () => {
  expect(ulidTime(createIds(new VirtualClock(1_700_000_000_123)).ulid())).toBe(1_700_000_000_123);
});

it('carries over every byte when it counts up within one millisecond', () => {
  const allOnes = (count: number): Uint8Array => new Uint8Array(count).fill(0xff);
  const ids = createIds(new VirtualClock(), allOnes);
  const first = ids.ulid();
  const second = ids.ulid();
  expect(second > first).toBe(true);
  expect(isUlid(second)).toBe(true);
});

it('refuses what is not a ULID', () => {
  for (const text of ['', '01', 'Z'.repeat(26), '0'.repeat(25) + 'I', '0'.repeat(25) + 'a', 7, null]) {
    expect(isUlid(text)).toBe(false);
  }
  expect(isUlid('0'.repeat(26))).toBe(true);
});

it('makes secrets of 128 bits', () => {
  expect(createIds(new VirtualClock(), systemRandom).secret()).toMatch(/^[0-9a-f]{32}$/);
});
