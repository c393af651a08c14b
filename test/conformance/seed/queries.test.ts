/** Seed 1's questions: ping, get_srv_snapshot, get_events. */
import { describe, expect, it } from 'vitest';
import { setScene } from './commands.ts';
import { createWorkspace, event, history, INVALID, SeedSuite, workspaceWith } from './suite.ts';
import { isCommitted, type Message } from './tables.ts';

const seed = SeedSuite.use();

/** What one connection may hold of the others' comings and goings. */
const aboutWorkspaces = (events: unknown) =>
  (events as Message[]).filter((one) => String(one['event']).startsWith('workspace_'));

describe('`ping`: success', () => {
  it.each([0, 1, Number.MAX_SAFE_INTEGER])('[C6] `ping` comes back with its nonce %d', async (nonce) => {
    const client = await seed.client();
    const pong = await client.answer({ cmd: 'ping', nonce });
    expect(pong).toEqual(event('pong', { nonce }));
    const { version } = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(version).toBeGreaterThanOrEqual(Number(pong['version']));
  });
});

describe('`ping`: error', () => {
  it.each([[{}], [{ nonce: null }], [{ nonce: '1' }], [{ nonce: -1 }], [{ nonce: 1.5 }]])(
    '[C9] `ping` with %j is refused',
    async (fields) => {
      const client = await seed.client();
      expect(await client.refusal({ cmd: 'ping', ...fields })).toEqual(INVALID);
    },
  );
});

describe('`ping`: no-op and idempotency', () => {
  it('[C6] `ping` commits nothing: the version stays', async () => {
    const client = await seed.client();
    await createWorkspace(client);
    const versions = new Set<unknown>();
    for (let count = 0; count < 5; count++) {
      versions.add((await client.answer({ cmd: 'ping', nonce: 5 }))['version']);
    }
    expect(versions.size).toBe(1);
  });
});

