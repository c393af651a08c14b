/** The eleven operations on the layout of a tab. */
import { describe, expect, it } from 'vitest';
import {
  createBlock,
  event,
  INVALID,
  leaf,
  placedBranch,
  placedLeaf,
  rowOfThree,
  type Row,
  SeedSuite,
  tabWith,
  treeAfterResize,
} from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

const correlation_id = 'my change';
const quiet = { focus_after: false, magnify_after: false };
const sized = (node: Message, size: number): Message => ({ ...node, size });
const rowLeaf = (node: Message): Message => ({ ...node, flexDirection: 'row' });

describe('`layout_insert_node`: success', () => {
  const insert = (tab_id: string, fields: Message): Message => ({
    cmd: 'layout_insert_node',
    tab_id,
    ...quiet,
    correlation_id,
    ...fields,
  });

  it('[Y6] `layout_insert_node` into an empty layout makes the root', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 1);
    const node = { ...leaf('n', blocks[0]!, 25), pinned: { by: ['me'] } };
    expect(await client.commit(insert(tab, { node }))).toEqual([
      event('layout_node_inserted', {
        tab_id: tab,
        node: { ...node, flexDirection: 'row' },
        parent_id: null,
        index: null,
        correlation_id,
      }),
    ]);
    expect(await treeAfterResize(client, tab, 'n', 30)).toEqual({ ...node, flexDirection: 'row', size: 30 });
  });

  it('[Y6] `layout_insert_node` beside a lone leaf makes both a row', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 2);
    await client.commit(insert(tab, { node: leaf('one', blocks[0]!, 40) }));
    await client.commit(insert(tab, { node: leaf('two', blocks[1]!), parent_id: null, index: null }));
    const one = placedLeaf('one', blocks[0]!, 40, 'column');
    const two = placedLeaf('two', blocks[1]!, 7, 'column');
    expect(await treeAfterResize(client, tab, 'two', 7)).toEqual(
      placedBranch(expect.any(String) as string, 'row', 40, [one, two]),
    );
  });

  it.each([
    [0, ['new', 'a', 'b', 'c']],
    [2, ['a', 'b', 'new', 'c']],
    [99, ['a', 'b', 'c', 'new']],
    [null, ['a', 'b', 'c', 'new']],
  ])('[Y6] `layout_insert_node` into a parent at %j: there, or at the end', async (index, ids) => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const [inserted] = await client.commit(insert(tab, { node: leaf('new', spare), parent_id: 'r', index }));
    expect(inserted).toMatchObject({ parent_id: 'r', index, node: { id: 'new', size: 20 } });
    const tree = (await treeAfterResize(client, tab, 'new', 5)) as { children: { id: string }[] };
    expect(tree.children.map(({ id }) => id)).toEqual(ids);
  });

  it('[Y17] `layout_insert_node` of a whole branch', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const second = await createBlock(client, tab);
    const children = [leaf('x', spare, 1), leaf('y', second, 2)];
    const node = { id: 'g', flexDirection: 'column', size: 10, children };
    await client.commit(insert(tab, { node, parent_id: 'r', index: 0 }));
    const tree = (await treeAfterResize(client, tab, 'g', 5)) as { children: unknown[] };
    expect(tree.children[0]).toEqual(
      placedBranch('g', 'column', 5, [placedLeaf('x', spare, 1, 'row'), placedLeaf('y', second, 2, 'row')]),
    );
  });
});

describe('`layout_insert_node`: order', () => {
  it.each([
    [true, false, ['focused_node_changed']],
    [false, true, ['focused_node_changed', 'magnified_node_changed']],
    [true, true, ['focused_node_changed', 'magnified_node_changed']],
  ])('[W9] `layout_insert_node` with focus %s and magnify %s', async (focus_after, magnify_after, after) => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const node = leaf('new', spare);
    const events = await client.commit({
      cmd: 'layout_insert_node',
      tab_id: tab,
      node,
      focus_after,
      magnify_after,
      correlation_id,
    });
    expect(events.map((one) => one['event'])).toEqual(['layout_node_inserted', ...after]);
    for (const one of events.slice(1)) expect(one).toMatchObject({ tab_id: tab, node_id: 'new' });
  });
});

