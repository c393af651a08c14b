/** Registration with a protocol, requests and their one reply, idempotency keys, expected versions. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isValid, type SchemaDocument } from '../../support/json-schema.ts';
import { type Message, ulid, type WireClient } from './client.ts';
import { createBlock, createPair, createPlace, leaf, OurSuite, type Pair, stateOf } from './suite.ts';

const ours = OurSuite.use();

const document = JSON.parse(
  readFileSync(new URL('../../../docs/schema/control.json', import.meta.url), 'utf8'),
) as SchemaDocument;

describe('registration', () => {
  it('[C2] `register` is answered with the terms, and with a reply if it asks for one', async () => {
    const client = await ours.open();
    const client_id = ulid();
    const reply = await client.request(ours.registration({ client_id }));
    const registered = await client.next();
    expect(isValid(document, document.$defs['event.registered']!, registered)).toBe(true);
    expect(registered).toMatchObject({ client_id, protocol: 1, epoch: expect.any(String), limits: expect.any(Object) });
    expect(isValid(document, document.$defs['reply.register']!, reply)).toBe(true);
    expect(reply).toMatchObject({ client_id, epoch: registered['epoch'], version: registered['version'] });
  });

  it.each<[string, Message, string, string?]>([
    ['a protocol nobody speaks', { protocol: [2, 9] }, 'unsupported_protocol', 'protocol'],
    ['a wrong token', { token: 'wrong' }, 'bad_token', 'token'],
    ['no token', { token: null }, 'bad_token', 'token'],
  ])('[C5] `register` with %s is a fatal error', async (_what, fields, code, field) => {
    const client = await ours.open();
    expect(await client.fails(ours.registration(fields))).toMatchObject({ code, field });
    await client.closed;
  });

  it.each<[string, Message, string]>([
    ['no client_id', { client_id: null }, 'client_id'],
    ['a range turned round', { protocol: [2, 1] }, 'protocol'],
    ['a kind that is none', { kind: 'boss' }, 'kind'],
  ])('[C9] `register` with %s names it, and may be tried again', async (_what, fields, field) => {
    const client = await ours.open();
    expect(await client.fails(ours.registration(fields))).toMatchObject({ code: 'invalid_argument', field });
    expect(await client.request(ours.registration())).toMatchObject({ ok: true });
  });

  it('[C12] a second `register` is already_registered', async () => {
    const client = await ours.client();
    expect(await client.fails(ours.registration())).toMatchObject({ code: 'already_registered' });
    expect(await client.ok({ cmd: 'ping' })).toMatchObject({ version: expect.any(Number) });
  });

  it('[C1] a request before `register` is not_registered', async () => {
    const client = await ours.open();
    expect(await client.fails({ cmd: 'list_sessions' })).toMatchObject({ code: 'not_registered' });
  });

  it('[C4] the same client_id supersedes: the older one is told and closed, and everyone is told both', async () => {
    const watcher = await ours.watcher();
    const client_id = ulid();
    const older = await ours.client({ client_id });
    const newer = await ours.client({ client_id });
    expect(await older.event('closed')).toEqual({ event: 'closed', reason: 'superseded' });
    await older.closed;
    const about = (event: Message) => event['client_id'] === client_id;
    const { version } = await newer.ok({ cmd: 'create_workspace', name: 'the end' });
    const told = (await watcher.reached(version)).filter(about);
    expect(told.map(({ event, reason }) => [event, reason])).toEqual([
      ['process_spawned', undefined],
      ['connection_closed', 'superseded'],
      ['process_spawned', undefined],
    ]);
  });
});

/** Each command that srv serves beside the sessions', as it is valid for a pair; those that leave come last. */
function commands({ workspace, tab, a, spare }: Pair): readonly (Message & { cmd: string })[] {
  const own = { tab_id: tab, correlation_id: 'c' };
  const shown = { focus_after: true, magnify_after: false };
  return [
    { cmd: 'ping', nonce: 5 },
    { cmd: 'get_events', since: 0, max: 5 },
    { cmd: 'get_srv_snapshot' },
    { cmd: 'get_status' },
    { cmd: 'list_sessions' },
    { cmd: 'create_workspace', name: 'n', workspace_id: ulid() },
    { cmd: 'create_tab', workspace_id: workspace, name: 'n', tab_id: ulid() },
    { cmd: 'rename_workspace', workspace_id: workspace, name: 'x' },
    { cmd: 'rename_tab', tab_id: tab, name: 'x' },
    { cmd: 'set_active_tab', workspace_id: workspace, tab_id: tab },
    { cmd: 'reorder_tab', workspace_id: workspace, tab_id: tab, new_index: 9 },
    { cmd: 'create_window', window_id: `win ${tab}`, workspace_id: workspace },
    { cmd: 'switch_workspace', window_id: `win ${tab}`, workspace_id: workspace },
    { cmd: 'update_window_meta', window_id: `win ${tab}`, meta_patch: { a: 1 } },
    { cmd: 'close_window_internal', window_id: `win ${tab}` },
    { cmd: 'update_workspace_meta', workspace_id: workspace, meta_patch: { a: 1 } },
    { cmd: 'update_tab_meta', tab_id: tab, meta_patch: { a: 1 } },
    { cmd: 'update_block_meta', block_id: a, meta_patch: { a: 1 } },
    { cmd: 'create_block', tab_id: tab, meta: {}, block_id: ulid() },
    { cmd: 'bind_block', block_id: a, session_id: null },
    { cmd: 'move_block', block_id: spare, src_tab_id: tab, dst_tab_id: tab, dst_index: 0 },
    { cmd: 'set_focused_node', tab_id: tab, node_id: 'a' },
    { cmd: 'set_magnified_node', tab_id: tab, node_id: 'b' },
    { cmd: 'layout_swap_nodes', ...own, node1_id: 'a', node2_id: 'b' },
    { cmd: 'layout_resize_nodes', ...own, ops: [{ node_id: 'a', size: 5 }] },
    { cmd: 'layout_move_node', ...own, node_id: 'a', new_parent_id: 'r', index: 2 },
    { cmd: 'layout_insert_node', ...own, node: leaf('n', spare), ...shown },
    { cmd: 'layout_delete_node', ...own, node_id: 'n' },
    { cmd: 'layout_insert_node_at_index', ...own, node: leaf('n', spare), index_arr: [0], ...shown },
    { cmd: 'layout_delete_node', ...own, node_id: 'n' },
    {
      cmd: 'layout_split_horizontal',
      ...own,
      target_id: 'a',
      new_node: leaf('n', spare),
      position: 'after',
      focus_after: true,
    },
    { cmd: 'layout_delete_node', ...own, node_id: 'n' },
    {
      cmd: 'layout_split_vertical',
      ...own,
      target_id: 'a',
      new_node: leaf('n', spare),
      position: 'after',
      focus_after: true,
    },
    { cmd: 'layout_delete_node', ...own, node_id: 'n' },
    { cmd: 'layout_replace_node', ...own, target_id: 'b', new_node: leaf('n', spare), focus_after: true },
    { cmd: 'layout_clear', ...own },
    { cmd: 'layout_set_tree', ...own, new_tree: null },
    { cmd: 'delete_block', tab_id: tab, block_id: a },
    { cmd: 'delete_tab', workspace_id: workspace, tab_id: tab, force: true },
    { cmd: 'delete_workspace', workspace_id: workspace },
    { cmd: 'subscribe' },
    { cmd: 'unsubscribe' },
    { cmd: 'goodbye' },
  ];
}
const NAMES = [
  ...new Set(commands({ workspace: '', tab: '', a: '', b: '', spare: '' }).map(({ cmd }) => cmd)),
] as const;

