/** Subscriptions, cursors, event lists and snapshots. */
import { describe, expect, it } from 'vitest';
import { type Message, ulid, type WireClient } from './client.ts';
import { factsOf, Replica } from './replica.ts';
import { createBlock, createPair, createPlace, leaf, OurSuite, sessionIn, stateOf } from './suite.ts';

const ours = OurSuite.use();

const names = (events: readonly Message[]): unknown[] => events.map(({ event }) => event);

/** The chain that `prev` makes: each names the version delivered before. */
function expectChain(events: readonly Message[], from: number): void {
  let last = from;
  for (const { version, prev } of events) {
    expect(prev).toBe(last);
    expect(version).toBeGreaterThan(last);
    last = Number(version);
  }
}

async function versionOf(client: WireClient): Promise<number> {
  return (await client.ok({ cmd: 'ping' })).version;
}

describe('subscribe', () => {
  it('[K6] tells nothing before, and everything from its version on, as a chain', async () => {
    const client = await ours.client();
    await client.ok({ cmd: 'create_workspace', name: 'before' });
    const { version, subscribed } = await client.ok({ cmd: 'subscribe' });
    expect(subscribed).toBe(true);
    const pair = await createPair(client);
    const events = await client.reached(await versionOf(client));
    expectChain(events, version);
    expect(JSON.stringify(events)).not.toContain('"before"');
    const versions = events.map((event) => Number(event['version']));
    expect(versions).toEqual(versions.map((_one, index) => version + 1 + index));
    for (const event of events) expect(event['at']).toBeGreaterThan(1_600_000_000_000);
    expect(events.at(-1)).toMatchObject({ event: 'layout_tree_replaced', tab_id: pair.tab });
  });

  it('[K6] by topic: names and prefixes; `prev` names the one delivered before', async () => {
    const client = await ours.client();
    const { version } = await client.ok({ cmd: 'subscribe', topics: ['workspace_*', 'tab_created'] });
    const { workspace, tab } = await createPlace(client);
    await client.ok({ cmd: 'rename_tab', tab_id: tab, name: 'untold' });
    await client.ok({ cmd: 'rename_workspace', workspace_id: workspace, name: 'told' });
    const events = await client.upTo(({ name }) => name === 'told');
    expect(names(events)).toEqual(['workspace_created', 'tab_created', 'workspace_renamed']);
    expectChain(events, version);
  });

  it('[K6] since a version: the replay, then live, without a seam', async () => {
    const client = await ours.client();
    const since = await versionOf(client);
    const { workspace } = await createPlace(client);
    const follower = await ours.client();
    const { epoch } = await stateOf(client);
    await follower.ok({ cmd: 'subscribe', since, epoch });
    await client.ok({ cmd: 'rename_workspace', workspace_id: workspace, name: 'live' });
    const events = await follower.upTo(({ name }) => name === 'live');
    expectChain(events, since);
    expect(names(events)).toEqual(
      expect.arrayContaining(['workspace_created', 'tab_created', 'active_tab_changed', 'workspace_renamed']),
    );
  });

  it('[W16] with a snapshot: that first, then what comes after its version', async () => {
    const client = await ours.client();
    await createPlace(client);
    const follower = await ours.client();
    await follower.ok({ cmd: 'subscribe', snapshot: true });
    const snapshot = await follower.next();
    expect(snapshot['event']).toBe('srv_snapshot');
    await createPlace(client);
    expectChain(await follower.reached(await versionOf(client)), Number(snapshot['version']));
  });

  it('[K7] in an epoch that never was: epoch_unknown, or a snapshot if one is wanted', async () => {
    const client = await ours.client();
    expect(await client.fails({ cmd: 'subscribe', since: 1, epoch: 'never' })).toMatchObject({
      code: 'epoch_unknown',
      field: 'epoch',
    });
    await client.ok({ cmd: 'subscribe', since: 1, epoch: 'never', snapshot: true });
    const snapshot = await client.next();
    expect(snapshot['event']).toBe('srv_snapshot');
    await createPlace(client);
    expectChain(await client.reached(await versionOf(client)), Number(snapshot['version']));
  });

  it('[K7] from the future is refused, in whatever form it is said', async () => {
    const client = await ours.client();
    const { epoch } = await stateOf(client);
    const since = (await versionOf(client)) + 1_000_000;
    expect(await client.fails({ cmd: 'subscribe', since })).toMatchObject({ code: 'offset_ahead', field: 'since' });
    expect(await client.fails({ cmd: 'subscribe', since, epoch })).toMatchObject({ code: 'epoch_unknown' });
    expect(await client.fails({ cmd: 'get_events', since, epoch })).toMatchObject({ code: 'epoch_unknown' });
  });

  it('[K6] once per connection; unsubscribe ends it, and another may follow', async () => {
    const client = await ours.client();
    await client.ok({ cmd: 'subscribe' });
    expect(await client.fails({ cmd: 'subscribe' })).toMatchObject({ code: 'conflict' });
    await client.ok({ cmd: 'unsubscribe' });
    await client.ok({ cmd: 'create_workspace', name: 'untold' });
    const { version } = await client.ok({ cmd: 'subscribe', topics: ['workspace_*'] });
    await client.ok({ cmd: 'create_workspace', name: 'told' });
    // The first subscription may have told of who came and went.
    expect(await client.event('workspace_created')).toMatchObject({ name: 'told', prev: version });
  });

  it.skipIf(process.env['HOLDFAST_CONFORMANCE_SOCKET'] !== undefined)(
    '[K7] a cursor holds over kill -9 and a restart',
    async () => {
      const client = await ours.client();
      const { epoch } = await stateOf(client);
      const { version } = await client.ok({ cmd: 'create_workspace', name: 'before' });
      await ours.runtime!.killSrv();
      await client.closed;
      await ours.runtime!.client();
      const next = await ours.client();
      await next.ok({ cmd: 'subscribe', since: version, epoch });
      await next.ok({ cmd: 'create_workspace', name: 'after' });
      const events = await next.upTo(({ name }) => name === 'after');
      expectChain(events, version);
      expect(names(events)).toEqual(expect.arrayContaining(['connection_closed', 'process_spawned']));
    },
  );
});

