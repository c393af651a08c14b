/** The layout's operations on what is there: delete, move, swap, resize and replace. */
import { describe, expect, it } from 'vitest';
import {
  event,
  INVALID,
  leaf,
  placedBranch,
  placedLeaf,
  rowOfThree,
  SeedSuite,
  tabWith,
  treeAfterResize,
} from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

const correlation_id = 'my change';
const sized = (node: Message, size: number): Message => ({ ...node, size });
const rowLeaf = (node: Message): Message => ({ ...node, flexDirection: 'row' });
const anyId = expect.stringMatching(/./) as unknown as string;
const placed = (id: string, size: number): unknown => expect.objectContaining({ id, size });

describe('`layout_delete_node`: success', () => {
  it('[Y10] `layout_delete_node` leaves the others their sizes', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const remove = { tab_id: row.tab, node_id: 'b', correlation_id };
    expect(await client.commit({ cmd: 'layout_delete_node', ...remove })).toEqual([
      event('layout_node_deleted', {
        ...remove,
        new_tree: row.root(row.a, row.c),
        tree_cleared: false,
        was_focused: false,
        was_magnified: false,
      }),
    ]);
  });

  it('[Y3] `layout_delete_node` of all but one leaves that one alone, in the place of its group', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const remove = { cmd: 'layout_delete_node', tab_id: row.tab, correlation_id };
    await client.commit({ ...remove, node_id: 'a' });
    const [deleted] = await client.commit({ ...remove, node_id: 'b' });
    expect(deleted).toMatchObject({ new_tree: sized(rowLeaf(row.c), 10), tree_cleared: false });
  });

  it('[W7] [W9] `layout_delete_node` of the root clears the tree, with focus and magnification, and parks', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const { tab } = row;
    await client.commit({ cmd: 'set_focused_node', tab_id: tab, node_id: 'a' });
    await client.commit({ cmd: 'set_magnified_node', tab_id: tab, node_id: 'b' });
    const [deleted, ...rest] = await client.commit({
      cmd: 'layout_delete_node',
      tab_id: tab,
      node_id: 'r',
      correlation_id,
    });
    expect(deleted).toMatchObject({ new_tree: null, tree_cleared: true, was_focused: true, was_magnified: true });
    expect(rest).toEqual([]);
    for (const cmd of ['set_focused_node', 'set_magnified_node']) {
      expect(await client.commit({ cmd, tab_id: tab, node_id: '' })).toEqual([]);
    }
    const { blockId } = row.a['data'] as { blockId: string };
    const again = { cmd: 'layout_set_tree', tab_id: tab, new_tree: leaf('a', blockId), correlation_id };
    expect(await client.commit(again)).toHaveLength(1);
  });
});

describe('`layout_delete_node`: no-op and idempotency', () => {
  it('[W1] `layout_delete_node` in an empty layout is silent', async () => {
    const client = await seed.client();
    const { tab } = await tabWith(client, 0);
    expect(await client.commit({ cmd: 'layout_delete_node', tab_id: tab, node_id: 'n', correlation_id })).toEqual([]);
  });
});