describe('`layout_insert_node`: no-op and idempotency', () => {
  it('[Y1] `layout_insert_node` is not idempotent: its node is there already', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node', tab_id: tab, node: leaf('new', spare), ...quiet, correlation_id };
    await client.commit(insert);
    expect(await client.refusal(insert)).toEqual(INVALID);
  });
});

/** What no operation takes as a new node, beside a tab that has `a` with its block and one `spare` block. */
function badNodes({ a, spare }: Row, foreign: string): readonly [string, unknown][] {
  const taken = (a['data'] as { blockId: string }).blockId;
  const good = leaf('new', spare);
  return [
    ['without id', { data: { blockId: spare } }],
    ['with an empty id', leaf('', spare)],
    ['with an id that is taken', leaf('b', spare)],
    ['with an id too long', leaf('x'.repeat(129), spare)],
    ['with neither data nor children', { id: 'new' }],
    ['with data and children', { ...good, children: [leaf('x', spare)] }],
    ['that is its own child', { id: 'new', children: [{ id: 'new', data: { blockId: spare } }] }],
    ['with a block that is placed', leaf('new', taken)],
    ['with a block of another tab', leaf('new', foreign)],
    ['with a block that is none', leaf('new', 'none')],
    ['with a block twice', { id: 'new', children: [leaf('x', spare), leaf('y', spare)] }],
    ['of size 0', { ...good, size: 0 }],
    ['of size -1', { ...good, size: -1 }],
    ['of size 101', { ...good, size: 101 }],
    ['of size 1e39', { ...good, size: 1e39 }],
    ['of size as text', { ...good, size: '10' }],
    ['with a direction that is none', { ...good, flexDirection: 'diagonal' }],
    ['with children that are no list', { id: 'new', children: {} }],
    ['with data that is none', { id: 'new', data: 'b' }],
  ];
}

const NEW_NODES: readonly [string, (node: unknown) => Message][] = [
  ['layout_insert_node', (node) => ({ node, ...quiet })],
  ['layout_insert_node_at_index', (node) => ({ node, index_arr: [0], ...quiet })],
  ['layout_replace_node', (new_node) => ({ target_id: 'c', new_node, focus_after: false })],
  ['layout_split_horizontal', (new_node) => ({ target_id: 'c', new_node, position: 'after', focus_after: false })],
  ['layout_split_vertical', (new_node) => ({ target_id: 'c', new_node, position: 'after', focus_after: false })],
];

describe('new nodes: error', () => {
  it.each(NEW_NODES)('[Y4] `%s` refuses a bad node and changes nothing', async (cmd, fields) => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const { blocks } = await tabWith(client, 1);
    for (const [what, node] of badNodes(row, blocks[0]!)) {
      const command = { cmd, tab_id: row.tab, ...fields(node), correlation_id };
      expect(await client.refusal(command), what).toEqual(INVALID);
    }
    expect(await treeAfterResize(client, row.tab, 'a', 11)).toEqual(row.root(sized(row.a, 11), row.b, row.c));
    const good = { cmd, tab_id: row.tab, ...fields(leaf('new', row.spare)), correlation_id };
    expect(await client.commit(good)).toHaveLength(1);
  });

  it('[Y4] `layout_set_tree` refuses a bad tree and changes nothing', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const { blocks } = await tabWith(client, 1);
    // What stands there already is free for the tree that replaces it.
    const bad = badNodes(row, blocks[0]!).filter(
      ([what]) => !['is placed', 'is taken'].some((end) => what.endsWith(end)),
    );
    expect(bad).toHaveLength(17);
    for (const [what, new_tree] of bad) {
      const command = { cmd: 'layout_set_tree', tab_id: row.tab, new_tree, correlation_id };
      expect(await client.refusal(command), what).toEqual(INVALID);
    }
    expect(await treeAfterResize(client, row.tab, 'a', 11)).toEqual(row.root(sized(row.a, 11), row.b, row.c));
  });
});