describe('get_events', () => {
  it('[K6] `get_events` pages: oldest first, `next` to go on from, complete when nothing is missing', async () => {
    const client = await ours.client();
    const since = await versionOf(client);
    await createPair(client);
    const whole = await client.ok({ cmd: 'get_events', since });
    expect(whole).toMatchObject({ complete: true, next: whole.version });
    const paged: Message[] = [];
    for (let next = since; ; ) {
      const page = await client.ok({ cmd: 'get_events', since: next, max: 2 });
      const events = page['events'] as Message[];
      expect(page).toMatchObject({ epoch: whole['epoch'], next: events.at(-1)!['version'] });
      paged.push(...events);
      expect(page['complete']).toBe(page['next'] === whole['next']);
      if (page['complete'] === true) break;
      next = Number(page['next']);
    }
    expect(paged).toEqual(whole['events']);
    expect(paged.length).toBeGreaterThan(5);
  });

  it('[C9] `get_events` names what is wrong', async () => {
    const client = await ours.client();
    for (const [field, value] of [
      ['since', -1],
      ['since', '1'],
      ['max', 0],
      ['max', 1.5],
      ['epoch', ''],
    ] as const) {
      expect(await client.fails({ cmd: 'get_events', [field]: value })).toMatchObject({
        code: 'invalid_argument',
        field,
      });
    }
    expect(await client.fails({ cmd: 'get_events', since: 0, epoch: 'never' })).toMatchObject({
      code: 'epoch_unknown',
    });
  });

  it('[C6] `get_events` without an id is answered by an event_list', async () => {
    const client = await ours.client();
    client.send({ cmd: 'get_events', since: 0 });
    const list = await client.next();
    expect(Object.keys(list).toSorted()).toEqual(['complete', 'epoch', 'event', 'events', 'next', 'version']);
  });
});

