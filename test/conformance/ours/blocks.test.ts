/** What we add to blocks: places, sessions, ids, and what becomes of them. */
import { describe, expect, it } from 'vitest';
import { type Message, ulid, type WireClient } from './client.ts';
import { createBlock, createPair, createPlace, leaf, OurSuite, sessionIn, stateOf, treeOf } from './suite.ts';

const ours = OurSuite.use();

async function told(client: WireClient, watcher: WireClient, command: Message): Promise<Message[]> {
  const { version } = await client.ok(command);
  return changes(await watcher.reached(version));
}

const names = (events: readonly Message[]): unknown[] => events.map(({ event }) => event);

/** Without the comings and goings of connections. */
const changes = (events: readonly Message[]): Message[] =>
  events.filter(({ event }) => event !== 'process_spawned' && event !== 'connection_closed');

async function expectRefused(client: WireClient, command: Message, code: string, field: string): Promise<Message> {
  const before = await stateOf(client);
  const error = await client.fails(command);
  expect(error, JSON.stringify(command)).toMatchObject({ code, field });
  expect(await stateOf(client)).toEqual(before);
  return error.details;
}

describe('a block and its place in one command', () => {
  it('[W8] into an empty layout: block, leaf and focus in one commit', async () => {
    const client = await ours.client();
    const { tab } = await createPlace(client);
    const watcher = await ours.watcher();
    const block_id = ulid();
    const place = { node_id: 'n', size: 12.5, correlation_id: 'mine' };
    const events = await told(client, watcher, { cmd: 'create_block', tab_id: tab, meta: { a: 1 }, block_id, place });
    const node = { id: 'n', flexDirection: 'row', size: 12.5, data: { blockId: block_id } };
    expect(events).toMatchObject([
      { event: 'block_created', tab_id: tab, block_id, meta: { a: 1 }, session_id: null },
      { event: 'layout_node_inserted', tab_id: tab, node, new_tree: node, correlation_id: 'mine' },
      { event: 'focused_node_changed', tab_id: tab, node_id: 'n' },
    ]);
    const versions = events.map(({ version }) => Number(version));
    expect(versions).toEqual([versions[0], versions[0]! + 1, versions[0]! + 2]);
  });

  it('[W8] into a parent, without the focus; the node id is made and told', async () => {
    const client = await ours.client();
    const { tab } = await createPair(client);
    const watcher = await ours.watcher();
    const place = { parent_id: 'r', index: 1, focus_after: false };
    const { node_id, block_id, version } = await client.ok({ cmd: 'create_block', tab_id: tab, place });
    expect(names(changes(await watcher.reached(version)))).toEqual(['block_created', 'layout_node_inserted']);
    const { children } = (await treeOf(client, tab)) as { children: Message[] };
    expect(children.map(({ id }) => id)).toEqual(['a', node_id, 'b']);
    expect(children[1]).toMatchObject({ data: { blockId: block_id }, size: 15 });
  });

  it.each(['row', 'column'])('[W8] beside a leaf, as a split into a %s', async (direction) => {
    const client = await ours.client();
    const { tab } = await createPair(client);
    const watcher = await ours.watcher();
    const place = { node_id: 'n', target_id: 'b', direction, position: 'before', size: 5, magnify_after: true };
    const events = await told(client, watcher, { cmd: 'create_block', tab_id: tab, place });
    expect(names(events)).toEqual([
      'block_created',
      direction === 'row' ? 'layout_split_horizontal_applied' : 'layout_split_vertical_applied',
      'focused_node_changed',
      'magnified_node_changed',
    ]);
    const { children } = (await treeOf(client, tab)) as { children: Message[] };
    const split = direction === 'row' ? children.slice(1) : (children[1]!['children'] as Message[]);
    expect(split).toMatchObject([
      { id: 'n', size: 5 },
      { id: 'b', size: 15 },
    ]);
  });

  it.each<[string, Message, string, string]>([
    ['a parent that is none', { parent_id: 'none' }, 'not_found', 'place.parent_id'],
    ['a leaf as parent', { parent_id: 'a' }, 'conflict', 'place.parent_id'],
    ['a node id that is taken', { node_id: 'a' }, 'conflict', 'place.node_id'],
    [
      'a group id that is taken',
      { target_id: 'a', direction: 'column', position: 'after', group_id: 'b' },
      'conflict',
      'place.group_id',
    ],
    [
      'a target that is none',
      { target_id: 'none', direction: 'row', position: 'after' },
      'not_found',
      'place.target_id',
    ],
    [
      'a size over the target',
      { target_id: 'a', direction: 'row', position: 'after', size: 10 },
      'invalid_argument',
      'place.size',
    ],
    ['a size of 0', { size: 0 }, 'invalid_argument', 'place.size'],
    ['a size of 101', { size: 101 }, 'invalid_argument', 'place.size'],
    ['both forms at once', { parent_id: 'r', target_id: 'a' }, 'invalid_argument', 'place.target_id'],
    [
      'a direction that is none',
      { target_id: 'a', direction: 'up', position: 'after' },
      'invalid_argument',
      'place.direction',
    ],
    ['no object', 5 as unknown as Message, 'invalid_argument', 'place'],
  ])('[W8] with %s: neither block nor leaf, and the error names it', async (_what, place, code, field) => {
    const client = await ours.client();
    const { tab } = await createPair(client);
    await expectRefused(client, { cmd: 'create_block', tab_id: tab, place }, code, field);
  });
});

