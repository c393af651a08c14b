import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { drawTree, frozen, nodesOf, parseTree, violations } from '../../../../test/support/layout.ts';
import type { LayoutNode } from '../../../protocol/control/index.ts';
import { HoldfastError } from '../../../protocol/index.ts';
import {
  checkFocus,
  checkTree,
  contains,
  deleteNode,
  deriveGroupId,
  findNode,
  firstLeaf,
  focusPlaced,
  insertNode,
  insertNodeAtIndex,
  keepFocus,
  leaves,
  moveNode,
  normalise,
  replaceNode,
  resizeNodes,
  setTree,
  splitNode,
  swapNodes,
} from './index.ts';

const group_id = 'new';
const TREE = frozen(parseTree('row:r[a 10, col:c[b 10, d 30] 10, e 20]'));

function refused(act: () => unknown): { code: string; field: string | undefined } {
  try {
    act();
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code, field: error.field };
    throw error;
  }
  throw new Error('was accepted');
}

/** A leaf as JSON brings it, with whatever else. */
const leaf = (id: string, more: Record<string, unknown> = {}): LayoutNode => ({
  id,
  flexDirection: 'row',
  data: { blockId: id },
  ...more,
});
const branch = (id: string, children: unknown, more: Record<string, unknown> = {}): LayoutNode =>
  ({ id, flexDirection: 'row', children, ...more }) as LayoutNode;
const withProto = (text: string): LayoutNode => JSON.parse(text) as LayoutNode;

/** Nodes that no operation takes: what is wrong, the code, where. */
const BAD_NODES: [title: string, node: unknown, code: string, path: string][] = [
  ['nothing', undefined, 'invalid_argument', ''],
  ['a number', 7, 'invalid_argument', ''],
  ['a list', [], 'invalid_argument', ''],
  ['no id', { flexDirection: 'row', data: { blockId: 'x' } }, 'invalid_argument', '.id'],
  ['an id that is no string', leaf(7 as unknown as string), 'invalid_argument', '.id'],
  ['an empty id', leaf(''), 'invalid_argument', '.id'],
  ['an id of 129 bytes', leaf('é'.repeat(64) + 'x'), 'invalid_argument', '.id'],
  ['an id with a control character', leaf('a\u0007'), 'invalid_argument', '.id'],
  ['a direction of its own', leaf('x', { flexDirection: 'up' }), 'invalid_argument', '.flexDirection'],
  ['size 0', leaf('x', { size: 0 }), 'invalid_argument', '.size'],
  ['size -1', leaf('x', { size: -1 }), 'invalid_argument', '.size'],
  ['size 101', leaf('x', { size: 101 }), 'invalid_argument', '.size'],
  ['size 1e39', leaf('x', { size: 1e39 }), 'invalid_argument', '.size'],
  ['an infinite size', leaf('x', { size: Infinity }), 'invalid_argument', '.size'],
  ['a size that is no number', leaf('x', { size: NaN }), 'invalid_argument', '.size'],
  ['a size in words', leaf('x', { size: '10' }), 'invalid_argument', '.size'],
  ['neither leaf nor branch', { id: 'x', flexDirection: 'row' }, 'invalid_argument', ''],
  ['leaf and branch', branch('x', [leaf('y')], { data: { blockId: 'x' } }), 'invalid_argument', '.data'],
  ['no children', branch('x', []), 'invalid_argument', '.children'],
  ['children that are no list', branch('x', { 0: leaf('y') }), 'invalid_argument', '.children'],
  ['data that is no object', leaf('x', { data: 'x' }), 'invalid_argument', '.data'],
  ['data without a block', leaf('x', { data: {} }), 'invalid_argument', '.data.blockId'],
  ['an empty block id', leaf('x', { data: { blockId: '' } }), 'invalid_argument', '.data.blockId'],
  ['a bad child', branch('x', [leaf('y'), leaf('z', { size: 0 })]), 'invalid_argument', '.children[1].size'],
  [
    'an id twice',
    branch('x', [leaf('y'), branch('z', [leaf('x')])]),
    'invalid_argument',
    '.children[1].children[0].id',
  ],
  [
    'a block twice',
    branch('x', [leaf('y'), leaf('z', { data: { blockId: 'y' } })]),
    'invalid_argument',
    '.children[1].data.blockId',
  ],
  [
    '__proto__ in a node',
    withProto('{"id":"x","flexDirection":"row","data":{"blockId":"x"},"__proto__":{"size":5}}'),
    'invalid_argument',
    '.__proto__',
  ],
  [
    '__proto__ in data',
    withProto('{"id":"x","flexDirection":"row","data":{"blockId":"x","__proto__":{}}}'),
    'invalid_argument',
    '.data.__proto__',
  ],
  [
    'too many nodes',
    branch(
      'x',
      Array.from({ length: 1024 }, (_, at) => leaf(`y${at}`)),
    ),
    'too_large',
    '.children[1023]',
  ],
  ['too many levels', tower(29), 'too_large', '.children[0]'.repeat(28)],
];

