import { describe, expect, it } from 'vitest';
import { Positions } from './positions.ts';

describe('which bytes a reader has', () => {
  it('keeps only what is new of an overlapping delivery', () => {
    const positions = new Positions();
    positions.begin(1, 10);
    expect(positions.accept(1, 10, Buffer.from('abc'))).toEqual({ offset: 10, bytes: Buffer.from('abc') });
    expect(positions.accept(1, 11, Buffer.from('bcde'))).toEqual({ offset: 13, bytes: Buffer.from('de') });
    expect(positions.accept(1, 11, Buffer.from('bc'))).toBeUndefined();
    expect(positions.resume()).toEqual({ offsets: { '1': 15 } });
  });

  it('refuses bytes that skip some without a gap', () => {
    const positions = new Positions();
    positions.begin(1, 0);
    expect(() => positions.accept(1, 5, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'bad_frame' }));
  });

  it('tells a gap once, and only its new part', () => {
    const positions = new Positions();
    positions.begin(2, 4);
    expect(positions.skip(2, 0, 10)).toEqual({ from: 4, to: 10 });
    expect(positions.skip(2, 0, 10)).toBeUndefined();
    expect(positions.skip(2, 10, Infinity)).toEqual({ from: 10, to: Infinity });
    expect(positions.at(2)).toBe(10);
  });
});