describe('srv_snapshot', () => {
  it('[W16] `state` with the events after it is the state they lead to, for who knows only the reference', {
    timeout: 60_000,
  }, async () => {
    const client = await ours.client();
    const { workspace, tab, a, b, spare } = await createPair(client);
    const session = await ours.session();
    const follower = await ours.client();
    await follower.ok({ cmd: 'subscribe', snapshot: true });
    const replica = new Replica(await follower.next());
    const own = { tab_id: tab, correlation_id: 'c' };
    const other = await createPlace(client);
    const window_id = ulid();
    for (const command of [
      { cmd: 'update_tab_meta', tab_id: tab, meta_patch: { a: { b: 1 }, gone: true } },
      { cmd: 'update_tab_meta', tab_id: tab, meta_patch: { a: { c: 2 }, gone: null } },
      { cmd: 'update_workspace_meta', workspace_id: workspace, meta_patch: { color: 'red' } },
      { cmd: 'update_block_meta', block_id: a, meta_patch: { view: 'term' } },
      { cmd: 'create_window', window_id, workspace_id: workspace },
      { cmd: 'update_window_meta', window_id, meta_patch: { x: 1 } },
      { cmd: 'create_window', window_id, workspace_id: other.workspace },
      { cmd: 'switch_workspace', window_id, workspace_id: workspace },
      { cmd: 'bind_block', block_id: a, session_id: session },
      { cmd: 'set_focused_node', tab_id: tab, node_id: 'b' },
      { cmd: 'set_magnified_node', tab_id: tab, node_id: 'b' },
      {
        cmd: 'layout_insert_node',
        ...own,
        node: leaf('n', spare),
        parent_id: 'r',
        index: 0,
        focus_after: false,
        magnify_after: false,
      },
      { cmd: 'layout_swap_nodes', ...own, node1_id: 'a', node2_id: 'n' },
      { cmd: 'layout_move_node', ...own, node_id: 'n', new_parent_id: 'b', index: 0 },
      { cmd: 'layout_resize_nodes', ...own, ops: [{ node_id: 'a', size: 77 }] },
      { cmd: 'layout_delete_node', ...own, node_id: 'b' },
      {
        cmd: 'layout_split_vertical',
        ...own,
        target_id: 'a',
        new_node: leaf('m', b),
        position: 'before',
        focus_after: true,
      },
      { cmd: 'move_block', block_id: b, src_tab_id: tab, dst_tab_id: other.tab, dst_index: 0 },
      { cmd: 'create_block', tab_id: other.tab, meta: { z: null }, place: { node_id: 'p', magnify_after: true } },
      { cmd: 'create_tab', workspace_id: workspace, name: '' },
      { cmd: 'reorder_tab', workspace_id: workspace, tab_id: tab, new_index: 1 },
      { cmd: 'move_tab', tab_id: tab, src_workspace_id: workspace, dst_workspace_id: other.workspace, dst_index: 0 },
      { cmd: 'rename_tab', tab_id: tab, name: 'moved' },
      { cmd: 'set_focused_node', tab_id: tab, node_id: 'n' },
      { cmd: 'set_magnified_node', tab_id: tab, node_id: 'a' },
      { cmd: 'delete_tab', workspace_id: other.workspace, tab_id: other.tab },
      { cmd: 'terminate_session', session, grace_ms: 0 },
    ]) {
      await client.ok(command);
    }
    await follower.upTo(({ event, session_id }) => event === 'session_ended' && session_id === session);
    await client.ok({ cmd: 'remove_session', session });
    const watched = follower.received.filter((line) => line['prev'] !== undefined);
    const snapshot = await client.ok({ cmd: 'get_srv_snapshot' });
    const version = snapshot.version;
    if (Number(watched.at(-1)!['version']) < version) await follower.reached(version);
    for (const event of follower.received) {
      if (event['prev'] !== undefined && Number(event['version']) <= version) replica.apply(event);
    }
    expect(replica.facts()).toEqual(factsOf(snapshot));
    expect(JSON.stringify(snapshot['tabs'])).toContain('"moved"');
  });

  it('[W10] tells which block shows which session, and each session', async () => {
    const client = await ours.client();
    const { tab } = await createPlace(client);
    const session = await ours.session();
    const block = await createBlock(client, tab, { session_id: session });
    const { bindings, sessions } = (await stateOf(client))['state'] as { bindings: unknown; sessions: Message[] };
    expect(bindings).toContainEqual([block, session]);
    expect(sessions.map(({ id }) => id)).toContain(session);
    expect(await sessionIn(client, session)).toMatchObject({ id: session, desired: 'running' });
    await client.ok({ cmd: 'delete_block', tab_id: tab, block_id: block, session: 'terminate' });
  });
});

describe('closed', () => {
  it('[C7] past its budget of errors a connection is told why and closed; others notice nothing', async () => {
    const bystander = await ours.watcher();
    const client = await ours.client();
    client.write('nonsense\n'.repeat(1_000));
    expect(await client.event('closed')).toEqual({ event: 'closed', reason: 'too_many_errors' });
    await client.closed;
    const { version } = await bystander.ok({ cmd: 'create_workspace', name: 'calm' });
    await bystander.reached(version);
  });

  it('[C3] a line over 1 MiB is told and closes', async () => {
    const client = await ours.client();
    client.write(`{"cmd":"ping","x":"${'x'.repeat(1 << 20)}"}\n`);
    expect(await client.event('error')).toMatchObject({ code: 'too_large' });
    expect(await client.event('closed')).toEqual({ event: 'closed', reason: 'line_too_long' });
    await client.closed;
  });

  it.skipIf(process.env['HOLDFAST_CONFORMANCE_SOCKET'] !== undefined)('[C7] a srv that stops says so', async () => {
    const client = await ours.watcher();
    const other = await ours.client();
    await other.ok({ cmd: 'shutdown' });
    expect(await client.event('closed')).toEqual({ event: 'closed', reason: 'shutdown' });
    await client.closed;
    await ours.runtime!.client();
  });
});