/** Groups in groups, all with one child. */
function tower(levels: number): LayoutNode {
  let node = leaf('top');
  for (let level = 1; level < levels; level++) node = branch(`level${level}`, [node]);
  return node;
}

/** A normal tree of that many levels. */
function stairs(levels: number): LayoutNode {
  let node = leaf('s0', { size: 10, flexDirection: levels % 2 === 0 ? 'column' : 'row' });
  for (let level = 1; level < levels; level++) {
    const flexDirection = (levels - level) % 2 === 0 ? 'column' : 'row';
    node = branch(`g${level}`, [leaf(`s${level}`), node], { flexDirection });
  }
  return normalise(node)!;
}

const OPERATIONS: Record<string, (node: LayoutNode) => unknown> = {
  node: (node) => insertNode(TREE, { node, parent_id: 'c', index: 0, group_id }),
  'node, in an empty layout': (node) => insertNode(null, { node, group_id }),
  'node, by index path': (node) => insertNodeAtIndex(TREE, { node, index_arr: [0], group_id }),
  new_node: (node) =>
    splitNode(TREE, { target_id: 'a', new_node: node, direction: 'row', position: 'after', group_id }),
  'new_node, for another': (new_node) => replaceNode(TREE, { target_id: 'a', new_node }),
  new_tree: (node) => setTree(node),
  tree: (node) => checkTree(node),
};

