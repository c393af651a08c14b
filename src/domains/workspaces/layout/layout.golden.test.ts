// One row for each thing an operation does: the tree before, the operation, the tree after. The notation is that of
// test/support/layout.ts.
import { describe, expect, it } from 'vitest';
import { drawTree, frozen, parseTree, violations } from '../../../../test/support/layout.ts';
import {
  deleteNode,
  insertNode,
  insertNodeAtIndex,
  moveNode,
  normalise,
  replaceNode,
  resizeNodes,
  setTree,
  splitNode,
  swapNodes,
  type Tree,
} from './index.ts';

type Row = [title: string, before: string, operation: (tree: Tree) => { tree: Tree }, after: string];

const group_id = 'new';
const insert = (node: string, parent_id?: string, index?: number) => (tree: Tree) =>
  insertNode(tree, { node: parseTree(node), parent_id, index, group_id });
const insertAt =
  (node: string, ...index_arr: number[]) =>
  (tree: Tree) =>
    insertNodeAtIndex(tree, { node: parseTree(node), index_arr, group_id });
const remove = (id: string) => (tree: Tree) => deleteNode(tree, id);
const move = (node_id: string, new_parent_id: string, index: number) => (tree: Tree) =>
  moveNode(tree, { node_id, new_parent_id, index, group_id });
const swap = (node1_id: string, node2_id: string) => (tree: Tree) => swapNodes(tree, { node1_id, node2_id });
const resize =
  (...ops: [string, number][]) =>
  (tree: Tree) =>
    resizeNodes(tree, { ops: ops.map(([node_id, size]) => ({ node_id, size })) });
const replace = (target_id: string, node: string) => (tree: Tree) =>
  replaceNode(tree, { target_id, new_node: parseTree(node) });
const split =
  (target_id: string, node: string, direction: 'row' | 'column', position: 'before' | 'after', size?: number) =>
  (tree: Tree) =>
    splitNode(tree, { target_id, new_node: parseTree(node), direction, position, size, group_id });
const set = (text: string) => () => setTree(parseTree(text));

