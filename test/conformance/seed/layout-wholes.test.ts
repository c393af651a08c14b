/** The layout's operations on an area and on the whole: split, clear, set. */
import { describe, expect, it } from 'vitest';
import { event, INVALID, leaf, placedBranch, placedLeaf, rowOfThree, SeedSuite, tabWith } from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

const correlation_id = 'my change';
const sized = (node: Message, size: number): Message => ({ ...node, size });
const rowLeaf = (node: Message): Message => ({ ...node, flexDirection: 'row' });
const anyId = expect.stringMatching(/./) as unknown as string;
const placed = (id: string, size: number): unknown => expect.objectContaining({ id, size });

const SPLITS = [
  ['layout_split_horizontal', 'layout_split_horizontal_applied'],
  ['layout_split_vertical', 'layout_split_vertical_applied'],
] as const;

/** A split remembers what it was split from, as a key of its own. */
const splitLeaf = (block: string, size: number, direction: 'row' | 'column'): Message => ({
  ...placedLeaf('new', block, size, direction),
  splitFrom: 'b',
});

describe.each(SPLITS)('`%s`', (cmd, applied) => {
  const command = (tab_id: string, spare: string, position: string, focus_after: boolean): Message => ({
    cmd,
    tab_id,
    target_id: 'b',
    new_node: leaf('new', spare),
    position,
    focus_after,
    correlation_id,
  });

  describe('success', () => {
    it.each(['before', 'after'])(`[Y9] \`${cmd}\` %s the target shares its slot in half`, async (position) => {
      const client = await seed.client();
      const row = await rowOfThree(client);
      const [split, ...rest] = await client.commit(command(row.tab, row.spare, position, false));
      const beside = (target: Message, fresh: Message) => (position === 'before' ? [fresh, target] : [target, fresh]);
      const expected =
        cmd === 'layout_split_horizontal'
          ? row.root(row.a, ...beside(sized(row.b, 10), splitLeaf(row.spare, 10, 'column')), row.c)
          : row.root(
              row.a,
              placedBranch(anyId, 'column', 20, beside(rowLeaf(sized(row.b, 10)), splitLeaf(row.spare, 10, 'row'))),
              row.c,
            );
      expect(split).toEqual(
        event(applied, {
          tab_id: row.tab,
          target_id: 'b',
          new_node: placed('new', 10),
          position,
          new_tree: expected,
          correlation_id,
        }),
      );
      expect(rest).toEqual([]);
    });

    it(`[Y10] \`${cmd}\` then layout_delete_node restores the tree`, async () => {
      const client = await seed.client();
      const row = await rowOfThree(client);
      await client.commit(command(row.tab, row.spare, 'after', false));
      const remove = { cmd: 'layout_delete_node', tab_id: row.tab, node_id: 'new', correlation_id };
      expect((await client.commit(remove))[0]!['new_tree']).toEqual(row.root(row.a, row.b, row.c));
    });
  });

  describe('order', () => {
    it(`[W9] \`${cmd}\` is followed by the focus`, async () => {
      const client = await seed.client();
      const { tab, spare } = await rowOfThree(client);
      expect((await client.commit(command(tab, spare, 'after', true))).slice(1)).toEqual([
        event('focused_node_changed', { tab_id: tab, node_id: 'new' }),
      ]);
    });
  });

  describe('no-op and idempotency', () => {
    it(`[Y1] \`${cmd}\` is not idempotent: its node is there already`, async () => {
      const client = await seed.client();
      const { tab, spare } = await rowOfThree(client);
      await client.commit(command(tab, spare, 'after', true));
      expect(await client.refusal(command(tab, spare, 'after', true))).toEqual(INVALID);
    });
  });
});

describe('`layout_clear`: success', () => {
  it('[W7] `layout_clear` takes the tree away; its blocks are parked', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    expect(await client.commit({ cmd: 'layout_clear', tab_id: row.tab, correlation_id })).toEqual([
      event('layout_cleared', { tab_id: row.tab, correlation_id }),
    ]);
    const { blocks } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect((blocks as string[][]).filter(([, tab]) => tab === row.tab)).toHaveLength(4);
    const { blockId } = row.b['data'] as { blockId: string };
    const insert = { cmd: 'layout_insert_node', tab_id: row.tab, node: leaf('b', blockId) };
    const wanted = { focus_after: true, magnify_after: false, correlation_id };
    expect(await client.commit({ ...insert, ...wanted })).toHaveLength(2);
  });
});

