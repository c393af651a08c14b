/** Workspaces, the windows that show them, and meta. */
import { describe, expect, it } from 'vitest';
import type { SeedClient } from './client.ts';
import { setScene, type Scene } from './commands.ts';
import { createWorkspace, event, freshId, INVALID, SeedSuite, tabWith } from './suite.ts';
import type { Message } from './tables.ts';

const seed = SeedSuite.use();

describe('`create_workspace`: success', () => {
  it('[W3] `create_workspace` makes a workspace with an id of its own', async () => {
    const client = await seed.client();
    const [created, ...rest] = await client.commit({ cmd: 'create_workspace', name: 'größer' });
    expect(created).toEqual(event('workspace_created', { workspace_id: expect.stringMatching(/./), name: 'größer' }));
    expect(rest).toEqual([]);
  });

  it('[W3] `create_workspace` with no name gives one', async () => {
    const client = await seed.client();
    const [created] = await client.commit({ cmd: 'create_workspace', name: '' });
    expect(created!['name']).toMatch(/^Workspace \d+$/);
  });
});

describe('`create_workspace`: no-op and idempotency', () => {
  it('[W3] `create_workspace` is not idempotent: each makes another', async () => {
    const client = await seed.client();
    expect(await createWorkspace(client, 'same')).not.toBe(await createWorkspace(client, 'same'));
  });
});

describe('`create_workspace`: error', () => {
  it.each([
    ['129 bytes', 'x'.repeat(129)],
    ['control characters', 'a\nb'],
  ])('[W2] `create_workspace` refuses a name of %s', async (_what, name) => {
    const client = await seed.client();
    expect(await client.refusal({ cmd: 'create_workspace', name })).toEqual(INVALID);
  });
});

describe('`delete_workspace`: success', () => {
  it.each([true, false])('[W6] `delete_workspace` with force %s takes all that is in it', async (force) => {
    const client = await seed.client();
    const { workspace, window, block, first, second } = await setScene(client);
    const [inFirst] = await client.commit({ cmd: 'create_block', tab_id: first });
    expect(await client.commit({ cmd: 'delete_workspace', workspace_id: workspace, force })).toEqual([
      event('workspace_deleted', { workspace_id: workspace, block_ids: [inFirst!['block_id'], block] }),
      event('srv_window_closed', { window_id: window }),
    ]);
    for (const tab_id of [first, second]) {
      expect(await client.refusal({ cmd: 'rename_tab', tab_id, name: 'gone' })).toEqual(INVALID);
    }
    expect(await client.commit({ cmd: 'close_window_internal', window_id: window })).toEqual([]);
  });

  it('[W6] `delete_workspace` of an empty one needs no force', async () => {
    const client = await seed.client();
    const workspace_id = await createWorkspace(client);
    expect(await client.commit({ cmd: 'delete_workspace', workspace_id })).toEqual([
      event('workspace_deleted', { workspace_id, block_ids: [] }),
    ]);
  });
});

describe('`delete_workspace`: no-op and idempotency', () => {
  it('[W1] `delete_workspace` twice, or of what never was, is silent', async () => {
    const client = await seed.client();
    const workspace_id = await createWorkspace(client);
    await client.commit({ cmd: 'delete_workspace', workspace_id });
    expect(await client.commit({ cmd: 'delete_workspace', workspace_id })).toEqual([]);
    expect(await client.commit({ cmd: 'delete_workspace', workspace_id: 'never' })).toEqual([]);
  });
});

describe('`delete_workspace`: error', () => {
  it('[W13] `delete_workspace` takes nothing that is no id', async () => {
    const client = await seed.client();
    for (const workspace_id of ['', 'x'.repeat(129), 'a\0b', 5]) {
      expect(await client.refusal({ cmd: 'delete_workspace', workspace_id })).toEqual(INVALID);
    }
  });
});

describe('`rename_workspace`: success', () => {
  it('[W3] `rename_workspace` names it', async () => {
    const client = await seed.client();
    const workspace_id = await createWorkspace(client);
    expect(await client.commit({ cmd: 'rename_workspace', workspace_id, name: 'new' })).toEqual([
      event('workspace_renamed', { workspace_id, name: 'new' }),
    ]);
    const { workspaces } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(workspaces).toContainEqual([workspace_id, 'new']);
  });
});

