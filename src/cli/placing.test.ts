import { describe, expect, it } from 'vitest';
import { parseTree } from '../../test/support/layout.ts';
import type { OptionValues } from './command.ts';
import { outline } from './fixtures/outline.ts';
import { blockTarget, resizeOps, sideOf, splitSizeOf } from './placing.ts';
import { Selectors } from './selectors.ts';

const layout = parseTree('row:r[a 20, col:c[b 5, d 10] 10]');
const select = new Selectors(
  outline({ W: { name: 'w', tabs: [{ id: 'T', name: 't', layout, blocks: ['a', 'b', 'd'], focused: 'b' }] } }),
);
const place = (options: OptionValues): unknown => blockTarget(options, select).place;
const after = { focus_after: true, magnify_after: false };

describe('[X9] where a block goes', () => {
  it.each([
    [{}, after],
    [
      { size: '5', magnify: true },
      { size: 5, ...after, magnify_after: true },
    ],
    [{ 'no-focus': true }, { ...after, focus_after: false }],
    [{ parked: true }, undefined],
    [{ split: 'a' }, { target_id: 'a', direction: 'row', position: 'after', ...after }],
    [
      { split: 'a', above: true },
      { target_id: 'a', direction: 'column', position: 'before', ...after },
    ],
    [{ left: true }, { target_id: 'b', direction: 'row', position: 'before', ...after }],
    [
      { split: 'a', below: true, size: '25%' },
      { target_id: 'a', direction: 'column', position: 'after', size: 5, ...after },
    ],
    [
      { split: 'a', size: '15' },
      { target_id: 'a', direction: 'row', position: 'after', size: 15, ...after },
    ],
    [{ into: 'c' }, { parent_id: 'c', ...after }],
    [
      { into: 'c', index: '0', size: '7.5' },
      { parent_id: 'c', index: 0, size: 7.5, ...after },
    ],
  ])('%j', (options, expected) => {
    expect(place(options as OptionValues)).toEqual(expected);
  });

  it.each([
    [{ split: 'a', into: 'c' }, '--into'],
    [{ right: true, left: true }, '--right and --left'],
    [{ index: '1' }, '--index goes with --into'],
    [{ parked: true, split: 'a' }, '--parked'],
    [{ parked: true, below: true }, '--parked'],
    [{ size: '50%' }, '--size in percent'],
    [{ split: 'a', size: '20' }, 'below its size, 20'],
    [{ split: 'a', size: '100%' }, 'below 100%'],
    [{ split: 'a', size: '0' }, '--size must be'],
    [{ split: 'a', size: '101' }, '--size must be'],
    [{ split: 'a', size: '1e1' }, '--size must be'],
    [{ into: 'c', index: '-1' }, '--index must be'],
  ])('is refused: %j', (options, message) => {
    expect(() => place(options as OptionValues)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string }),
    );
  });

  it('asks for a pane when none is focused', () => {
    const blurred = new Selectors(outline({ W: { name: 'w', tabs: [{ id: 'T', name: 't', layout, blocks: ['a'] }] } }));
    expect(() => blockTarget({ right: true }, blurred)).toThrow(
      /no pane of w\/t is focused: say which one with --split/,
    );
  });

  it('says nothing of a side where none is said', () => {
    expect(sideOf({})).toBeUndefined();
    expect(splitSizeOf({}, layout)).toBeUndefined();
  });
});

describe('[X9] sizes', () => {
  const ops = (...words: string[]): Record<string, number> =>
    Object.fromEntries(resizeOps(words, select, undefined).ops.map(({ node_id, size }) => [node_id, size]));

  it.each([
    ['as they are', ['a=30', 'c=2.5'], { a: 30, c: 2.5 }],
    ['a share, the rest to the others', ['a=60%'], { a: 60, c: 40 }],
    ['every share of a group', ['b=25%', 'd=75%'], { b: 25, d: 75 }],
    ['shares of several groups', ['a=50%', 'b=10%'], { a: 50, c: 50, b: 10, d: 90 }],
    ['the last of two for one node', ['a=60%', 'a=10'], { a: 10 }],
  ])('%s', (_, words, expected) => {
    expect(ops(...words)).toEqual(expected);
  });

  it.each([
    [['a'], /"a" must be NODE=SIZE/],
    [['=5'], /must be NODE=SIZE/],
    [['a=0'], /a=0 must be a size above 0/],
    [['a=x%'], /must be a size/],
    [['a=100%'], /100% leaves nothing for the other 1/],
    [['r=50%'], /"r" is the root/],
  ])('%j is refused', (words, message) => {
    expect(() => ops(...words)).toThrow(message);
  });
});
