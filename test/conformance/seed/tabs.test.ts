/** Tabs: their order, the active one, and their way from one workspace to another. */
import { describe, expect, it } from 'vitest';
import { setScene } from './commands.ts';
import { createTab, createWorkspace, event, INVALID, SeedSuite, workspaceWith } from './suite.ts';

const seed = SeedSuite.use();

type Four = [string, string, string, string];

describe('`create_tab`: success', () => {
  it('[W3] `create_tab` appends a tab, named by its number if it has no name', async () => {
    const client = await seed.client();
    const [workspace_id] = await workspaceWith(client, 1);
    const [created, ...rest] = await client.commit({ cmd: 'create_tab', workspace_id, name: '' });
    expect(created).toEqual(event('tab_created', { workspace_id, tab_id: expect.stringMatching(/./), name: 'Tab 2' }));
    expect(rest).toEqual([]);
  });
});

describe('`create_tab`: order', () => {
  it('[W4] `create_tab` of the first tab is followed by active_tab_changed', async () => {
    const client = await seed.client();
    const workspace_id = await createWorkspace(client);
    const [created, active, ...rest] = await client.commit({ cmd: 'create_tab', workspace_id, name: 'first' });
    const tab_id = created!['tab_id'];
    expect(created).toEqual(event('tab_created', { workspace_id, tab_id, name: 'first' }));
    expect(active).toEqual(event('active_tab_changed', { workspace_id, tab_id }));
    expect(rest).toEqual([]);
  });
});

describe('`create_tab`: no-op and idempotency', () => {
  it('[W3] `create_tab` is not idempotent: each makes another', async () => {
    const client = await seed.client();
    const workspace = await createWorkspace(client);
    expect(await createTab(client, workspace, 'same')).not.toBe(await createTab(client, workspace, 'same'));
  });
});