describe('`rename_workspace`: no-op and idempotency', () => {
  it('[W1] `rename_workspace` to the name it has is silent', async () => {
    const client = await seed.client();
    const workspace_id = await createWorkspace(client, 'same');
    expect(await client.commit({ cmd: 'rename_workspace', workspace_id, name: 'same' })).toEqual([]);
  });
});

describe('`rename_workspace`: error', () => {
  it('[W2] `rename_workspace` of what is not there, or to what is no name, is refused', async () => {
    const client = await seed.client();
    const { workspace, first } = await setScene(client);
    const rename = { cmd: 'rename_workspace', workspace_id: workspace, name: 'new' };
    for (const wrong of [{ workspace_id: 'none' }, { workspace_id: first }, { name: '' }, { name: 'x\u0007' }]) {
      expect(await client.refusal({ ...rename, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`create_window`: success', () => {
  it('[W3] `create_window` records which workspace a window shows', async () => {
    const client = await seed.client();
    const { workspace } = await setScene(client);
    const window_id = freshId('win');
    expect(await client.commit({ cmd: 'create_window', window_id, workspace_id: workspace })).toEqual([
      event('srv_window_opened', { window_id, workspace_id: workspace }),
    ]);
  });

  it('[W3] `create_window` of a known window points it at the workspace', async () => {
    const client = await seed.client();
    const { window, other } = await setScene(client);
    expect(await client.commit({ cmd: 'create_window', window_id: window, workspace_id: other })).toEqual([
      event('srv_window_opened', { window_id: window, workspace_id: other }),
    ]);
    const [deleted, closed] = await client.commit({ cmd: 'delete_workspace', workspace_id: other });
    expect([deleted!['event'], closed!['window_id']]).toEqual(['workspace_deleted', window]);
  });
});

describe('`create_window`: no-op and idempotency', () => {
  it('[W1] `create_window` as it is already is silent', async () => {
    const client = await seed.client();
    const { window, workspace } = await setScene(client);
    expect(await client.commit({ cmd: 'create_window', window_id: window, workspace_id: workspace })).toEqual([]);
  });
});

describe('`create_window`: error', () => {
  it('[W2] `create_window` in a workspace that is not there, or of what is no id, is refused', async () => {
    const client = await seed.client();
    const { workspace } = await setScene(client);
    const create = { cmd: 'create_window', window_id: freshId('win'), workspace_id: workspace };
    for (const wrong of [{ workspace_id: 'none' }, { window_id: '' }, { window_id: 'a\tb' }]) {
      expect(await client.refusal({ ...create, ...wrong })).toEqual(INVALID);
    }
  });
});

describe('`close_window_internal`: success', () => {
  it('[W3] `close_window_internal` forgets a window', async () => {
    const client = await seed.client();
    const { window, other } = await setScene(client);
    expect(await client.commit({ cmd: 'close_window_internal', window_id: window })).toEqual([
      event('srv_window_closed', { window_id: window }),
    ]);
    expect(await client.refusal({ cmd: 'switch_workspace', window_id: window, workspace_id: other })).toEqual(INVALID);
  });
});

describe('`close_window_internal`: no-op and idempotency', () => {
  it('[W1] `close_window_internal` twice is silent', async () => {
    const client = await seed.client();
    const { window } = await setScene(client);
    await client.commit({ cmd: 'close_window_internal', window_id: window });
    expect(await client.commit({ cmd: 'close_window_internal', window_id: window })).toEqual([]);
  });
});

describe('`close_window_internal`: error', () => {
  it('[W13] `close_window_internal` takes nothing that is no id', async () => {
    const client = await seed.client();
    for (const window_id of ['', 'x'.repeat(129), 'a\nb']) {
      expect(await client.refusal({ cmd: 'close_window_internal', window_id })).toEqual(INVALID);
    }
  });
});

describe('`switch_workspace`: success', () => {
  it('[W3] `switch_workspace` shows another one', async () => {
    const client = await seed.client();
    const { window, other } = await setScene(client);
    expect(await client.commit({ cmd: 'switch_workspace', window_id: window, workspace_id: other })).toEqual([
      event('srv_window_workspace_changed', { window_id: window, workspace_id: other }),
    ]);
  });
});

describe('`switch_workspace`: no-op and idempotency', () => {
  it('[W1] `switch_workspace` to the one it shows is silent', async () => {
    const client = await seed.client();
    const { window, workspace } = await setScene(client);
    expect(await client.commit({ cmd: 'switch_workspace', window_id: window, workspace_id: workspace })).toEqual([]);
  });
});

describe('`switch_workspace`: error', () => {
  it('[W2] `switch_workspace` of an unknown window, or to an unknown workspace, is refused', async () => {
    const client = await seed.client();
    const { window, other } = await setScene(client);
    const change = { cmd: 'switch_workspace', window_id: window, workspace_id: other };
    for (const wrong of [{ window_id: 'none' }, { window_id: other }, { workspace_id: 'none' }]) {
      expect(await client.refusal({ ...change, ...wrong })).toEqual(INVALID);
    }
  });
});

type Kind = 'workspace' | 'tab' | 'block' | 'window';
const META: readonly [string, Kind, (scene: Scene) => string][] = [
  ['update_workspace_meta', 'workspace', ({ workspace }) => workspace],
  ['update_tab_meta', 'tab', ({ first }) => first],
  ['update_block_meta', 'block', ({ block }) => block],
  ['update_window_meta', 'window', ({ window }) => window],
];

describe.each(META)('`%s`', (cmd, kind, of) => {
  async function open(): Promise<{ client: SeedClient; patch: (meta_patch: unknown) => Message; id: string }> {
    const client = await seed.client();
    const id = of(await setScene(client));
    return { client, id, patch: (meta_patch) => ({ cmd, [`${kind}_id`]: id, meta_patch }) };
  }

  describe('success', () => {
    it(`[W12] \`${cmd}\` tells the patch`, async () => {
      const { client, id, patch } = await open();
      for (const meta_patch of [
        { color: 'red', deep: { list: [1, null] } },
        { color: null },
        { deep: { more: 'x' } },
      ]) {
        expect(await client.commit(patch(meta_patch))).toEqual([
          event(`${kind}_meta_updated`, { [`${kind}_id`]: id, meta_patch }),
        ]);
      }
    });
  });

  describe('no-op and idempotency', () => {
    it(`[W1] \`${cmd}\` that changes nothing is silent`, async () => {
      const { client, patch } = await open();
      expect(await client.commit(patch({}))).toEqual([]);
      expect(await client.commit(patch({ never: null }))).toEqual([]);
      await client.commit(patch({ color: 'red', deep: { a: 1, b: 2 } }));
      expect(await client.commit(patch({ deep: { b: 2 }, color: 'red' }))).toEqual([]);
    });
  });

  describe('error', () => {
    it(`[W2] [W12] \`${cmd}\` of what is not there, or with what is no patch, is refused`, async () => {
      const { client, patch } = await open();
      expect(await client.refusal({ ...patch({ a: 1 }), [`${kind}_id`]: 'none' })).toEqual(INVALID);
      const text = 'x'.repeat(65_536);
      for (const wrong of [[], 'text', 5, true, { text }]) {
        expect(await client.refusal(patch(wrong))).toEqual(INVALID);
      }
      expect(await client.commit(patch({ a: 1 }))).toHaveLength(1);
    });
  });
});

describe('ids of another kind: error', () => {
  it('[W2] name nothing', async () => {
    const client = await seed.client();
    const { tab, blocks } = await tabWith(client, 1);
    for (const command of [
      { cmd: 'update_workspace_meta', workspace_id: tab, meta_patch: { a: 1 } },
      { cmd: 'update_block_meta', block_id: tab, meta_patch: { a: 1 } },
      { cmd: 'update_tab_meta', tab_id: blocks[0], meta_patch: { a: 1 } },
      { cmd: 'create_block', tab_id: blocks[0], meta: {} },
    ]) {
      expect(await client.refusal(command)).toEqual(INVALID);
    }
    expect(await client.commit({ cmd: 'delete_workspace', workspace_id: tab })).toEqual([]);
  });
});