describe('`get_srv_snapshot`: success', () => {
  it('[W16] `get_srv_snapshot` holds every workspace, tab, active tab and block, sorted by id', async () => {
    const client = await seed.client();
    const scene = await setScene(client);
    const snapshot = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(snapshot['lifecycle']).toBe('running');
    const tuples = (name: string) => snapshot[name] as string[][];
    expect(tuples('workspaces')).toContainEqual([scene.workspace, 'workspace']);
    expect(tuples('workspaces')).toContainEqual([scene.other, 'other']);
    expect(tuples('tabs')).toContainEqual([scene.first, scene.workspace, 'tab 1']);
    expect(tuples('tabs')).toContainEqual([scene.second, scene.workspace, 'tab 2']);
    expect(tuples('active_tabs')).toContainEqual([scene.workspace, scene.first]);
    expect(tuples('active_tabs')).not.toContainEqual([scene.workspace, scene.second]);
    expect(tuples('blocks')).toContainEqual([scene.block, scene.second]);
    for (const name of ['workspaces', 'tabs', 'active_tabs', 'blocks']) {
      const ids = tuples(name).map(([id]) => id!);
      expect(ids).toEqual(ids.toSorted((one, other) => (one < other ? -1 : 1)));
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('[W16] `get_srv_snapshot` forgets what was deleted, and lists no active tab of an empty workspace', async () => {
    const client = await seed.client();
    const scene = await setScene(client);
    await client.commit({ cmd: 'delete_workspace', workspace_id: scene.workspace });
    await client.commit({ cmd: 'delete_tab', workspace_id: scene.other, tab_id: scene.elsewhere, force: true });
    const text = JSON.stringify(await client.answer({ cmd: 'get_srv_snapshot' }));
    for (const gone of [scene.workspace, scene.first, scene.second, scene.block, scene.elsewhere]) {
      expect(text).not.toContain(gone);
    }
    expect(text).toContain(scene.other);
  });
});

describe('`get_srv_snapshot`: error', () => {
  it('[C13] `get_srv_snapshot` is not `get_snapshot`', async () => {
    const client = await seed.client();
    expect(await client.refusal({ cmd: 'get_snapshot' })).toEqual(INVALID);
  });
});

describe('`get_srv_snapshot`: no-op and idempotency', () => {
  it('[C6] `get_srv_snapshot` commits nothing: twice is the same, version included', async () => {
    const client = await seed.client();
    await setScene(client);
    const first = await client.answer({ cmd: 'get_srv_snapshot' });
    expect(await client.answer({ cmd: 'get_srv_snapshot' })).toEqual(first);
  });
});

describe('`get_srv_snapshot`: order', () => {
  it('[W16] `get_srv_snapshot` and the events after its version are the whole story', async () => {
    const client = await seed.client();
    const before = await createWorkspace(client, 'before');
    const snapshot = await client.answer({ cmd: 'get_srv_snapshot' });
    const after = await createWorkspace(client, 'after');
    const list = await client.answer({ cmd: 'get_events', since: snapshot['version'] });
    expect(JSON.stringify(snapshot)).toContain(before);
    expect(JSON.stringify(snapshot)).not.toContain(after);
    expect(aboutWorkspaces(list['events']).map((one) => one['workspace_id'])).toEqual([after]);
  });
});

describe('`get_events`: success', () => {
  it('[C17] `get_events` returns what came after `since`, as it was told live', async () => {
    const client = await seed.client();
    const [workspace] = await workspaceWith(client, 0);
    const { version: since } = await client.answer({ cmd: 'ping', nonce: 1 });
    const live = [
      ...(await client.commit({ cmd: 'rename_workspace', workspace_id: workspace, name: 'one' })),
      ...(await client.commit({ cmd: 'rename_workspace', workspace_id: workspace, name: 'two' })),
    ];
    const list = await client.answer({ cmd: 'get_events', since });
    expect(aboutWorkspaces(list['events'])).toEqual(live);
    const later = await client.answer({ cmd: 'get_events', since: live[0]!['version'] });
    expect(aboutWorkspaces(later['events'])).toEqual(live.slice(1));
    expect(list['version']).toBeGreaterThanOrEqual(Number(live.at(-1)!['version']));
  });

  it('[C17] `get_events` since 0 begins at the beginning', async () => {
    const client = await seed.client();
    const workspace = await createWorkspace(client);
    const events = await history(client);
    expect(events.some((one) => one['event'] === 'lifecycle_phase_changed')).toBe(true);
    expect(aboutWorkspaces(events).at(-1)).toMatchObject({ event: 'workspace_created', workspace_id: workspace });
  });
});

describe('`get_events`: order', () => {
  it('[C17] `get_events` ascends, each version once, committed events only', async () => {
    const client = await seed.client();
    await setScene(client);
    await client.refusal({ cmd: 'nope' });
    const { events } = await client.answer({ cmd: 'get_events', since: 0 });
    const versions = (events as Message[]).map((one) => Number(one['version']));
    expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => one - other));
    expect((events as Message[]).filter((one) => !isCommitted(one))).toEqual([]);
  });
});

describe('`get_events`: no-op and idempotency', () => {
  it('[C17] `get_events` commits nothing: twice is the same, version included', async () => {
    const client = await seed.client();
    await createWorkspace(client);
    const first = await client.answer({ cmd: 'get_events', since: 0 });
    expect(await client.answer({ cmd: 'get_events', since: 0 })).toEqual(first);
  });

  it.each([
    ['now', (now: number) => now],
    ['the future', (now: number) => now + 1_000_000],
    ['the end of numbers', () => Number.MAX_SAFE_INTEGER],
  ])('[C17] `get_events` since %s is an empty list', async (_what, since) => {
    const client = await seed.client();
    const { version } = await client.answer({ cmd: 'ping', nonce: 1 });
    const list = await client.answer({ cmd: 'get_events', since: since(Number(version)) });
    expect(list).toMatchObject({ event: 'event_list', events: [] });
  });
});

describe('`get_events`: error', () => {
  it.each([[{}], [{ since: null }], [{ since: '0' }], [{ since: -1 }], [{ since: 0.5 }], [{ since: 2 ** 60 }]])(
    '[C9] `get_events` with %j is refused',
    async (fields) => {
      const client = await seed.client();
      expect(await client.refusal({ cmd: 'get_events', ...fields })).toEqual(INVALID);
    },
  );
});