const SECTIONS: Record<string, Row[]> = {
  '[Y3] normalise': [
    [
      'a normal tree',
      'row[a 5, col[b 10, c 10] 5]',
      (tree) => ({ tree: normalise(tree) }),
      'row[a 5, col[b 10, c 10] 5]',
    ],
    ['a group of one takes its place and size', '-', set('row[a 5, col[b 40] 15]'), 'row[a 5, b 15]'],
    ['groups of one, one in the other', '-', set('row[a 5, col[row[col[b 7] 8] 9] 15]'), 'row[a 5, b 15]'],
    ['a group along its parent', '-', set('row[a 10, row[b 30, c 10] 20]'), 'row[a 10, b 15, c 5]'],
    ['two levels along', '-', set('row[a 10, row[b 30, row[c 1, d 1] 30] 20]'), 'row[a 10, b 10, c 5, d 5]'],
    ['a group of one that hides one along', '-', set('row[a 10, col[row[b 30, c 10] 3] 20]'), 'row[a 10, b 15, c 5]'],
    ['a root of one', '-', set('row:r[col:c[a 1, b 2] 3] 40'), 'col:c[a 1, b 2] 40'],
    ['a root of one leaf', '-', set('row[a 1] 40'), 'a 40'],
  ],
  '[Y6] insert': [
    ['into an empty layout', '-', insert('a 30'), 'a 30'],
    ['beside a lone leaf', 'a 30', insert('b 10'), 'row:new[a 30, b 10] 30'],
    ['into a root with room', 'row[a 10, b 10, c 10, d 10]', insert('e 10'), 'row[a 10, b 10, c 10, d 10, e 10]'],
    [
      'into a root with room, deep as its children are',
      'col[row[a 10, b 10] 10, c 10]',
      insert('e 10'),
      'col[row[a 10, b 10] 10, c 10, e 10]',
    ],
    [
      'beside the last leaf of a full root',
      'row[a 10, b 10, c 10, d 10, e 10]',
      insert('f 10'),
      'row[a 10, b 10, c 10, d 10, col:new[e 10, f 10] 10]',
    ],
    [
      'a leaf before a group, though that comes later',
      'row[a 10, b 20, c 10, d 10, col[e 10, f 10] 10]',
      insert('x 10'),
      'row[a 10, b 20, c 10, col:new[d 10, x 10] 10, col[e 10, f 10] 10]',
    ],
    [
      'into the smallest group, the last of equals',
      'row[col[a 9, b 9] 9, col[c 9, d 9] 9, col[e 9, f 9, g 9] 9, col[h 9, i 9] 9, col[j 9, k 9, l 9] 9]',
      insert('x 9'),
      'row[col[a 9, b 9] 9, col[c 9, d 9] 9, col[e 9, f 9, g 9] 9, col[h 9, i 9, x 9] 9, col[j 9, k 9, l 9] 9]',
    ],
    ['at the end of a parent', 'row:r[a 10, b 10]', insert('c 5', 'r'), 'row:r[a 10, b 10, c 5]'],
    ['at its index', 'row:r[a 10, b 10]', insert('c 5', 'r', 1), 'row:r[a 10, c 5, b 10]'],
    ['at an index beyond the end', 'row:r[a 10, b 10]', insert('c 5', 'r', 99), 'row:r[a 10, b 10, c 5]'],
    ['an index without a parent says nothing', 'row[a 10, b 10]', insert('c 5', undefined, 0), 'row[a 10, b 10, c 5]'],
    [
      'a group across',
      'row:r[a 10, b 10]',
      insert('col:c[x 1, y 2] 5', 'r', 0),
      'row:r[col:c[x 1, y 2] 5, a 10, b 10]',
    ],
    [
      'a group along dissolves',
      'row:r[a 10, b 10]',
      insert('row:c[x 1, y 4] 5', 'r', 1),
      'row:r[a 10, x 1, y 4, b 10]',
    ],
    ['a group of one dissolves', 'row:r[a 10, b 10]', insert('col:c[x 1] 5', 'r'), 'row:r[a 10, b 10, x 5]'],
  ],
  '[Y8] sizes left out': [
    ['alone', '-', insert('a -'), 'a'],
    ['the mean of the siblings', 'row:r[a 10, b 30]', insert('c -', 'r'), 'row:r[a 10, b 30, c 20]'],
    ['the size of the leaf beside it', 'a 30', insert('b -'), 'row:new[a 30, b 30] 30'],
    ['within a tree', '-', set('row[a -, b 4, c 8, col[d -, e -] -] -'), 'row[a 6, b 4, c 8, col[d 10, e 10] 6]'],
    ['of a group of one', 'row:r[a 10, b 30]', insert('row[c 50] -', 'r'), 'row:r[a 10, b 30, c 20]'],
  ],
  '[Y7] insert at an index path': [
    ['into an empty layout', '-', insertAt('a 5', 3, 4), 'a 5'],
    ['after the first', 'row[a 10, b 10]', insertAt('c 5', 0), 'row[a 10, c 5, b 10]'],
    ['after the last, clamped', 'row[a 10, b 10]', insertAt('c 5', 7), 'row[a 10, b 10, c 5]'],
    [
      'on the second level',
      'row[a 10, col[b 10, c 10] 10]',
      insertAt('d 5', 1, 0),
      'row[a 10, col[b 10, d 5, c 10] 10]',
    ],
    [
      'clamped on each level',
      'row[a 10, col[b 10, c 10] 10]',
      insertAt('d 5', 9, 9),
      'row[a 10, col[b 10, c 10, d 5] 10]',
    ],
    ['a leaf on the way becomes a group', 'row[a 10, b 10]', insertAt('c 5', 0, 0), 'row[col:new[a 10, c 5] 10, b 10]'],
    ['the path ends at a leaf', 'row[a 10, b 10]', insertAt('c 5', 0, 4, 4, 4), 'row[col:new[a 10, c 5] 10, b 10]'],
    ['the root is a leaf', 'a 30', insertAt('c 5', 4), 'row:new[a 30, c 5] 30'],
  ],
  '[Y9] split': [
    ['a lone leaf', 'a 30', split('a', 'n 99', 'row', 'after'), 'row:new[a 15, n~a 15] 30'],
    ['a lone leaf, before', 'a 30', split('a', 'n 99', 'column', 'before'), 'col:new[n~a 15, a 15] 30'],
    ['along the parent', 'row[a 10, b 10]', split('a', 'n 99', 'row', 'after'), 'row[a 5, n~a 5, b 10]'],
    ['along the parent, before', 'row[a 10, b 10]', split('b', 'n 99', 'row', 'before'), 'row[a 10, n~b 5, b 5]'],
    [
      'across the parent',
      'row[a 10, b 30]',
      split('b', 'n 9', 'column', 'after'),
      'row[a 10, col:new[b 15, n~b 15] 30]',
    ],
    ['with a size', 'row[a 10, b 10]', split('a', 'n 99', 'row', 'after', 3), 'row[a 7, n~a 3, b 10]'],
    [
      'across, with a size',
      'row[a 10, b 10]',
      split('a', 'n 99', 'column', 'after', 3),
      'row[col:new[a 7, n~a 3] 10, b 10]',
    ],
    [
      'a group along its parent',
      'row[a 10, col:c[b 10, d 10] 10]',
      split('c', 'n 1', 'row', 'before'),
      'row[a 10, n~c 5, col:c[b 10, d 10] 5]',
    ],
    [
      'a group along itself: its children make room',
      'row[a 10, col:c[b 10, d 30] 10]',
      split('c', 'n 1', 'column', 'after'),
      'row[a 10, col:c[b 5, d 15, n~c 20] 10]',
    ],
    [
      'the root across',
      'row:r[a 10, b 10] 40',
      split('r', 'n 1', 'column', 'after'),
      'col:new[row:r[a 10, b 10] 20, n~r 20] 40',
    ],
    ['the root along', 'row:r[a 10, b 10] 40', split('r', 'n 1', 'row', 'before', 10), 'row:r[n~r 5, a 7.5, b 7.5] 40'],
    ['with a group', 'row[a 10, b 10]', split('a', 'row:s[x 1, y 1]', 'row', 'after'), 'row[a 5, x 2.5, y 2.5, b 10]'],
  ],
  '[Y10] delete': [
    ['the root', 'row:r[a 10, b 10]', remove('r'), '-'],
    ['a lone leaf', 'a', remove('a'), '-'],
    ['one of three', 'row[a 10, b 20, c 30]', remove('b'), 'row[a 10, c 30]'],
    [
      'one of two: the other takes the place and the size',
      'row[a 10, col[b 33, c 44] 20]',
      remove('b'),
      'row[a 10, c 20]',
    ],
    ['one of two at the root', 'row[a 10, b 30] 40', remove('a'), 'b 40'],
    [
      'a collapse that brings a group under one of its direction',
      'row[a 10, col[b 10, row[c 30, d 10] 10] 20]',
      remove('b'),
      'row[a 10, c 15, d 5]',
    ],
    ['a group', 'row[a 10, col:c[b 10, d 10] 20, e 30]', remove('c'), 'row[a 10, e 30]'],
    ['what a split made', 'row[a 5, n~a 5, b 10]', remove('n'), 'row[a 10, b 10]'],
    ['what a split made, before', 'row[b 10, n~a 5, a 5]', remove('n'), 'row[b 10, a 10]'],
    ['what a split made, no longer beside it', 'row[a 5, b 10, n~a 5]', remove('n'), 'row[a 5, b 10]'],
    ['what a split took from the whole group', 'row:r[a 5, b 15, n~r 20]', remove('n'), 'row:r[a 10, b 30]'],
    ['more than a size can hold', 'row[a 90, n~a 60, b 50]', remove('n'), 'row[a 100, b 33.33333333]'],
    ['in an empty layout', '-', remove('x'), '-'],
  ],
  '[Y11] move': [
    ['to the front', 'row:r[a 1, b 2, c 3]', move('c', 'r', 0), 'row:r[c 3, a 1, b 2]'],
    ['to the right, counted before the move', 'row:r[a 1, b 2, c 3]', move('a', 'r', 2), 'row:r[b 2, a 1, c 3]'],
    ['to the end', 'row:r[a 1, b 2, c 3]', move('a', 'r', 99), 'row:r[b 2, c 3, a 1]'],
    ['to where it is', 'row:r[a 1, b 2, c 3]', move('b', 'r', 1), 'row:r[a 1, b 2, c 3]'],
    ['to where it is, counted before the move', 'row:r[a 1, b 2, c 3]', move('b', 'r', 2), 'row:r[a 1, b 2, c 3]'],
    ['its size goes along', 'row[a 1, b 2, col:c[d 3, e 4] 5]', move('a', 'c', 1), 'row[b 2, col:c[d 3, a 1, e 4] 5]'],
    ['out of a pair', 'row:r[a 1, col[d 3, e 4] 5]', move('d', 'r', 0), 'row:r[d 3, a 1, e 5]'],
    ['onto a leaf', 'row[a 1, b 2, c 3]', move('a', 'c', 1), 'row[b 2, col:new[c 3, a 1] 3]'],
    ['before a leaf', 'row[a 1, b 2, c 3]', move('a', 'c', 0), 'row[b 2, col:new[a 1, c 3] 3]'],
    ['onto the other of a pair', 'row[a 1, b 2] 30', move('a', 'b', 1), 'col:new[b 2, a 1] 30'],
    ['onto the other of an inner pair', 'row[x 1, col[a 1, b 3] 8]', move('a', 'b', 1), 'row[x 1, b 6, a 2]'],
    [
      'a group into one of its direction',
      'row:r[a 1, col:c[x 1, row:i[y 1, z 1] 1] 9]',
      move('i', 'r', 0),
      'row:r[y 0.5, z 0.5, a 1, x 9]',
    ],
    ['into its own parent that collapses', 'row:r[a 1, b 2]', move('a', 'r', 2), 'row:r[b 2, a 1]'],
  ],
  '[Y11] swap': [
    ['siblings', 'row[a 1, b 2, c 3]', swap('a', 'c'), 'row[c 3, b 2, a 1]'],
    ['cousins', 'row[a 50, col[b 1, c 1] 50]', swap('a', 'b'), 'row[b 1, col[a 50, c 1] 50]'],
    ['a group and a leaf', 'row[a 1, col:c[x 1, y 1] 2]', swap('c', 'a'), 'row[col:c[x 1, y 1] 2, a 1]'],
    [
      'a group under one of its direction dissolves',
      'row[col:c[x 1, row:i[y 1, z 3] 4] 5, col:d[p 1, q 1] 6]',
      swap('i', 'd'),
      'row[col:c[x 1, p 3, q 3] 5, y 1, z 3]',
    ],
  ],
  '[Y12] resize': [
    ['one', 'row[a 1, b 2]', resize(['a', 50]), 'row[a 50, b 2]'],
    [
      'several, on all levels',
      'row:r[a 1, col:c[x 1, y 1] 2]',
      resize(['r', 7], ['c', 8], ['y', 9]),
      'row:r[a 1, col:c[x 1, y 9] 8] 7',
    ],
    ['the last of two for one node', 'row[a 1, b 2]', resize(['a', 50], ['a', 60]), 'row[a 60, b 2]'],
    ['none', 'row[a 1, b 2]', resize(), 'row[a 1, b 2]'],
  ],
  '[Y13] replace': [
    ['a leaf', 'row[a 1, b 2]', replace('a', 'x 50'), 'row[x 1, b 2]'],
    ['the root', 'row:r[a 1, b 2] 33', replace('r', 'x 50'), 'x 33'],
    ['with a group along the parent', 'row[a 10, b 20]', replace('b', 'row:s[x 1, y 3] 50'), 'row[a 10, x 5, y 15]'],
    ['with a group across', 'row[a 10, b 20]', replace('b', 'col:c[x 1, y 3] 50'), 'row[a 10, col:c[x 1, y 3] 20]'],
    ['with what was in it', 'row[a 10, col:c[x 1, y 3] 20]', replace('c', 'y 9'), 'row[a 10, y 20]'],
    ['with the same id', 'row[a 10, b 20]', replace('a', 'a 9'), 'row[a 10, b 20]'],
  ],
};

for (const [section, rows] of Object.entries(SECTIONS)) {
  describe(section, () => {
    it.each(rows)(`${section}: %s`, (_title, before, operation, after) => {
      const given = frozen(before === '-' ? null : parseTree(before));
      expect(violations(given), 'the tree before').toEqual([]);
      const { tree } = operation(given);
      expect(drawTree(tree)).toBe(after);
      expect(violations(tree)).toEqual([]);
    });
  });
}