describe('input that is refused', () => {
  it.each(BAD_NODES)('[Y1] [Y4] [Y5] %s', (_title, node, code, path) => {
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const field = name.replace(/,.*/, '') + path;
      expect({ name, ...refused(() => operation(frozen(node) as LayoutNode)) }).toEqual({ name, code, field });
    }
  });

  const b = parseTree('b 5');
  const x = parseTree('x 5');
  const deep = branch('y', [leaf('z'), leaf('b')]);
  const takenBlock = leaf('x', { data: { blockId: 'd' } });
  const insert = { node: x, group_id };
  const move = { node_id: 'a', new_parent_id: 'c', index: 0, group_id };
  const split = { target_id: 'a', new_node: x, direction: 'row' as const, position: 'after' as const, group_id };
  const REFUSALS: [title: string, act: () => unknown, code: string, field: string][] = [
    ['an id that is there', () => insertNode(TREE, { ...insert, node: b }), 'conflict', 'node.id'],
    [
      'an id that is there, below',
      () => insertNode(TREE, { ...insert, node: deep }),
      'conflict',
      'node.children[1].id',
    ],
    [
      'a block that is placed',
      () => insertNode(TREE, { ...insert, node: takenBlock }),
      'conflict',
      'node.data.blockId',
    ],
    ['a block of another tab', () => insertNode(TREE, insert, () => false), 'not_found', 'node.data.blockId'],
    ['no such parent', () => insertNode(TREE, { ...insert, parent_id: 'q' }), 'not_found', 'parent_id'],
    ['a leaf for a parent', () => insertNode(TREE, { ...insert, parent_id: 'a' }), 'conflict', 'parent_id'],
    ['a parent in an empty layout', () => insertNode(null, { ...insert, parent_id: 'a' }), 'not_found', 'parent_id'],
    ['an index in an empty layout', () => insertNode(null, { ...insert, index: 0 }), 'invalid_argument', 'index'],
    ['an index below 0', () => insertNode(TREE, { ...insert, index: -1 }), 'invalid_argument', 'index'],
    ['half an index', () => insertNode(TREE, { ...insert, index: 0.5 }), 'invalid_argument', 'index'],
    ['no index path', () => insertNodeAtIndex(TREE, { ...insert, index_arr: [] }), 'invalid_argument', 'index_arr'],
    [
      'an index path below 0',
      () => insertNodeAtIndex(TREE, { ...insert, index_arr: [0, -1] }),
      'invalid_argument',
      'index_arr[1]',
    ],
    [
      'a group id that is there',
      () => insertNodeAtIndex(TREE, { ...insert, index_arr: [0, 0], group_id: 'd' }),
      'conflict',
      'group_id',
    ],
    [
      'a group id that comes in',
      () => insertNodeAtIndex(TREE, { ...insert, index_arr: [0, 0], group_id: 'x' }),
      'conflict',
      'group_id',
    ],
    [
      'a group id that is no id',
      () => insertNodeAtIndex(TREE, { ...insert, index_arr: [0, 0], group_id: '' }),
      'invalid_argument',
      'group_id',
    ],
    ['delete: no such node', () => deleteNode(TREE, 'q'), 'not_found', 'node_id'],
    ['move: no such node', () => moveNode(TREE, { ...move, node_id: 'q' }), 'not_found', 'node_id'],
    ['move: no such parent', () => moveNode(TREE, { ...move, new_parent_id: 'q' }), 'not_found', 'new_parent_id'],
    ['move: the root', () => moveNode(TREE, { ...move, node_id: 'r' }), 'conflict', 'node_id'],
    ['move: into itself', () => moveNode(TREE, { ...move, node_id: 'c' }), 'conflict', 'new_parent_id'],
    [
      'move: below itself',
      () => moveNode(TREE, { ...move, node_id: 'c', new_parent_id: 'b' }),
      'conflict',
      'new_parent_id',
    ],
    ['move: an index below 0', () => moveNode(TREE, { ...move, index: -1 }), 'invalid_argument', 'index'],
    [
      'move: a group id that is there',
      () => moveNode(TREE, { ...move, new_parent_id: 'e', group_id: 'c' }),
      'conflict',
      'group_id',
    ],
    ['move: in an empty layout', () => moveNode(null, move), 'not_found', 'node_id'],
    ['swap: itself', () => swapNodes(TREE, { node1_id: 'a', node2_id: 'a' }), 'invalid_argument', 'node2_id'],
    ['swap: no first', () => swapNodes(TREE, { node1_id: 'q', node2_id: 'a' }), 'not_found', 'node1_id'],
    ['swap: no second', () => swapNodes(TREE, { node1_id: 'a', node2_id: 'q' }), 'not_found', 'node2_id'],
    ['swap: the root first', () => swapNodes(TREE, { node1_id: 'r', node2_id: 'a' }), 'conflict', 'node1_id'],
    ['swap: the root second', () => swapNodes(TREE, { node1_id: 'a', node2_id: 'r' }), 'conflict', 'node2_id'],
    ['swap: one in the other', () => swapNodes(TREE, { node1_id: 'c', node2_id: 'b' }), 'conflict', 'node2_id'],
    [
      'resize: the second size',
      () =>
        resizeNodes(TREE, {
          ops: [
            { node_id: 'a', size: 5 },
            { node_id: 'b', size: 0 },
          ],
        }),
      'invalid_argument',
      'ops[1].size',
    ],
    [
      'resize: the second node',
      () =>
        resizeNodes(TREE, {
          ops: [
            { node_id: 'a', size: 5 },
            { node_id: 'q', size: 5 },
          ],
        }),
      'not_found',
      'ops[1].node_id',
    ],
    ['replace: no such node', () => replaceNode(TREE, { target_id: 'q', new_node: x }), 'not_found', 'target_id'],
    ['replace: an id elsewhere', () => replaceNode(TREE, { target_id: 'a', new_node: b }), 'conflict', 'new_node.id'],
    [
      'replace: a block elsewhere',
      () => replaceNode(TREE, { target_id: 'a', new_node: takenBlock }),
      'conflict',
      'new_node.data.blockId',
    ],
    ['split: no such node', () => splitNode(TREE, { ...split, target_id: 'q' }), 'not_found', 'target_id'],
    ['split: an empty layout', () => splitNode(null, split), 'not_found', 'target_id'],
    ['split: an id that is there', () => splitNode(TREE, { ...split, new_node: b }), 'conflict', 'new_node.id'],
    ['split: all of the slot', () => splitNode(TREE, { ...split, size: 10 }), 'invalid_argument', 'size'],
    ['split: size 0', () => splitNode(TREE, { ...split, size: 0 }), 'invalid_argument', 'size'],
    [
      'split: a group id that is there',
      () => splitNode(TREE, { ...split, direction: 'column', group_id: 'e' }),
      'conflict',
      'group_id',
    ],
    [
      'a block of no tab in a tree',
      () => setTree(TREE, (id) => id !== 'd'),
      'not_found',
      'new_tree.children[1].children[1].data.blockId',
    ],
  ];
  it.each(REFUSALS)('[Y4] %s', (_title, act, code, field) => {
    expect(refused(act)).toEqual({ code, field });
  });

  it('[Y5] a layout does not outgrow its limits', () => {
    const full = setTree(
      branch(
        'r',
        Array.from({ length: 1023 }, (_, at) => leaf(`y${at}`)),
      ),
    ).tree;
    const more = parseTree('x 5');
    expect(refused(() => insertNode(full, { node: more, parent_id: 'r', group_id }))).toEqual({
      code: 'conflict',
      field: 'node',
    });
    const beside = { target_id: 'y5', new_node: more, direction: 'row', position: 'after', group_id } as const;
    expect(refused(() => splitNode(full, beside))).toEqual({ code: 'conflict', field: 'new_node' });
    const pair = { target_id: 'y5', new_node: parseTree('col:k[x 1, y 1]') };
    expect(refused(() => replaceNode(full, pair))).toEqual({ code: 'conflict', field: 'new_node' });
    expect(nodesOf(replaceNode(full, { ...pair, new_node: more }).tree)).toHaveLength(1024);

    const high = stairs(28);
    expect(violations(high)).toEqual([]);
    const across = { target_id: 's0', new_node: more, position: 'after', group_id } as const;
    const inside = findNode(high, 'g1')!.flexDirection;
    const outside = inside === 'row' ? 'column' : 'row';
    expect(refused(() => splitNode(high, { ...across, direction: outside }))).toEqual({
      code: 'conflict',
      field: 'new_node',
    });
    expect(violations(splitNode(high, { ...across, direction: inside }).tree)).toEqual([]);
    const down = { node_id: 's27', new_parent_id: 's0', index: 0, group_id };
    expect(violations(moveNode(high, down).tree), 'the root collapses, so there is room').toEqual([]);
    const wide = insertNode(high, { node: more, parent_id: 'g27', group_id }).tree;
    expect(refused(() => moveNode(wide, down))).toEqual({ code: 'conflict', field: 'new_parent_id' });
    const group = insertNode(high, { node: parseTree('col:k[x 1, y 1]'), parent_id: 'g27', group_id }).tree;
    expect(refused(() => swapNodes(group, { node1_id: 'k', node2_id: 's0' }))).toEqual({
      code: 'conflict',
      field: 'node2_id',
    });
    expect(refused(() => setTree(stairs(29)))).toMatchObject({ code: 'too_large' });
  });

  it('[Y4] a group id that no group needs is not looked at', () => {
    expect(drawTree(insertNode(TREE, { node: parseTree('x 5'), parent_id: 'c', group_id: 'a' }).tree)).toBe(
      'row:r[a 10, col:c[b 10, d 30, x 5] 10, e 20]',
    );
  });
});

