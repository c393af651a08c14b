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

describe('what is awaited', () => {
  const bytes = Buffer.alloc(10);

  it('is told once, when every stream is there, and not before what was accepted is handed on', () => {
    const positions = new Positions();
    positions.begin(1, 0);
    positions.begin(2, 0);
    let told = 0;
    positions.whenPast({ 1: 10, 2: 20 }, () => told++);
    positions.accept(1, 0, bytes);
    positions.settle();
    positions.skip(2, 0, 20);
    expect(told).toBe(0);
    positions.settle();
    positions.settle();
    expect(told).toBe(1);
  });

  it('is told at once when it has been reached', () => {
    const positions = new Positions();
    positions.begin(1, 10);
    let told = 0;
    positions.whenPast({ 1: 10 }, () => told++);
    positions.whenPast({}, () => told++);
    expect(told).toBe(2);
  });
});