describe('`layout_delete_node`: error', () => {
  it('[Y4] `layout_delete_node` of what is not there is refused', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    const remove = { cmd: 'layout_delete_node', tab_id: tab, node_id: 'a', correlation_id };
    for (const wrong of [{ node_id: 'none' }, { node_id: '' }, { tab_id: 'none' }]) {
      expect(await client.refusal({ ...remove, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`layout_move_node`: success', () => {
  it.each([
    ['c', 0, ['c', 'a', 'b']],
    ['a', 2, ['b', 'a', 'c']],
    ['a', 3, ['b', 'c', 'a']],
    ['a', 99, ['b', 'c', 'a']],
  ])('[Y11] `layout_move_node` of %s to index %d, its size with it', async (node_id, index, ids) => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const nodes: Record<string, Message> = { a: row.a, b: row.b, c: row.c };
    const move = { tab_id: row.tab, node_id, new_parent_id: 'r', index, correlation_id };
    expect(await client.commit({ cmd: 'layout_move_node', ...move })).toEqual([
      event('layout_node_moved', { ...move, new_tree: row.root(...ids.map((id) => nodes[id]!)) }),
    ]);
  });

  it.each([
    [0, true],
    [1, false],
  ])('[Y11] `layout_move_node` onto a leaf at %d makes a group of both', async (index, first) => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const move = { cmd: 'layout_move_node', tab_id: row.tab, node_id: 'c', new_parent_id: 'a', index, correlation_id };
    const [moved] = await client.commit(move);
    const pair = first ? [rowLeaf(row.c), rowLeaf(row.a)] : [rowLeaf(row.a), rowLeaf(row.c)];
    expect(moved!['new_tree']).toEqual(row.root(placedBranch(anyId, 'column', 10, pair), row.b));
  });
});

describe('`layout_move_node`: no-op and idempotency', () => {
  it('[W1] `layout_move_node` to where it is is silent', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    const move = { cmd: 'layout_move_node', tab_id: tab, node_id: 'b', new_parent_id: 'r', correlation_id };
    expect(await client.commit({ ...move, index: 1 })).toEqual([]);
    expect(await client.commit({ ...move, index: 2 })).toEqual([]);
  });
});

describe('`layout_move_node`: error', () => {
  it('[Y4] `layout_move_node` of the root, into itself, or of what is not there, is refused', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    const { blocks } = await tabWith(client, 1);
    const move = { cmd: 'layout_move_node', tab_id: tab, node_id: 'a', new_parent_id: 'r', index: 0, correlation_id };
    for (const wrong of [
      { node_id: 'r', new_parent_id: 'a' },
      { node_id: 'r', new_parent_id: 'r' },
      { node_id: 'b', new_parent_id: 'b' },
      { node_id: 'none' },
      { new_parent_id: 'none' },
      { new_parent_id: blocks[0] },
      { tab_id: 'none' },
    ]) {
      expect(await client.refusal({ ...move, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`layout_swap_nodes`: success', () => {
  it('[Y11] `layout_swap_nodes` exchanges them, sizes with them; twice restores the tree', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const swap = { tab_id: row.tab, node1_id: 'a', node2_id: 'c', correlation_id };
    expect(await client.commit({ cmd: 'layout_swap_nodes', ...swap })).toEqual([
      event('layout_nodes_swapped', { ...swap, new_tree: row.root(row.c, row.b, row.a) }),
    ]);
    const [back] = await client.commit({ cmd: 'layout_swap_nodes', ...swap });
    expect(back!['new_tree']).toEqual(row.root(row.a, row.b, row.c));
  });
});

describe('`layout_swap_nodes`: no-op and idempotency', () => {
  it('[Y11] `layout_swap_nodes` is not idempotent: each is a change', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    const swap = { cmd: 'layout_swap_nodes', tab_id: tab, node1_id: 'a', node2_id: 'b', correlation_id };
    expect([await client.commit(swap), await client.commit(swap)].map((events) => events.length)).toEqual([1, 1]);
  });
});

describe('`layout_swap_nodes`: error', () => {
  it('[Y4] `layout_swap_nodes` with itself, the root, what is within it, or nothing, is refused', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    const swap = { cmd: 'layout_swap_nodes', tab_id: tab, node1_id: 'a', node2_id: 'b', correlation_id };
    for (const wrong of [
      { node2_id: 'a' },
      { node1_id: 'r' },
      { node2_id: 'r' },
      { node1_id: 'none' },
      { node2_id: 'none' },
      { tab_id: 'none' },
    ]) {
      expect(await client.refusal({ ...swap, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`layout_resize_nodes`: success', () => {
  it('[Y12] `layout_resize_nodes` sets all sizes, whole ones as whole numbers', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const ops = [
      { node_id: 'a', size: 50 },
      { node_id: 'b', size: 0.5 },
      { node_id: 'c', size: 100 },
    ];
    expect(await client.commit({ cmd: 'layout_resize_nodes', tab_id: row.tab, ops, correlation_id })).toEqual([
      event('layout_nodes_resized', {
        tab_id: row.tab,
        ops,
        new_tree: row.root(sized(row.a, 50), sized(row.b, 0.5), sized(row.c, 100)),
        correlation_id,
      }),
    ]);
  });

  it('[Y12] `layout_resize_nodes` with a node twice: the last one counts', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const ops = [
      { node_id: 'a', size: 50 },
      { node_id: 'a', size: 60 },
    ];
    const [resized] = await client.commit({ cmd: 'layout_resize_nodes', tab_id: row.tab, ops, correlation_id });
    expect(resized!['new_tree']).toEqual(row.root(sized(row.a, 60), row.b, row.c));
  });
});

describe('`layout_resize_nodes`: no-op and idempotency', () => {
  it('[W1] `layout_resize_nodes` to the sizes there are, or of nothing, is silent', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    for (const ops of [[], [{ node_id: 'a', size: 10 }]]) {
      expect(await client.commit({ cmd: 'layout_resize_nodes', tab_id: tab, ops, correlation_id })).toEqual([]);
    }
  });
});

describe('`layout_resize_nodes`: error', () => {
  it('[Y12] `layout_resize_nodes` with one bad size or node sets none', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const resize = { cmd: 'layout_resize_nodes', tab_id: row.tab, correlation_id };
    const good = { node_id: 'b', size: 77 };
    for (const bad of [
      { node_id: 'a', size: 0 },
      { node_id: 'a', size: -1 },
      { node_id: 'a', size: 101 },
      { node_id: 'a', size: 1e39 },
      { node_id: 'a', size: '10' },
      { node_id: 'a', size: null },
      { node_id: 'a' },
      { size: 10 },
      { node_id: 'none', size: 10 },
      'a',
      null,
    ]) {
      expect(await client.refusal({ ...resize, ops: [good, bad] }), JSON.stringify(bad)).toEqual(INVALID);
    }
    expect(await client.refusal({ ...resize, tab_id: 'none', ops: [good] })).toEqual(INVALID);
    expect(await treeAfterResize(client, row.tab, 'a', 11)).toEqual(row.root(sized(row.a, 11), row.b, row.c));
  });
});

describe('`layout_replace_node`: success', () => {
  it('[Y13] `layout_replace_node` gives the new one place and size of the old, whose block is parked', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const replace = { tab_id: row.tab, target_id: 'b', correlation_id };
    const new_node = leaf('new', row.spare, 99);
    expect(await client.commit({ cmd: 'layout_replace_node', ...replace, new_node, focus_after: false })).toEqual([
      event('layout_node_replaced', {
        ...replace,
        new_node: placed('new', 20),
        new_tree: row.root(row.a, placedLeaf('new', row.spare, 20, 'column'), row.c),
      }),
    ]);
    const { blockId } = row.b['data'] as { blockId: string };
    const back = { cmd: 'layout_replace_node', ...replace, target_id: 'new', new_node: leaf('b', blockId) };
    const [replaced] = await client.commit({ ...back, focus_after: false });
    expect(replaced!['new_tree']).toEqual(row.root(row.a, row.b, row.c));
  });

  it('[Y13] `layout_replace_node` may use ids and blocks of what it replaces', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const { blockId } = row.b['data'] as { blockId: string };
    const new_node = { id: 'b', flexDirection: 'column', children: [leaf('x', blockId, 1), leaf('y', row.spare, 1)] };
    const replace = { cmd: 'layout_replace_node', tab_id: row.tab, target_id: 'b', new_node, focus_after: false };
    const [replaced] = await client.commit({ ...replace, correlation_id });
    const group = placedBranch('b', 'column', 20, [
      placedLeaf('x', blockId, 1, 'row'),
      placedLeaf('y', row.spare, 1, 'row'),
    ]);
    expect(replaced!['new_tree']).toEqual(row.root(row.a, group, row.c));
  });
});

describe('`layout_replace_node`: order', () => {
  it('[W9] `layout_replace_node` is followed by the focus', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const replace = { cmd: 'layout_replace_node', tab_id: row.tab, target_id: 'a', new_node: leaf('n', row.spare) };
    expect((await client.commit({ ...replace, focus_after: true, correlation_id })).slice(1)).toEqual([
      event('focused_node_changed', { tab_id: row.tab, node_id: 'n' }),
    ]);
  });
});

describe('`layout_replace_node`: no-op and idempotency', () => {
  it('[W1] `layout_replace_node` of a node by itself is silent', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const replace = { cmd: 'layout_replace_node', tab_id: row.tab, target_id: 'a', new_node: row.a };
    expect(await client.commit({ ...replace, focus_after: false, correlation_id })).toEqual([]);
  });
});