describe('ids of the client’s own', () => {
  it('[W13] are used, are free again after a deletion, and otherwise taken', async () => {
    const client = await ours.client();
    const [workspace_id, tab_id, block_id] = [ulid(), ulid(), ulid()];
    expect(await client.ok({ cmd: 'create_workspace', name: 'n', workspace_id })).toMatchObject({ workspace_id });
    expect(await client.ok({ cmd: 'create_tab', workspace_id, name: 'n', tab_id })).toMatchObject({ tab_id });
    expect(await client.ok({ cmd: 'create_block', tab_id, block_id })).toMatchObject({ block_id });
    await expectRefused(client, { cmd: 'create_workspace', name: 'n', workspace_id }, 'conflict', 'workspace_id');
    await expectRefused(client, { cmd: 'create_tab', workspace_id, name: 'n', tab_id }, 'conflict', 'tab_id');
    await expectRefused(client, { cmd: 'create_block', tab_id, block_id }, 'conflict', 'block_id');
    await client.ok({ cmd: 'delete_workspace', workspace_id });
    expect(await client.ok({ cmd: 'create_workspace', name: 'n', workspace_id })).toMatchObject({ workspace_id });
    await client.ok({ cmd: 'delete_workspace', workspace_id });
  });

  it.each(['__proto__', 'constructor', 'größer', 'a b', '"\\', 'é'.repeat(64)])('[W13] may be %j', async (id) => {
    const client = await ours.client();
    const { workspace } = await createPlace(client);
    const tab = { workspace_id: workspace, tab_id: id };
    await client.ok({ cmd: 'create_tab', ...tab, name: 'n' });
    const block_id = ulid();
    await client.ok({ cmd: 'create_block', tab_id: id, block_id, place: { node_id: id } });
    expect(await treeOf(client, id)).toMatchObject({ id, data: { blockId: block_id } });
    await client.ok({ cmd: 'delete_tab', ...tab, force: true });
    await expectRefused(client, { cmd: 'rename_tab', tab_id: id, name: 'x' }, 'not_found', 'tab_id');
  });
});