describe('requests', () => {
  it(`[C2] [C9] exactly one reply, as published, and again as a no-op: ${NAMES.map((cmd) => `\`${cmd}\``).join(' ')}`, async () => {
    const client = await ours.client();
    const pair = await createPair(client);
    for (const command of commands(pair)) {
      const reply = await client.request(command);
      const schema = document.$defs[`reply.${command.cmd}`]!;
      expect(isValid(document, schema, reply), JSON.stringify(reply)).toBe(true);
      expect(client.received.filter((line) => line['reply'] === reply['reply'])).toHaveLength(1);
    }
    await client.closed;
    expect(client.violations).toEqual([]);
  });

  it('[C2] many at once: each its own reply, with the version at which it is done', async () => {
    const client = await ours.client();
    const names = Array.from({ length: 500 }, (_one, index) => `w${index}`);
    const replies = await Promise.all(names.map((name) => client.ok({ cmd: 'create_workspace', name })));
    expect(replies.map(({ name }) => name)).toEqual(names);
    const versions = replies.map(({ version }) => version);
    expect(new Set(versions).size).toBe(500);
    const ids = replies.map(({ workspace_id }) => workspace_id);
    await Promise.all(ids.map((workspace_id) => client.ok({ cmd: 'delete_workspace', workspace_id })));
  });

  it('[C2] an id that was used is refused without a second reply', async () => {
    const client = await ours.client();
    client.send({ cmd: 'ping', nonce: 1, request_id: 'mine' });
    client.send({ cmd: 'create_workspace', name: 'never', request_id: 'mine' });
    expect(await client.event('error')).toMatchObject({ code: 'invalid_argument', field: 'request_id', version: 0 });
    await client.ok({ cmd: 'ping' });
    expect(client.received.filter((line) => line['reply'] === 'mine')).toHaveLength(1);
    client.violations.length = 0; // `mine` was not asked through `request`.
  });

  it.each(['', 5, true, {}, ['r'], 'x'.repeat(129)])('[C2] %j is no request_id', async (request_id) => {
    const client = await ours.client();
    const before = await stateOf(client);
    client.send({ cmd: 'create_workspace', name: 'never', request_id });
    expect(await client.event('error')).toMatchObject({ code: 'invalid_argument', field: 'request_id', fatal: false });
    expect(await stateOf(client)).toEqual(before);
  });

  it('[C6] without request_id success says nothing and an error is private, whole, with version 0', async () => {
    const watcher = await ours.watcher();
    const client = await ours.client();
    client.send({ cmd: 'create_workspace', name: 'quiet', request_id: null });
    client.send({ cmd: 'rename_tab', tab_id: 'none', name: 'x' });
    expect(await client.next()).toEqual({
      event: 'error',
      code: 'not_found',
      message: expect.stringMatching(/none/),
      fatal: false,
      version: 0,
      field: 'tab_id',
      retryable: false,
      details: {},
    });
    const { version } = await client.ok({ cmd: 'create_workspace', name: 'end' });
    const told = await watcher.reached(version);
    expect(told.filter(({ event }) => event === 'error')).toEqual([]);
    expect(told.map(({ name }) => name)).toContain('quiet');
  });
});

describe('idempotency keys', () => {
  async function counted(client: WireClient, name: string): Promise<number> {
    const { workspaces } = await stateOf(client);
    return (workspaces as string[][]).filter(([, own]) => own === name).length;
  }

  it('[K4] the same key and body give the same reply again, on any connection, and act once', async () => {
    const client = await ours.client();
    const name = ulid();
    const command = { cmd: 'create_workspace', name, idempotency_key: ulid() };
    const first = await client.ok(command);
    expect(await client.ok(command)).toEqual(first);
    expect(await (await ours.client()).ok(command)).toEqual(first);
    expect(await counted(client, name)).toBe(1);
  });

  it('[K4] sent at once they act once', async () => {
    const client = await ours.client();
    const name = ulid();
    const command = { cmd: 'create_workspace', name, idempotency_key: ulid() };
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.ok(command)));
    for (const reply of replies) expect(reply).toEqual(replies[0]);
    expect(await counted(client, name)).toBe(1);
  });

  it('[K4] order of keys and expected_version are no part of the body', async () => {
    const client = await ours.client();
    const name = ulid();
    const idempotency_key = ulid();
    const first = await client.ok({ cmd: 'create_workspace', name, idempotency_key });
    expect(await client.ok({ idempotency_key, name, cmd: 'create_workspace' })).toEqual(first);
  });

  it('[K5] the same key and another body is key_reused', async () => {
    const client = await ours.client();
    const name = ulid();
    const command = { cmd: 'create_workspace', name, idempotency_key: ulid() };
    await client.ok(command);
    const before = await stateOf(client);
    for (const other of [{ name: 'other' }, { workspace_id: 'w' }, { cmd: 'delete_workspace', workspace_id: 'w' }]) {
      expect(await client.fails({ ...command, ...other })).toMatchObject({
        code: 'key_reused',
        field: 'idempotency_key',
      });
    }
    expect(await stateOf(client)).toEqual(before);
  });

  it.each<[string, () => unknown, string]>([
    ['no ULID', () => 'key', 'invalid_argument'],
    ['empty', () => '', 'invalid_argument'],
    ['a number', () => 5, 'invalid_argument'],
    ['25 hours old', () => ulid(Date.now() - 25 * 3_600_000), 'key_expired'],
    ['an hour ahead', () => ulid(Date.now() + 3_600_000), 'key_expired'],
  ])('[K5] a key that is %s is refused', async (_what, key, code) => {
    const client = await ours.client();
    const before = await stateOf(client);
    const refused = await client.fails({ cmd: 'create_workspace', name: 'never', idempotency_key: key() });
    expect(refused).toMatchObject({ code, field: 'idempotency_key' });
    expect(await stateOf(client)).toEqual(before);
  });

  it.skipIf(process.env['HOLDFAST_CONFORMANCE_SOCKET'] !== undefined)(
    '[K4] a key is known after kill -9 and a restart',
    async () => {
      const client = await ours.client();
      const name = ulid();
      const command = { cmd: 'create_workspace', name, idempotency_key: ulid() };
      const first = await client.ok(command);
      await ours.runtime!.killSrv();
      await client.closed;
      await ours.runtime!.client();
      const next = await ours.client();
      expect(await next.ok(command)).toEqual(first);
      expect(await next.fails({ ...command, name: 'other' })).toMatchObject({ code: 'key_reused' });
      expect(await counted(next, name)).toBe(1);
    },
  );
});

describe('expected_version', () => {
  it('[K12] [W18] holds from the last change of what the command is about up to now', async () => {
    const client = await ours.client();
    const { tab } = await createPair(client);
    const { version } = await client.ok({ cmd: 'rename_tab', tab_id: tab, name: 'one' });
    await client.ok({ cmd: 'create_workspace', name: 'elsewhere' });
    const rename = { cmd: 'rename_tab', tab_id: tab, name: 'two', expected_version: version };
    const { version: renamed } = await client.ok(rename);
    expect(await client.fails({ ...rename, name: 'three' })).toMatchObject({
      code: 'conflict',
      field: 'expected_version',
      details: { changed_at: renamed },
    });
    await client.ok({ ...rename, name: 'three', expected_version: renamed });
  });

  it('[K12] a version of the future is a conflict', async () => {
    const client = await ours.client();
    const { tab } = await createPair(client);
    const before = await stateOf(client);
    const { version } = await client.ok({ cmd: 'ping' });
    for (const expected_version of [version + 1, Number.MAX_SAFE_INTEGER]) {
      expect(await client.fails({ cmd: 'rename_tab', tab_id: tab, name: 'x', expected_version })).toMatchObject({
        code: 'conflict',
        field: 'expected_version',
      });
    }
    expect(await stateOf(client)).toEqual(before);
  });

  it.each([-1, 0.5, '1', true, {}, []])('[C9] %j is no expected_version', async (expected_version) => {
    const client = await ours.client();
    const { tab } = await createPlace(client);
    expect(await client.fails({ cmd: 'rename_tab', tab_id: tab, name: 'x', expected_version })).toMatchObject({
      code: 'invalid_argument',
      field: 'expected_version',
    });
  });

  it('[W18] a tab is about its layout, focus, blocks and their meta; not about the others', async () => {
    const client = await ours.client();
    const { tab, workspace, a, spare } = await createPair(client);
    const set = { cmd: 'layout_set_tree', tab_id: tab, new_tree: null, correlation_id: '' };
    for (const change of [
      { cmd: 'update_block_meta', block_id: a, meta_patch: { at: ulid() } },
      { cmd: 'set_focused_node', tab_id: tab, node_id: 'b' },
      { cmd: 'move_block', block_id: spare, src_tab_id: tab, dst_tab_id: tab, dst_index: 0 },
      { cmd: 'layout_swap_nodes', tab_id: tab, node1_id: 'a', node2_id: 'b', correlation_id: '' },
      { cmd: 'create_block', tab_id: tab },
    ]) {
      const { version } = await client.ok({ cmd: 'ping' });
      await client.ok(change);
      const stale = await client.fails({ ...set, expected_version: version });
      expect(stale, change.cmd).toMatchObject({ code: 'conflict', field: 'expected_version' });
    }
    const { version } = await client.ok({ cmd: 'ping' });
    const other = await createPlace(client);
    await createBlock(client, other.tab);
    await client.ok({ cmd: 'create_tab', workspace_id: workspace, name: 'beside' });
    await client.ok({ ...set, expected_version: version });
  });

  it('[W18] what changes elsewhere is nothing to a command about something else', async () => {
    const client = await ours.client();
    const pair = await createPair(client);
    const about = commands(pair).filter((command) =>
      ['tab_id', 'workspace_id', 'block_id', 'window_id'].some((id) => id in command),
    );
    for (const command of about.filter(({ cmd }) => cmd !== 'create_workspace')) {
      const { version } = await client.ok({ cmd: 'ping' });
      await client.ok({ cmd: 'create_workspace', name: 'elsewhere' });
      // A new window is about nothing that is there yet: only the whole state will do.
      const isNew = command.cmd === 'create_window';
      const reply = await client.request({ ...command, expected_version: version });
      expect(reply, JSON.stringify(command)).toMatchObject({ ok: !isNew });
      if (isNew) await client.ok(command);
    }
  });

  it('[W18] a workspace is about its tabs, a window about itself', async () => {
    const client = await ours.client();
    const { workspace, tab } = await createPlace(client);
    const window_id = ulid();
    await client.ok({ cmd: 'create_window', window_id, workspace_id: workspace });
    const { version } = await client.ok({ cmd: 'ping' });
    await client.ok({ cmd: 'rename_tab', tab_id: tab, name: 'renamed' });
    await client.ok({ cmd: 'rename_workspace', workspace_id: workspace, name: 'new', expected_version: version });
    const create = { cmd: 'create_tab', workspace_id: workspace, name: 'late', expected_version: version };
    expect(await client.fails(create)).toMatchObject({ code: 'conflict' });
    const meta = { cmd: 'update_window_meta', window_id, meta_patch: { a: 1 }, expected_version: version };
    await client.ok(meta);
    expect(await client.fails({ ...meta, meta_patch: { a: 2 } })).toMatchObject({ code: 'conflict' });
  });
});