describe('what an operation hands back', () => {
  it('[Y10] [Y13] the subtree that went', () => {
    expect(deleteNode(TREE, 'c').removed).toBe(findNode(TREE, 'c'));
    expect(deleteNode(null, 'c')).toEqual({ tree: null, removed: null });
    const { removed, placed } = replaceNode(TREE, { target_id: 'c', new_node: parseTree('x 5') });
    expect(removed).toBe(findNode(TREE, 'c'));
    expect(placed).toMatchObject({ id: 'x', size: 10 });
  });

  it('[Y18] the very same tree when nothing changes', () => {
    expect(moveNode(TREE, { node_id: 'a', new_parent_id: 'r', index: 0, group_id }).tree).toBe(TREE);
    expect(moveNode(TREE, { node_id: 'a', new_parent_id: 'r', index: 1, group_id }).tree).toBe(TREE);
    expect(moveNode(TREE, { node_id: 'e', new_parent_id: 'r', index: 99, group_id }).tree).toBe(TREE);
    expect(resizeNodes(TREE, { ops: [{ node_id: 'd', size: 30 }] }).tree).toBe(TREE);
    expect(resizeNodes(TREE, { ops: [] }).tree).toBe(TREE);
    expect(normalise(TREE)).toBe(TREE);
  });

  it('[Y18] the same objects off the way', () => {
    const columns = Array.from({ length: 20 }, (_, at) =>
      branch(
        `c${at}`,
        Array.from({ length: 50 }, (_unused, row) => leaf(`l${at}_${row}`)),
        { flexDirection: 'column' },
      ),
    );
    const tree = frozen(setTree(branch('r', columns)).tree);
    expect(leaves(tree)).toHaveLength(1000);
    const old = new Set(nodesOf(tree));
    const fresh = (after: LayoutNode | null): string[] =>
      nodesOf(after)
        .filter((node) => !old.has(node))
        .map((node) => node.id);
    const x = parseTree('x 5');
    expect(fresh(insertNode(tree, { node: x, parent_id: 'c3', group_id }).tree)).toEqual(['r', 'c3', 'x']);
    const split = { target_id: 'l3_4', new_node: x, position: 'after', group_id } as const;
    expect(fresh(splitNode(tree, { ...split, direction: 'column' }).tree)).toEqual(['r', 'c3', 'l3_4', 'x']);
    expect(fresh(deleteNode(tree, 'l3_4').tree)).toEqual(['r', 'c3']);
    expect(fresh(swapNodes(tree, { node1_id: 'l3_4', node2_id: 'l9_9' }).tree)).toEqual(['r', 'c3', 'c9']);
    expect(fresh(moveNode(tree, { node_id: 'l3_4', new_parent_id: 'c9', index: 0, group_id }).tree)).toEqual([
      'r',
      'c3',
      'c9',
    ]);
    expect(fresh(resizeNodes(tree, { ops: [{ node_id: 'l3_4', size: 5 }] }).tree)).toEqual(['r', 'c3', 'l3_4']);
    expect(fresh(replaceNode(tree, { target_id: 'l3_4', new_node: x }).tree)).toEqual(['r', 'c3', 'x']);
  });
});