describe('a block and its session', () => {
  it('[W10] bind_block: bound, told, once; bound again elsewhere is a conflict', async () => {
    const client = await ours.client();
    const { a, b } = await createPair(client);
    const session_id = await ours.session();
    const watcher = await ours.watcher({ topics: ['block_*'] });
    const bind = { cmd: 'bind_block', block_id: a, session_id };
    expect(await told(client, watcher, bind)).toMatchObject([{ event: 'block_bound', block_id: a, session_id }]);
    const { version } = await client.ok({ cmd: 'ping' });
    expect(await client.ok(bind)).toMatchObject({ version });
    const details = await expectRefused(client, { ...bind, block_id: b }, 'conflict', 'session_id');
    expect(details).toMatchObject({ block_id: a });
    await client.ok({ ...bind, session_id: null });
    await client.ok({ ...bind, block_id: b });
    await client.ok({ ...bind, block_id: b, session_id: null });
    await client.ok({ cmd: 'remove_session', session: session_id, force: true });
  });

  it('[W2] bind_block: errors name the block, the session, and what is missing', async () => {
    const client = await ours.client();
    const { a, tab } = await createPair(client);
    const bind = { cmd: 'bind_block', block_id: a, session_id: null };
    await expectRefused(client, { ...bind, block_id: 'none' }, 'not_found', 'block_id');
    await expectRefused(client, { ...bind, session_id: 'none' }, 'not_found', 'session_id');
    await expectRefused(client, { ...bind, session_id: tab }, 'not_found', 'session_id');
    await expectRefused(client, { cmd: 'bind_block', block_id: a }, 'invalid_argument', 'session_id');
  });

  const GOING: readonly [string, (of: { workspace: string; tab: string; a: string }) => Message][] = [
    ['delete_block', ({ tab, a }) => ({ cmd: 'delete_block', tab_id: tab, block_id: a })],
    ['delete_tab', ({ workspace, tab }) => ({ cmd: 'delete_tab', workspace_id: workspace, tab_id: tab, force: true })],
    ['delete_workspace', ({ workspace }) => ({ cmd: 'delete_workspace', workspace_id: workspace })],
  ];

  it.each(GOING)('[W11] `%s` of a live session is refused until it says what becomes of it', async (_cmd, going) => {
    const client = await ours.client();
    const pair = await createPair(client);
    const session_id = await ours.session();
    await client.ok({ cmd: 'bind_block', block_id: pair.a, session_id });
    const details = await expectRefused(client, going(pair), 'conflict', 'session');
    expect(details).toMatchObject({ sessions: [session_id] });
    await expectRefused(client, { ...going(pair), session: 'kill' }, 'invalid_argument', 'session');
    await client.ok({ ...going(pair), session: 'terminate' });
  });

  it.each(GOING)(
    '[W11] `%s` that detaches leaves it running, listed and free to be shown again',
    async (_cmd, going) => {
      const client = await ours.client();
      const pair = await createPair(client);
      const session_id = await ours.session();
      await client.ok({ cmd: 'bind_block', block_id: pair.a, session_id });
      const result = await client.ok({ ...going(pair), session: 'detach' });
      expect(result).toMatchObject({ deleted: true, detached: [session_id], terminated: [] });
      const record = await sessionIn(client, session_id);
      expect(record).toMatchObject({ desired: 'running' });
      expect(['starting', 'running']).toContain(record['state']);
      const { tab } = await createPlace(client);
      const block_id = await createBlock(client, tab, { session_id });
      await client.ok({ cmd: 'delete_block', tab_id: tab, block_id, session: 'terminate' });
    },
  );

  it.each(GOING)('[W11] `%s` that terminates stops it in the same commit, and it ends', async (_cmd, going) => {
    const client = await ours.client();
    const pair = await createPair(client);
    const watcher = await ours.watcher();
    const session_id = await ours.session();
    await client.ok({ cmd: 'bind_block', block_id: pair.a, session_id });
    await watcher.upTo(({ event }) => event === 'block_bound');
    const result = await client.ok({ ...going(pair), session: 'terminate' });
    expect(result).toMatchObject({ deleted: true, detached: [], terminated: [session_id] });
    const until = await watcher.upTo(({ event }) => event === 'session_desired');
    expect(until.at(-1)).toMatchObject({ session_id, desired: 'stopped', version: result.version });
    const isEnd = (event: Message) => event['event'] === 'session_ended' && event['session_id'] === session_id;
    expect((await watcher.upTo(isEnd)).at(-1)).toMatchObject({ cause: 'terminated' });
    expect(await sessionIn(client, session_id)).toMatchObject({ state: 'ended', desired: 'stopped' });
  });

  it('[W11] `delete_block` of an ended session needs no word; [W10] one that is removed is shown by none', async () => {
    const client = await ours.client();
    const { tab, a, b } = await createPair(client);
    const watcher = await ours.watcher();
    const sessions = [await ours.session(), await ours.session()] as const;
    for (const [index, session_id] of sessions.entries()) {
      await client.ok({ cmd: 'bind_block', block_id: index === 0 ? a : b, session_id });
      await client.ok({ cmd: 'terminate_session', session: session_id, grace_ms: 0 });
    }
    const left = new Set<unknown>(sessions);
    await watcher.upTo(
      ({ event, session_id }) => event === 'session_ended' && left.delete(session_id) && left.size === 0,
    );
    await client.ok({ cmd: 'remove_session', session: sessions[1] });
    const { bindings } = (await stateOf(client))['state'] as { bindings: string[][] };
    expect(bindings).toContainEqual([a, sessions[0]]);
    expect(bindings.map(([block]) => block)).not.toContain(b);
    expect(await client.ok({ cmd: 'delete_block', tab_id: tab, block_id: a })).toMatchObject({ deleted: true });
    expect(await sessionIn(client, sessions[0])).toMatchObject({ state: 'ended' });
  });

  it('[W11] [C8] `delete_block` of a live session is refused to the seed, which has no word for it', async () => {
    const client = await ours.client();
    const { tab, a } = await createPair(client);
    const session_id = await ours.session();
    await client.ok({ cmd: 'bind_block', block_id: a, session_id });
    const seed = await ours.open();
    const { cmd, kind, version } = ours.registration();
    seed.send({ cmd, kind, version, pid: 4_000_000_000 });
    await seed.event('registered');
    seed.send({ cmd: 'delete_block', tab_id: tab, block_id: a, session: 'terminate' });
    expect(await seed.event('error')).toMatchObject({ code: 'invalid_command', fatal: false });
    expect(await sessionIn(client, session_id)).toMatchObject({ desired: 'running' });
    await client.ok({ cmd: 'delete_block', tab_id: tab, block_id: a, session: 'terminate' });
  });

  it('[W10] create_block binds at once, or says why not and creates nothing', async () => {
    const client = await ours.client();
    const { tab } = await createPlace(client);
    const session_id = await ours.session();
    const create = { cmd: 'create_block', tab_id: tab, session_id };
    const { block_id } = await client.ok(create);
    await expectRefused(client, create, 'conflict', 'session_id');
    await expectRefused(client, { ...create, session_id: 'none' }, 'not_found', 'session_id');
    await client.ok({ cmd: 'delete_block', tab_id: tab, block_id, session: 'terminate' });
  });
});