describe('places: error', () => {
  it('[Y6] `layout_insert_node` refuses a parent that is none', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node', tab_id: tab, node: leaf('new', spare), ...quiet, correlation_id };
    for (const wrong of [{ parent_id: 'none' }, { parent_id: 'a' }, { parent_id: 'new' }, { tab_id: 'none' }]) {
      expect(await client.refusal({ ...insert, ...wrong })).toEqual(INVALID);
    }
    const { tab: empty, blocks } = await tabWith(client, 1);
    const first = { ...insert, tab_id: empty, node: leaf('new', blocks[0]!) };
    expect(await client.refusal({ ...first, parent_id: 'r' })).toEqual(INVALID);
    expect(await client.refusal({ ...first, index: 0 })).toEqual(INVALID);
  });

  it('[Y7] `layout_insert_node_at_index` refuses no index at all', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node_at_index', tab_id: tab, node: leaf('new', spare), ...quiet };
    for (const index_arr of [[], [-1], [0.5], ['0'], [null]]) {
      expect(await client.refusal({ ...insert, index_arr, correlation_id })).toEqual(INVALID);
    }
  });

  it.each(NEW_NODES.slice(2))('[Y4] `%s` refuses a target that is none', async (cmd, fields) => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const command = { cmd, tab_id: tab, ...fields(leaf('new', spare)), correlation_id };
    for (const wrong of [{ target_id: 'none' }, { target_id: 'new' }, { target_id: '' }, { tab_id: 'none' }]) {
      expect(await client.refusal({ ...command, ...wrong })).toEqual(INVALID);
    }
    const { tab: empty } = await tabWith(client, 0);
    expect(await client.refusal({ ...command, tab_id: empty })).toEqual(INVALID);
  });
});

describe('`layout_insert_node_at_index`: success', () => {
  it.each([
    [[0], ['a', 'new', 'b', 'c']],
    [[9], ['a', 'b', 'c', 'new']],
  ])('[Y7] `layout_insert_node_at_index` %j comes after the last one named, clamped', async (index_arr, ids) => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node_at_index', tab_id: row.tab, node: leaf('new', row.spare) };
    const fresh = placedLeaf('new', row.spare, 20, 'column');
    const nodes: Record<string, Message> = { a: row.a, b: row.b, c: row.c, new: fresh };
    const [inserted, ...rest] = await client.commit({ ...insert, index_arr, ...quiet, correlation_id });
    expect(inserted).toEqual(
      event('layout_node_inserted_at_index', {
        tab_id: row.tab,
        node: expect.objectContaining({ id: 'new', size: 20 }) as unknown,
        index_arr,
        new_tree: row.root(...ids.map((id) => nodes[id]!)),
        correlation_id,
      }),
    );
    expect(rest).toEqual([]);
  });

  it('[Y7] `layout_insert_node_at_index` below a leaf makes a group of both', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node_at_index', tab_id: row.tab, node: leaf('new', row.spare, 5) };
    const [inserted] = await client.commit({ ...insert, index_arr: [0, 0], ...quiet, correlation_id });
    const group = placedBranch(expect.any(String) as string, 'column', 10, [
      rowLeaf(row.a),
      placedLeaf('new', row.spare, 5, 'row'),
    ]);
    expect(inserted!['new_tree']).toEqual(row.root(group, row.b, row.c));
  });
});

describe('`layout_insert_node_at_index`: order', () => {
  it('[W9] `layout_insert_node_at_index` is followed by focus and magnification', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const node = leaf('new', spare);
    const wanted = { focus_after: false, magnify_after: true };
    const insert = { cmd: 'layout_insert_node_at_index', tab_id: tab, node, index_arr: [1], ...wanted };
    expect((await client.commit({ ...insert, correlation_id })).map((one) => [one['event'], one['node_id']])).toEqual([
      ['layout_node_inserted_at_index', undefined],
      ['focused_node_changed', 'new'],
      ['magnified_node_changed', 'new'],
    ]);
  });
});

describe('`layout_insert_node_at_index`: no-op and idempotency', () => {
  it('[Y1] `layout_insert_node_at_index` is not idempotent: its node is there already', async () => {
    const client = await seed.client();
    const { tab, spare } = await rowOfThree(client);
    const insert = { cmd: 'layout_insert_node_at_index', tab_id: tab, node: leaf('new', spare), index_arr: [0] };
    await client.commit({ ...insert, ...quiet, correlation_id });
    expect(await client.refusal({ ...insert, ...quiet, correlation_id })).toEqual(INVALID);
  });
});