it('[Y17] unknown keys are kept through every operation', () => {
  const node = leaf('x', { size: 5, minimizedSize: 4, data: { blockId: 'x', view: { deep: [1] } } });
  let { tree } = insertNode(TREE, { node, parent_id: 'r', group_id });
  tree = splitNode(tree, {
    target_id: 'x',
    new_node: parseTree('n 1'),
    direction: 'column',
    position: 'after',
    group_id,
  }).tree;
  tree = swapNodes(tree, { node1_id: 'x', node2_id: 'a' }).tree;
  tree = moveNode(tree, { node_id: 'x', new_parent_id: 'c', index: 1, group_id }).tree;
  tree = resizeNodes(tree, { ops: [{ node_id: 'x', size: 6 }] }).tree;
  expect(findNode(tree, 'x')).toEqual({ ...node, size: 6, flexDirection: 'row' });
});

it('[Y17] the order of keys that came in does not matter', () => {
  const one = { size: 5, data: { note: 1, blockId: 'x' }, extra: 1, flexDirection: 'row', id: 'x' } as const;
  const other = { id: 'x', flexDirection: 'row', size: 5, data: { blockId: 'x', note: 1 }, extra: 1 } as const;
  expect(JSON.stringify(setTree(one).tree)).toBe(JSON.stringify(setTree(other).tree));
});