describe('move_tab with a fallback', () => {
  async function twoPlaces(
    client: WireClient,
  ): Promise<{ move: Message; source: string; target: string; tab: string }> {
    const { workspace: source, tab } = await createPlace(client);
    const { workspace: target } = await createPlace(client);
    const move = { cmd: 'move_tab', tab_id: tab, src_workspace_id: source, dst_workspace_id: target, dst_index: 0 };
    return { move, source, target, tab };
  }

  it('[W5] `move_tab` of the last one is a conflict that names it', async () => {
    const client = await ours.client();
    const { move } = await twoPlaces(client);
    await expectRefused(client, move, 'conflict', 'fallback');
    await expectRefused(client, { ...move, fallback: 'create' }, 'invalid_argument', 'fallback');
  });

  it('[W5] `move_tab` with allow_empty leaves the workspace', async () => {
    const client = await ours.client();
    const { move, source } = await twoPlaces(client);
    expect(await client.ok({ ...move, fallback: 'allow_empty' })).toMatchObject({ workspace_deleted: false });
    const { workspaces } = await stateOf(client);
    expect((workspaces as string[][]).map(([id]) => id)).toContain(source);
  });

  it('[W5] `move_tab` with delete_workspace takes it and its windows in the same commit', async () => {
    const client = await ours.client();
    const { move, source, tab, target } = await twoPlaces(client);
    const window_id = ulid();
    await client.ok({ cmd: 'create_window', window_id, workspace_id: source });
    const watcher = await ours.watcher();
    const events = await told(client, watcher, { ...move, fallback: 'delete_workspace' });
    expect(events).toMatchObject([
      { event: 'tab_moved', tab_id: tab, dst_workspace_id: target, workspace_deleted: true },
      { event: 'workspace_deleted', workspace_id: source, block_ids: [] },
      { event: 'srv_window_closed', window_id },
    ]);
  });
});

