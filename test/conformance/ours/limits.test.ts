/** As much as there may be, and one more. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Message, ulid, type WireClient } from './client.ts';
import { createPlace, leaf, OurSuite, type Place } from './suite.ts';

const ours = OurSuite.use();
const MOST = 1_000;
const LAYOUT_NODES = 1_024;
const LAYOUT_LEVELS = 28;
const PATCH_BYTES = 64 * 1024;
const META_BYTES = 256 * 1024;
const correlation_id = '';

/** A home that is not the suite's own is not left full. */
const made: { client: WireClient; workspaces: string[]; windows: string[] }[] = [];
afterEach(async () => {
  const cleaner = await ours.client();
  for (const { workspaces, windows } of made.splice(0)) {
    await together(windows.map((window_id) => () => cleaner.ok({ cmd: 'close_window_internal', window_id })));
    await together(workspaces.map((workspace_id) => () => cleaner.ok({ cmd: 'delete_workspace', workspace_id })));
  }
});

/** Some at a time: a connection has a bound for requests under way. */
async function together(work: (() => Promise<unknown>)[]): Promise<void> {
  for (let at = 0; at < work.length; at += 200) await Promise.all(work.slice(at, at + 200).map((start) => start()));
}

const ids = (count: number): string[] => Array.from({ length: count }, () => ulid());

async function place(client: WireClient): Promise<Place> {
  const created = await createPlace(client);
  made.push({ client, workspaces: [created.workspace], windows: [] });
  return created;
}

async function blocks(client: WireClient, tab_id: string, count: number): Promise<string[]> {
  const created = ids(count);
  await together(created.map((block_id) => () => client.ok({ cmd: 'create_block', tab_id, block_id })));
  return created;
}

async function refused(client: WireClient, command: Message): Promise<[string, string | undefined]> {
  const { code, field } = await client.fails(command);
  return [code, field];
}

describe('how many there are: error', () => {
  it('[W14] `create_workspace` at 1,000 workspaces is a conflict', async () => {
    const client = await ours.client();
    const { workspaces: known } = await client.ok({ cmd: 'get_srv_snapshot' });
    const workspaces = ids(MOST - (known as unknown[]).length);
    made.push({ client, workspaces, windows: [] });
    await together(
      workspaces.map((workspace_id) => () => client.ok({ cmd: 'create_workspace', name: '', workspace_id })),
    );
    expect(await refused(client, { cmd: 'create_workspace', name: '' })).toEqual(['conflict', 'workspace_id']);
  });

  it('[W14] `create_window` at 1,000 windows is a conflict; a known one may still be pointed elsewhere', async () => {
    const client = await ours.client();
    const { workspace } = await place(client);
    const other = await place(client);
    const { state } = await client.ok({ cmd: 'get_srv_snapshot' });
    const windows = ids(MOST - (state as { windows: unknown[] }).windows.length);
    made.push({ client, workspaces: [], windows });
    const create = { cmd: 'create_window', workspace_id: workspace };
    await together(windows.map((window_id) => () => client.ok({ ...create, window_id })));
    expect(await refused(client, { ...create, window_id: ulid() })).toEqual(['conflict', 'window_id']);
    await client.ok({ ...create, window_id: windows[0], workspace_id: other.workspace });
  });

  it('[W14] `create_tab` in, and `move_tab` to, a workspace of 1,000 tabs is a conflict', async () => {
    const client = await ours.client();
    const { workspace } = await place(client);
    const other = await place(client);
    const create = { cmd: 'create_tab', workspace_id: workspace, name: '' };
    await together(ids(MOST - 1).map((tab_id) => () => client.ok({ ...create, tab_id })));
    expect(await refused(client, create)).toEqual(['conflict', 'workspace_id']);
    const ways = { src_workspace_id: other.workspace, dst_workspace_id: workspace };
    const move = { cmd: 'move_tab', tab_id: other.tab, ...ways, dst_index: 0, fallback: 'allow_empty' };
    expect(await refused(client, move)).toEqual(['conflict', 'dst_workspace_id']);
  });

  it('[W14] `create_block` in, and `move_block` to, a tab of 1,000 blocks is a conflict', async () => {
    const client = await ours.client();
    const { tab } = await place(client);
    const other = await place(client);
    await blocks(client, tab, MOST);
    expect(await refused(client, { cmd: 'create_block', tab_id: tab })).toEqual(['conflict', 'tab_id']);
    const [block_id] = await blocks(client, other.tab, 1);
    const move = { cmd: 'move_block', block_id, src_tab_id: other.tab, dst_tab_id: tab, dst_index: 0 };
    expect(await refused(client, move)).toEqual(['conflict', 'dst_tab_id']);
  });
});

