/** Blocks: what a tab shows, and what of it has the focus. */
import { describe, expect, it } from 'vitest';
import { setScene } from './commands.ts';
import { createBlock, createTab, event, INVALID, leaf, rowOfThree, type Row, SeedSuite, tabWith } from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

const blockIn = (node: Message): string => (node['data'] as { blockId: string }).blockId;
/** The layout of a tab, told by clearing what is left of it. */
const gone = (row: Row, ...left: Message[]) => ({ new_tree: left.length === 0 ? null : row.root(...left) });

describe('`create_block`: success', () => {
  it.each([[{ meta: { view: 'term', deep: [1] } }, { view: 'term', deep: [1] }]])(
    '[W3] `create_block` appends a block with an id of its own, parked',
    async (fields, meta) => {
      const client = await seed.client();
      const { tab } = await tabWith(client, 1);
      const [created, ...rest] = await client.commit({ cmd: 'create_block', tab_id: tab, ...fields });
      expect(created).toEqual(event('block_created', { tab_id: tab, block_id: expect.stringMatching(/./), meta }));
      expect(rest).toEqual([]);
      const { blocks } = await client.answer({ cmd: 'get_srv_snapshot' });
      expect(blocks).toContainEqual([created!['block_id'], tab]);
    },
  );
});

describe('`create_block`: no-op and idempotency', () => {
  it('[W3] `create_block` is not idempotent: each makes another', async () => {
    const client = await seed.client();
    const { tab } = await tabWith(client, 0);
    expect(await createBlock(client, tab)).not.toBe(await createBlock(client, tab));
  });
});

describe('`create_block`: error', () => {
  it('[W2] `create_block` in a tab that is not there is refused', async () => {
    const client = await seed.client();
    const { workspace } = await setScene(client);
    for (const tab_id of ['none', workspace]) {
      expect(await client.refusal({ cmd: 'create_block', tab_id, meta: {} })).toEqual(INVALID);
    }
  });
});

describe('`delete_block`: success', () => {
  it('[W6] `delete_block` of a parked one', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 1);
    expect(await client.commit({ cmd: 'delete_block', tab_id: tab, block_id: blocks[0] })).toEqual([
      event('block_deleted', { tab_id: tab, block_id: blocks[0] }),
    ]);
  });
});

describe('`delete_block`: order', () => {
  it('[W7] `delete_block` takes its leaf first, focus and magnification with it', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    await client.commit({ cmd: 'set_focused_node', tab_id: row.tab, node_id: 'b' });
    expect(await client.commit({ cmd: 'delete_block', tab_id: row.tab, block_id: blockIn(row.b) })).toEqual([
      event('layout_node_deleted', {
        tab_id: row.tab,
        node_id: 'b',
        ...gone(row, row.a, row.c),
        tree_cleared: false,
        was_focused: true,
        was_magnified: false,
        correlation_id: '',
      }),
      event('block_deleted', { tab_id: row.tab, block_id: blockIn(row.b) }),
    ]);
    // The focus is gone: setting it to none changes nothing.
    expect(await client.commit({ cmd: 'set_focused_node', tab_id: row.tab, node_id: '' })).toEqual([]);
  });
});

describe('`delete_block`: no-op and idempotency', () => {
  it('[W1] `delete_block` twice, or of what never was, is silent', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 1);
    const remove = { cmd: 'delete_block', tab_id: tab, block_id: blocks[0] };
    await client.commit(remove);
    expect(await client.commit(remove)).toEqual([]);
    expect(await client.commit({ ...remove, block_id: 'never' })).toEqual([]);
    expect(await client.commit({ ...remove, tab_id: 'never', block_id: 'never' })).toEqual([]);
  });
});

describe('`delete_block`: error', () => {
  it('[W2] `delete_block` of one that is in another tab is refused', async () => {
    const client = await seed.client();
    const { first, block } = await setScene(client);
    expect(await client.refusal({ cmd: 'delete_block', tab_id: first, block_id: block })).toEqual(INVALID);
    const { blocks } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect((blocks as string[][]).map(([id]) => id)).toContain(block);
  });
});

describe('`move_block`: success', () => {
  it.each([
    [0, 0],
    [1, 1],
    [99, 1],
  ])('[W3] `move_block` to another tab at %d: there, or at the end', async (asked, told) => {
    const client = await seed.client();
    const { first, second, block } = await setScene(client);
    await createBlock(client, first);
    const move = { block_id: block, src_tab_id: second, dst_tab_id: first };
    expect(await client.commit({ cmd: 'move_block', ...move, dst_index: asked })).toEqual([
      event('block_moved', { ...move, dst_index: told }),
    ]);
    const { blocks } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(blocks).toContainEqual([block, first]);
  });

  it('[W7] `move_block` within its tab: the order changes, its leaf stays', async () => {
    const client = await seed.client();
    const row = await rowOfThree(client);
    const move = { block_id: blockIn(row.a), src_tab_id: row.tab, dst_tab_id: row.tab };
    expect(await client.commit({ cmd: 'move_block', ...move, dst_index: 2 })).toEqual([
      event('block_moved', { ...move, dst_index: 2 }),
    ]);
    const swap = { cmd: 'layout_swap_nodes', tab_id: row.tab, node1_id: 'a', node2_id: 'b', correlation_id: '' };
    expect((await client.commit(swap))[0]).toMatchObject({ new_tree: row.root(row.b, row.a, row.c) });
  });
});