it('[Y17] the module gives the same bytes where there is nothing of Node', async () => {
  const bundle = await build({
    entryPoints: ['src/domains/workspaces/layout/index.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'layout',
    logLevel: 'silent',
  });
  const script = `${bundle.outputFiles[0]!.text}
    let tree = layout.setTree(${JSON.stringify(TREE)}).tree;
    const group_id = layout.deriveGroupId('tab', 'c1', 'e', (id) => layout.contains(tree, id));
    const new_node = {id: 'x', flexDirection: 'row', data: {blockId: 'x'}};
    tree = layout.splitNode(tree, {target_id: 'e', new_node, direction: 'column', position: 'after', group_id}).tree;
    let code;
    try { layout.deleteNode(tree, 'q') } catch (error) { code = error.code }
    JSON.stringify({tree, code})`;
  const there = runInNewContext(script, { TextEncoder }) as string;
  const here = splitNode(TREE, {
    target_id: 'e',
    new_node: leaf('x'),
    direction: 'column',
    position: 'after',
    group_id: deriveGroupId('tab', 'c1', 'e', () => false),
  });
  expect(there).toBe(JSON.stringify({ tree: here.tree, code: 'not_found' }));
});

describe('ids of groups', () => {
  it('[Y15] the same from the same tab, correlation id and node, else another', () => {
    const free = (): boolean => false;
    expect(deriveGroupId('tab', 'c1', 'node', free)).toBe('c3fb2f35-da93-8ac5-8147-ce19d82f1be9');
    const ids = new Set<string>();
    for (const tab of ['t', 'u', '']) {
      for (const correlation of ['', '1', 't']) {
        for (const node of ['t', 'n1', 'n2']) ids.add(deriveGroupId(tab, correlation, node, free));
      }
    }
    expect(ids.size).toBe(27);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('[Y15] another one while the first is taken', () => {
    const taken = new Set<string>();
    for (let count = 0; count < 100; count++) taken.add(deriveGroupId('tab', '', 'node', (id) => taken.has(id)));
    expect(taken.size).toBe(100);
  });
});

describe('focus', () => {
  it('[Y16] names a leaf or nothing', () => {
    checkFocus(TREE, 'b');
    checkFocus(TREE, '');
    checkFocus(null, '');
    expect(refused(() => checkFocus(TREE, 'q'))).toEqual({ code: 'not_found', field: 'node_id' });
    expect(refused(() => checkFocus(TREE, 'c', 'focused'))).toEqual({ code: 'conflict', field: 'focused' });
    expect(refused(() => checkFocus(null, 'b'))).toEqual({ code: 'not_found', field: 'node_id' });
  });

  it('[Y16] is cleared with its leaf, and only then', () => {
    const focus = frozen({ focused: 'b', magnified: 'a' });
    expect(keepFocus(TREE, focus)).toBe(focus);
    expect(keepFocus(deleteNode(TREE, 'c').tree, focus)).toEqual({ focused: '', magnified: 'a' });
    expect(keepFocus(null, focus)).toEqual({ focused: '', magnified: '' });
    expect(keepFocus(TREE, { focused: 'c', magnified: 'r' })).toEqual({ focused: '', magnified: '' });
  });

  it('[Y16] goes to what was placed when asked to, to the first leaf of a group', () => {
    const focus = frozen({ focused: 'b', magnified: 'a' });
    const { tree, placed } = insertNode(TREE, { node: parseTree('row:k[x 1, y 1]'), parent_id: 'r', group_id });
    expect(contains(tree, 'k')).toBe(false);
    expect(focusPlaced(focus, placed, {})).toBe(focus);
    expect(focusPlaced(focus, placed, { focus_after: true })).toEqual({ focused: 'x', magnified: 'a' });
    expect(focusPlaced(focus, placed, { focus_after: false, magnify_after: true })).toEqual({
      focused: 'x',
      magnified: 'x',
    });
    expect(keepFocus(tree, { focused: 'x', magnified: 'x' })).toEqual({ focused: 'x', magnified: 'x' });
  });
});

it('[Y1] finding nodes and leaves', () => {
  expect(leaves(TREE).map((node) => node.id)).toEqual(['a', 'b', 'd', 'e']);
  expect(leaves(null)).toEqual([]);
  expect(findNode(TREE, 'd')?.size).toBe(30);
  expect(contains(TREE, 'q')).toBe(false);
  expect(firstLeaf(findNode(TREE, 'c')!).id).toBe('b');
  checkTree(null);
  checkTree(TREE, (block) => 'abde'.includes(block));
});