describe('`create_tab`: error', () => {
  it('[W2] `create_tab` in a workspace that is not there, or of what is no name, is refused', async () => {
    const client = await seed.client();
    const { workspace, first } = await setScene(client);
    const create = { cmd: 'create_tab', workspace_id: workspace, name: 'new' };
    for (const wrong of [{ workspace_id: 'none' }, { workspace_id: first }, { name: 'a\nb' }]) {
      expect(await client.refusal({ ...create, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`delete_tab`: success', () => {
  it('[W6] `delete_tab` takes its blocks with it', async () => {
    const client = await seed.client();
    const { workspace, second, block } = await setScene(client);
    expect(await client.commit({ cmd: 'delete_tab', workspace_id: workspace, tab_id: second })).toEqual([
      event('tab_deleted', { workspace_id: workspace, tab_id: second, block_ids: [block] }),
    ]);
    expect(await client.refusal({ cmd: 'update_block_meta', block_id: block, meta_patch: { a: 1 } })).toEqual(INVALID);
  });

  it('[W5] `delete_tab` of the last one goes with force', async () => {
    const client = await seed.client();
    const [workspace_id, tab_id] = await workspaceWith(client, 1);
    expect(await client.commit({ cmd: 'delete_tab', workspace_id, tab_id, force: true })).toEqual([
      event('tab_deleted', { workspace_id, tab_id, block_ids: [] }),
      event('active_tab_changed', { workspace_id, tab_id: null }),
    ]);
  });
});

describe('`delete_tab`: order', () => {
  it.each([
    ['first', 1, 2],
    ['middle', 2, 3],
    ['last', 3, 2],
  ])(
    '[W4] `delete_tab` of the active %s one is followed by the one in its place, else before',
    async (_what, gone, next) => {
      const client = await seed.client();
      const ids = (await workspaceWith(client, 3)) as Four;
      const [workspace_id] = ids;
      await client.commit({ cmd: 'set_active_tab', workspace_id, tab_id: ids[2] });
      if (gone !== 2) await client.commit({ cmd: 'set_active_tab', workspace_id, tab_id: ids[gone] });
      expect(await client.commit({ cmd: 'delete_tab', workspace_id, tab_id: ids[gone], force: false })).toEqual([
        event('tab_deleted', { workspace_id, tab_id: ids[gone], block_ids: [] }),
        event('active_tab_changed', { workspace_id, tab_id: ids[next] }),
      ]);
    },
  );
});

describe('`delete_tab`: no-op and idempotency', () => {
  it('[W1] `delete_tab` twice, or of what never was, is silent', async () => {
    const client = await seed.client();
    const [workspace_id, , tab_id] = await workspaceWith(client, 2);
    await client.commit({ cmd: 'delete_tab', workspace_id, tab_id });
    expect(await client.commit({ cmd: 'delete_tab', workspace_id, tab_id })).toEqual([]);
    expect(await client.commit({ cmd: 'delete_tab', workspace_id, tab_id: 'never' })).toEqual([]);
    expect(await client.commit({ cmd: 'delete_tab', workspace_id: 'never', tab_id: 'never' })).toEqual([]);
  });
});

describe('`delete_tab`: error', () => {
  it('[W5] `delete_tab` of the last one without force is refused', async () => {
    const client = await seed.client();
    const [workspace_id, tab_id] = await workspaceWith(client, 1);
    expect(await client.refusal({ cmd: 'delete_tab', workspace_id, tab_id })).toEqual(INVALID);
    expect(await client.refusal({ cmd: 'delete_tab', workspace_id, tab_id, force: false })).toEqual(INVALID);
    const { tabs } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(tabs).toContainEqual([tab_id, workspace_id, 'tab 1']);
  });

  it('[W2] `delete_tab` of one that is in another workspace is refused', async () => {
    const client = await seed.client();
    const { other, first } = await setScene(client);
    expect(await client.refusal({ cmd: 'delete_tab', workspace_id: other, tab_id: first })).toEqual(INVALID);
  });
});

describe('`rename_tab`: success', () => {
  it('[W3] `rename_tab` names it', async () => {
    const client = await seed.client();
    const { workspace, first } = await setScene(client);
    expect(await client.commit({ cmd: 'rename_tab', tab_id: first, name: 'new' })).toEqual([
      event('tab_renamed', { tab_id: first, name: 'new' }),
    ]);
    const { tabs } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(tabs).toContainEqual([first, workspace, 'new']);
  });
});

describe('`rename_tab`: no-op and idempotency', () => {
  it('[W1] `rename_tab` to the name it has is silent', async () => {
    const client = await seed.client();
    const { first } = await setScene(client);
    expect(await client.commit({ cmd: 'rename_tab', tab_id: first, name: 'tab 1' })).toEqual([]);
  });
});

describe('`rename_tab`: error', () => {
  it('[W2] `rename_tab` of what is not there, or to what is no name, is refused', async () => {
    const client = await seed.client();
    const { workspace, first } = await setScene(client);
    const rename = { cmd: 'rename_tab', tab_id: first, name: 'new' };
    for (const wrong of [{ tab_id: 'none' }, { tab_id: workspace }, { name: '' }, { name: 'x'.repeat(129) }]) {
      expect(await client.refusal({ ...rename, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`set_active_tab`: success', () => {
  it('[W4] `set_active_tab` makes it the active one', async () => {
    const client = await seed.client();
    const { workspace, second } = await setScene(client);
    expect(await client.commit({ cmd: 'set_active_tab', workspace_id: workspace, tab_id: second })).toEqual([
      event('active_tab_changed', { workspace_id: workspace, tab_id: second }),
    ]);
    const { active_tabs } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(active_tabs).toContainEqual([workspace, second]);
  });
});

describe('`set_active_tab`: no-op and idempotency', () => {
  it('[W1] `set_active_tab` of the active one is silent', async () => {
    const client = await seed.client();
    const { workspace, first } = await setScene(client);
    expect(await client.commit({ cmd: 'set_active_tab', workspace_id: workspace, tab_id: first })).toEqual([]);
  });
});

describe('`set_active_tab`: error', () => {
  it('[W2] `set_active_tab` of what is not in that workspace is refused', async () => {
    const client = await seed.client();
    const { workspace, second, elsewhere } = await setScene(client);
    const activate = { cmd: 'set_active_tab', workspace_id: workspace, tab_id: second };
    for (const wrong of [{ workspace_id: 'none' }, { tab_id: 'none' }, { tab_id: elsewhere }]) {
      expect(await client.refusal({ ...activate, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`reorder_tab`: success', () => {
  it.each([
    [1, 2, 2],
    [3, 0, 0],
    [1, 4_294_967_295, 2],
  ])('[W3] `reorder_tab` of tab %d to %d moves it, at most to the end', async (which, new_index, told) => {
    const client = await seed.client();
    const ids = (await workspaceWith(client, 3)) as Four;
    const [workspace_id] = ids;
    expect(await client.commit({ cmd: 'reorder_tab', workspace_id, tab_id: ids[which], new_index })).toEqual([
      event('tab_reordered', { workspace_id, tab_id: ids[which], new_index: told }),
    ]);
  });

  it('[W3] `reorder_tab` changes the order that decides what follows a deleted tab', async () => {
    const client = await seed.client();
    const [workspace_id, one, two, three] = (await workspaceWith(client, 3)) as Four;
    await client.commit({ cmd: 'reorder_tab', workspace_id, tab_id: three, new_index: 1 });
    const [, active] = await client.commit({ cmd: 'delete_tab', workspace_id, tab_id: one });
    expect(active).toMatchObject({ tab_id: three });
    const [, then] = await client.commit({ cmd: 'delete_tab', workspace_id, tab_id: three });
    expect(then).toMatchObject({ tab_id: two });
  });
});

describe('`reorder_tab`: no-op and idempotency', () => {
  it('[W1] `reorder_tab` to where it is is silent, beyond the end included', async () => {
    const client = await seed.client();
    const { workspace, first, second } = await setScene(client);
    const reorder = { cmd: 'reorder_tab', workspace_id: workspace };
    expect(await client.commit({ ...reorder, tab_id: first, new_index: 0 })).toEqual([]);
    expect(await client.commit({ ...reorder, tab_id: second, new_index: 99 })).toEqual([]);
  });
});

describe('`reorder_tab`: error', () => {
  it('[W2] `reorder_tab` of what is not in that workspace is refused', async () => {
    const client = await seed.client();
    const { workspace, first, elsewhere } = await setScene(client);
    const reorder = { cmd: 'reorder_tab', workspace_id: workspace, tab_id: first, new_index: 1 };
    for (const wrong of [{ workspace_id: 'none' }, { tab_id: 'none' }, { tab_id: elsewhere }]) {
      expect(await client.refusal({ ...reorder, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`reorder_tabs_bulk`: success', () => {
  it('[W3] `reorder_tabs_bulk` sets the whole order', async () => {
    const client = await seed.client();
    const [workspace_id, one, two, three] = (await workspaceWith(client, 3)) as Four;
    const tab_ids = [three, one, two];
    expect(await client.commit({ cmd: 'reorder_tabs_bulk', workspace_id, tab_ids })).toEqual([
      event('tabs_reordered_bulk', { workspace_id, tab_ids }),
    ]);
    expect(await client.commit({ cmd: 'reorder_tab', workspace_id, tab_id: three, new_index: 0 })).toEqual([]);
  });
});

describe('`reorder_tabs_bulk`: no-op and idempotency', () => {
  it('[W1] `reorder_tabs_bulk` to the order there is is silent', async () => {
    const client = await seed.client();
    const { workspace, first, second } = await setScene(client);
    const order = { cmd: 'reorder_tabs_bulk', workspace_id: workspace, tab_ids: [first, second] };
    expect(await client.commit(order)).toEqual([]);
    const empty = await createWorkspace(client);
    expect(await client.commit({ ...order, workspace_id: empty, tab_ids: [] })).toEqual([]);
  });
});

describe('`reorder_tabs_bulk`: error', () => {
  it('[W2] `reorder_tabs_bulk` of anything but each tab once is refused', async () => {
    const client = await seed.client();
    const { workspace, first, second, elsewhere } = await setScene(client);
    const lists = [[], [first], [first, first], [first, second, second], [first, 'none'], [second, first, elsewhere]];
    for (const tab_ids of lists) {
      expect(await client.refusal({ cmd: 'reorder_tabs_bulk', workspace_id: workspace, tab_ids })).toEqual(INVALID);
    }
    const unknown = { cmd: 'reorder_tabs_bulk', workspace_id: 'none', tab_ids: [] };
    expect(await client.refusal(unknown)).toEqual(INVALID);
  });
});

describe('`move_tab`: success', () => {
  it('[W4] `move_tab` of the active one: it is active where it arrives, the first one left is where it was', async () => {
    const client = await seed.client();
    const { workspace, first, second, other } = await setScene(client);
    const move = { tab_id: first, src_workspace_id: workspace, dst_workspace_id: other };
    expect(await client.commit({ cmd: 'move_tab', ...move, dst_index: 0 })).toEqual([
      event('tab_moved', { ...move, dst_index: 0, new_src_active_tab_id: second, new_dst_active_tab_id: first }),
    ]);
    const { tabs, active_tabs } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(tabs).toContainEqual([first, other, 'tab 1']);
    expect(active_tabs).toEqual(
      expect.arrayContaining([
        [other, first],
        [workspace, second],
      ]),
    );
  });

  it('[W3] `move_tab` of another one, beyond the end: the end', async () => {
    const client = await seed.client();
    const { workspace, first, second, other } = await setScene(client);
    const move = { tab_id: second, src_workspace_id: workspace, dst_workspace_id: other };
    expect(await client.commit({ cmd: 'move_tab', ...move, dst_index: 99 })).toEqual([
      event('tab_moved', { ...move, dst_index: 1, new_src_active_tab_id: first, new_dst_active_tab_id: second }),
    ]);
  });

  it('[W4] `move_tab` takes blocks and layout along', async () => {
    const client = await seed.client();
    const { row, other } = await setScene(client);
    const { tabs } = await client.answer({ cmd: 'get_srv_snapshot' });
    const [, src_workspace_id] = (tabs as string[][]).find(([id]) => id === row.tab)!;
    await createTab(client, src_workspace_id!);
    await client.commit({ cmd: 'move_tab', tab_id: row.tab, src_workspace_id, dst_workspace_id: other, dst_index: 0 });
    const [deleted] = await client.commit({
      cmd: 'layout_delete_node',
      tab_id: row.tab,
      node_id: 'b',
      correlation_id: '',
    });
    expect(deleted!['new_tree']).toEqual(row.root(row.a, row.c));
  });
});

describe('`move_tab`: no-op and idempotency', () => {
  it('[W2] `move_tab` is not idempotent: it is not there any more', async () => {
    const client = await seed.client();
    const { workspace, first, other } = await setScene(client);
    const move = { cmd: 'move_tab', tab_id: first, src_workspace_id: workspace, dst_workspace_id: other, dst_index: 0 };
    await client.commit(move);
    expect(await client.refusal(move)).toEqual(INVALID);
  });
});

describe('`move_tab`: error', () => {
  it('[W2] `move_tab` of what is not there, or within a workspace, is refused', async () => {
    const client = await seed.client();
    const { workspace, first, elsewhere, other } = await setScene(client);
    const move = { cmd: 'move_tab', tab_id: first, src_workspace_id: workspace, dst_workspace_id: other, dst_index: 0 };
    for (const wrong of [
      { tab_id: 'none' },
      { tab_id: elsewhere },
      { src_workspace_id: 'none' },
      { dst_workspace_id: 'none' },
      { dst_workspace_id: workspace },
    ]) {
      expect(await client.refusal({ ...move, ...wrong })).toEqual(INVALID);
    }
  });

  it('[W5] `move_tab` of the last one is refused', async () => {
    const client = await seed.client();
    const { workspace, elsewhere, other } = await setScene(client);
    const move = { tab_id: elsewhere, src_workspace_id: other, dst_workspace_id: workspace, dst_index: 0 };
    expect(await client.refusal({ cmd: 'move_tab', ...move })).toEqual(INVALID);
  });
});