describe('group ids', () => {
  it('[Y15] `layout_split_vertical` names its group, or one derived from tab, correlation and node', async () => {
    const client = await ours.client();
    const { tab, spare } = await createPair(client);
    const split = { cmd: 'layout_split_vertical', tab_id: tab, target_id: 'a', position: 'after', focus_after: false };
    const command = { ...split, new_node: leaf('n', spare), correlation_id: 'c' };
    await client.ok({ ...command, group_id: 'mine' });
    expect(JSON.stringify(await treeOf(client, tab))).toContain('"mine"');
    const back = { cmd: 'layout_delete_node', tab_id: tab, node_id: 'n', correlation_id: '' };
    const groups: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      await client.ok(back);
      await client.ok(command);
      const { children } = (await treeOf(client, tab)) as { children: Message[] };
      groups.push(children[0]!['id']);
    }
    expect(groups[0]).toMatch(/^[0-9a-f]{8}-/);
    expect(groups[1]).toBe(groups[0]);
    await client.ok(back);
    await expectRefused(client, { ...command, group_id: 'b' }, 'conflict', 'group_id');
  });

  it('[Y9] `layout_split_horizontal` gives the new node the size it asks for', async () => {
    const client = await ours.client();
    const { tab, spare } = await createPair(client);
    const split = {
      cmd: 'layout_split_horizontal',
      tab_id: tab,
      target_id: 'b',
      position: 'after',
      focus_after: false,
    };
    const command = { ...split, new_node: leaf('n', spare), correlation_id: '' };
    await expectRefused(client, { ...command, size: 20 }, 'invalid_argument', 'size');
    await client.ok({ ...command, size: 15 });
    expect(await treeOf(client, tab)).toMatchObject({
      children: [
        { id: 'a', size: 10 },
        { id: 'b', size: 5 },
        { id: 'n', size: 15 },
      ],
    });
  });
});

describe('commands of others', () => {
  it.each([
    ['get_snapshot', 'wrong_domain'],
    ['report_window_closed', 'wrong_domain'],
    ['report_saga_action_failed', 'wrong_domain'],
    ['spawn_pool_window', 'wrong_direction'],
    ['reap_panes', 'wrong_direction'],
    ['drain_pool_if_last', 'wrong_direction'],
    ['connection_opened', 'unknown_command'],
    ['observe_started', 'unknown_command'],
    ['constructor', 'unknown_command'],
  ])('[C13] `%s` is %s', async (cmd, code) => {
    const client = await ours.client();
    await expectRefused(client, { cmd, label: 'x', saga_id: 1 }, code, 'cmd');
  });
});