describe('how large a layout is: error', () => {
  /** A row of columns, so many nodes in all, with `leaves` of them. */
  function wide(shown: readonly string[], nodes: number): Message {
    const groups = nodes - shown.length - 1;
    const each = Math.ceil(shown.length / groups);
    const columns = Array.from({ length: groups }, (_none, column) => ({
      id: `g${column}`,
      flexDirection: 'column',
      children: shown.slice(column * each, (column + 1) * each).map((block, at) => leaf(`n${column}.${at}`, block)),
    }));
    return { id: 'r', flexDirection: 'row', children: columns };
  }

  it('[Y5] `layout_set_tree` with 1,025 nodes is too_large; from 1,024 on `layout_insert_node` is a conflict', async () => {
    const client = await ours.client();
    const { tab: tab_id } = await place(client);
    const [spare, ...shown] = await blocks(client, tab_id, MOST);
    const set = { cmd: 'layout_set_tree', tab_id, correlation_id };
    const above = await refused(client, { ...set, new_tree: wide(shown, LAYOUT_NODES + 1) });
    expect(above).toEqual(['too_large', expect.stringMatching(/^new_tree\.children\[\d+\](\.children\[\d+\])?$/)]);
    await client.ok({ ...set, new_tree: wide(shown, LAYOUT_NODES) });
    const node = leaf('one more', spare!);
    const insert = { cmd: 'layout_insert_node', tab_id, node, parent_id: 'g0', correlation_id };
    const flags = { focus_after: false, magnify_after: false };
    expect(await refused(client, { ...insert, ...flags })).toEqual(['conflict', 'node']);
    const split = { cmd: 'layout_split_vertical', tab_id, target_id: 'n0.0', new_node: node, correlation_id };
    expect(await refused(client, { ...split, position: 'after', focus_after: false })).toEqual([
      'conflict',
      'new_node',
    ]);
    await client.ok({ cmd: 'layout_delete_node', tab_id, node_id: 'n0.0', correlation_id });
    await client.ok({ ...insert, ...flags });
  });

  it('[Y5] `layout_split_horizontal` and `layout_split_vertical` end at 28 levels with a conflict', async () => {
    const client = await ours.client();
    const { tab: tab_id } = await place(client);
    const [first, ...others] = await blocks(client, tab_id, LAYOUT_LEVELS + 1);
    const new_tree = leaf('n0', first!);
    await client.ok({ cmd: 'layout_set_tree', tab_id, new_tree, correlation_id });
    const split = (level: number): Message => ({
      cmd: level % 2 === 0 ? 'layout_split_vertical' : 'layout_split_horizontal',
      tab_id,
      target_id: 'n0',
      new_node: leaf(`n${level}`, others[level - 1]!),
      position: 'after',
      focus_after: false,
      correlation_id,
    });
    for (let level = 1; level < LAYOUT_LEVELS; level++) await client.ok(split(level));
    expect(await refused(client, split(LAYOUT_LEVELS))).toEqual(['conflict', 'new_node']);
  });
});

describe('how large meta is: error', () => {
  const fill = (key: string, bytes: number): Message => ({ [key]: 'x'.repeat(bytes) });

  it.each(['workspace', 'tab', 'block', 'window'])(
    '[W12] `update_%s_meta` beyond its limits is too_large',
    async (kind) => {
      const client = await ours.client();
      const { workspace, tab } = await place(client);
      const window = ulid();
      await client.ok({ cmd: 'create_window', window_id: window, workspace_id: workspace });
      const [block] = await blocks(client, tab, 1);
      const subject = { [`${kind}_id`]: { workspace, tab, block, window }[kind] };
      const update = (meta_patch: Message): Message => ({ cmd: `update_${kind}_meta`, ...subject, meta_patch });
      const tooLarge = ['too_large', 'meta_patch'];
      expect(await refused(client, update(fill('a', PATCH_BYTES)))).toEqual(tooLarge);
      const parts = ['a', 'b', 'c', 'd'];
      for (const key of parts) await client.ok(update(fill(key, META_BYTES / parts.length - 100)));
      expect(await refused(client, update(fill('e', 1_000)))).toEqual(tooLarge);
      // What shrinks it is taken.
      await client.ok(update({ a: null, ...fill('e', 1_000) }));
      let deep: Message = {};
      for (let level = 0; level < 32; level++) deep = { deep };
      expect(await refused(client, update(deep))).toEqual(['invalid_argument', 'meta_patch']);
    },
  );
});