describe('`move_block`: order', () => {
  it('[W7] `move_block` to another tab takes its leaf first', async () => {
    const client = await seed.client();
    const { row, first } = await setScene(client);
    const move = { block_id: blockIn(row.c), src_tab_id: row.tab, dst_tab_id: first, dst_index: 0 };
    const [deleted, moved, ...rest] = await client.commit({ cmd: 'move_block', ...move });
    expect(deleted).toMatchObject({ event: 'layout_node_deleted', node_id: 'c', new_tree: row.root(row.a, row.b) });
    expect(moved).toEqual(event('block_moved', move));
    expect(rest).toEqual([]);
  });
});

describe('`move_block`: no-op and idempotency', () => {
  it('[W1] `move_block` to where it is is silent, beyond the end included', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 2);
    const move = { cmd: 'move_block', src_tab_id: tab, dst_tab_id: tab };
    expect(await client.commit({ ...move, block_id: blocks[0], dst_index: 0 })).toEqual([]);
    expect(await client.commit({ ...move, block_id: blocks[1], dst_index: 99 })).toEqual([]);
  });
});

describe('`move_block`: error', () => {
  it('[W2] `move_block` of what is not there, or to where there is nothing, is refused', async () => {
    const client = await seed.client();
    const { first, second, block } = await setScene(client);
    const move = { cmd: 'move_block', block_id: block, src_tab_id: second, dst_tab_id: first, dst_index: 0 };
    for (const wrong of [
      { block_id: 'none' },
      { src_tab_id: 'none' },
      { dst_tab_id: 'none' },
      { src_tab_id: first, dst_tab_id: second },
    ]) {
      expect(await client.refusal({ ...move, ...wrong })).toEqual(INVALID);
    }
  });
});

describe.each([
  ['set_focused_node', 'focused_node_changed'],
  ['set_magnified_node', 'magnified_node_changed'],
])('`%s`', (cmd, changed) => {
  describe('success', () => {
    it(`[W9] \`${cmd}\` names a leaf, then another, then none`, async () => {
      const client = await seed.client();
      const { tab } = await rowOfThree(client);
      for (const node_id of ['a', 'c', '']) {
        expect(await client.commit({ cmd, tab_id: tab, node_id })).toEqual([event(changed, { tab_id: tab, node_id })]);
      }
    });
  });

  describe('no-op and idempotency', () => {
    it(`[W1] \`${cmd}\` to what it is is silent`, async () => {
      const client = await seed.client();
      const { tab } = await rowOfThree(client);
      expect(await client.commit({ cmd, tab_id: tab, node_id: '' })).toEqual([]);
      await client.commit({ cmd, tab_id: tab, node_id: 'b' });
      expect(await client.commit({ cmd, tab_id: tab, node_id: 'b' })).toEqual([]);
    });
  });

  describe('error', () => {
    it(`[W9] \`${cmd}\` of what is no leaf of that tab is refused`, async () => {
      const client = await seed.client();
      const { tab } = await rowOfThree(client);
      const { tab: empty, blocks } = await tabWith(client, 1);
      for (const [tab_id, node_id] of [
        ['none', 'a'],
        [tab, 'none'],
        [tab, 'r'],
        [tab, blocks[0]],
        [empty, 'a'],
      ]) {
        expect(await client.refusal({ cmd, tab_id, node_id })).toEqual(INVALID);
      }
    });
  });
});

describe('a tab that is deleted', () => {
  it('[W6] takes its layout with it: its node ids are free in another', async () => {
    const client = await seed.client();
    const { first, workspace } = await setScene(client);
    const block = await createBlock(client, first);
    const insert = { cmd: 'layout_insert_node', focus_after: false, magnify_after: false, correlation_id: '' };
    await client.commit({ ...insert, tab_id: first, node: leaf('n', block) });
    await client.commit({ cmd: 'delete_tab', workspace_id: workspace, tab_id: first });
    const fresh = await createTab(client, workspace);
    const next = await createBlock(client, fresh);
    expect(await client.commit({ ...insert, tab_id: fresh, node: leaf('n', next) })).toHaveLength(1);
  });
});