describe('`layout_clear`: no-op and idempotency', () => {
  it('[W1] `layout_clear` twice is silent', async () => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    await client.commit({ cmd: 'layout_clear', tab_id: tab, correlation_id });
    expect(await client.commit({ cmd: 'layout_clear', tab_id: tab, correlation_id })).toEqual([]);
  });
});

describe('`layout_clear`: error', () => {
  it('[W2] `layout_clear` of a tab that is not there is refused', async () => {
    const client = await seed.client();
    for (const tab_id of ['none', '']) {
      expect(await client.refusal({ cmd: 'layout_clear', tab_id, correlation_id })).toEqual(INVALID);
    }
  });
});

describe('`layout_set_tree`: success', () => {
  it('[Y3] `layout_set_tree` brings a tree into normal form and keeps what it does not know', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 3);
    const [one, two, three] = blocks as [string, string, string];
    const extra = { minimizedSize: 3, by: { whom: ['me', null] } };
    const inner = { id: 'i', flexDirection: 'row', size: 50, children: [leaf('y', two, 20), leaf('z', three, 60)] };
    const lone = { id: 'l', flexDirection: 'column', size: 25, children: [{ ...leaf('x', one, 80), ...extra }] };
    const new_tree = { id: 'r', flexDirection: 'row', size: 40, columnDissolve: true, children: [lone, inner] };
    const [set, ...rest] = await client.commit({ cmd: 'layout_set_tree', tab_id: tab, new_tree, correlation_id });
    expect(set).toEqual(
      event('layout_tree_replaced', {
        tab_id: tab,
        new_tree: {
          ...placedBranch('r', 'row', 40, [
            { ...placedLeaf('x', one, 25, 'column'), ...extra },
            placedLeaf('y', two, 12.5, 'column'),
            placedLeaf('z', three, 37.5, 'column'),
          ]),
          columnDissolve: true,
        },
        correlation_id,
      }),
    );
    expect(rest).toEqual([]);
  });

  it.each([[{ new_tree: null }], [{}]])('[W7] `layout_set_tree` with %j takes the tree away', async (fields) => {
    const client = await seed.client();
    const { tab } = await rowOfThree(client);
    expect(await client.commit({ cmd: 'layout_set_tree', tab_id: tab, ...fields, correlation_id })).toEqual([
      event('layout_tree_replaced', { tab_id: tab, new_tree: null, correlation_id }),
    ]);
  });

  it('[W9] `layout_set_tree` without the focused node: nothing has the focus', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    await client.commit({ cmd: 'set_focused_node', tab_id: row.tab, node_id: 'a' });
    const new_tree = leaf('other', row.spare);
    await client.commit({ cmd: 'layout_set_tree', tab_id: row.tab, new_tree, correlation_id });
    expect(await client.commit({ cmd: 'set_focused_node', tab_id: row.tab, node_id: '' })).toEqual([]);
  });
});

describe('`layout_set_tree`: no-op and idempotency', () => {
  it('[W1] `layout_set_tree` to the tree there is is silent', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const new_tree = row.root(row.a, row.b, row.c);
    const set = { cmd: 'layout_set_tree', tab_id: row.tab, correlation_id };
    expect(await client.commit({ ...set, new_tree })).toEqual([]);
    await client.commit({ ...set, new_tree: null });
    expect(await client.commit({ ...set, new_tree: null })).toEqual([]);
  });
});

describe('`layout_set_tree`: error', () => {
  it('[Y5] `layout_set_tree` over 1,024 nodes or 28 levels is refused', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 1);
    const set = { cmd: 'layout_set_tree', tab_id: tab, correlation_id };
    const wide = { id: 'r', children: Array.from({ length: 1_024 }, (_one, index) => leaf(`n${index}`, `b${index}`)) };
    expect(await client.refusal({ ...set, new_tree: wide })).toEqual(INVALID);
    let deep = leaf('n0', blocks[0]!);
    for (let level = 1; level <= 28; level++) deep = { id: `n${level}`, children: [deep] };
    expect(await client.refusal({ ...set, new_tree: deep })).toEqual(INVALID);
    expect(await client.refusal({ ...set, tab_id: 'none', new_tree: null })).toEqual(INVALID);
  });
});
