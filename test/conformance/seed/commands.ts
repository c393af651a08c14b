/**
 * The seed's 61 commands with the types of their fields, written down from the seed's text alone
 * (`reference/agentmux.md` B.0, B.7): the 38 that srv accepts, each as it is valid in a scene, and the 23 it does not.
 */
import type { SeedClient } from './client.ts';
import {
  createBlock,
  createTab,
  createWorkspace,
  freshId,
  leaf,
  rowOfThree,
  type Row,
  workspaceWith,
} from './suite.ts';
import type { Message } from './tables.ts';

/** `?`: an `Option` or a field with a default; everything else is mandatory. */
type Type = 'str' | 'u32' | 'u64' | 'usize' | 'bool' | 'json' | 'node' | 'list' | 'position' | 'kind';
export type FieldType = Type | `${Type}?`;

/** Something for each command to be about. */
export interface Scene {
  workspace: string;
  /** Of `workspace`, in order; the first one is active. */
  first: string;
  second: string;
  /** Has one tab, `elsewhere`. */
  other: string;
  elsewhere: string;
  /** Shows `workspace`. */
  window: string;
  /** Of `second`, parked. */
  block: string;
  row: Row;
}

export async function setScene(client: SeedClient): Promise<Scene> {
  const [workspace, first, second] = (await workspaceWith(client, 2)) as [string, string, string];
  const other = await createWorkspace(client, 'other');
  const elsewhere = await createTab(client, other);
  const window = freshId('win');
  await client.commit({ cmd: 'create_window', window_id: window, workspace_id: workspace });
  const block = await createBlock(client, second);
  return { workspace, first, second, other, elsewhere, window, block, row: await rowOfThree(client) };
}

/** For commands that nobody carries out. */
export const NO_SCENE: Scene = {
  workspace: 'w',
  first: 't1',
  second: 't2',
  other: 'v',
  elsewhere: 't3',
  window: 'win',
  block: 'b',
  row: { tab: 't4', a: {}, b: {}, c: {}, spare: 'b4', root: () => ({}) },
};

interface Accepted {
  fields: Readonly<Record<string, FieldType>>;
  of(scene: Scene): Message;
  /** Events it causes in its scene, in their order. */
  causes: readonly string[];
}

const layout = (fields: Accepted['fields'], of: (row: Row) => Message, causes: readonly string[]): Accepted => ({
  fields: { tab_id: 'str', ...fields, correlation_id: 'str' },
  of: ({ row }) => ({ tab_id: row.tab, ...of(row), correlation_id: 'c' }),
  causes,
});

const split = (direction: string) =>
  layout(
    { target_id: 'str', new_node: 'node', position: 'position', focus_after: 'bool' },
    ({ spare }) => ({ target_id: 'a', new_node: leaf('new', spare), position: 'after', focus_after: true }),
    [`layout_split_${direction}_applied`, 'focused_node_changed'],
  );

const meta = (kind: 'workspace' | 'tab' | 'block' | 'window', id: (scene: Scene) => string): Accepted => ({
  fields: { [`${kind}_id`]: 'str', meta_patch: 'json' },
  of: (scene) => ({ [`${kind}_id`]: id(scene), meta_patch: { color: 'red' } }),
  causes: [`${kind}_meta_updated`],
});

const nothing: Accepted = { fields: {}, of: () => ({}), causes: [] };

/** By name, without `cmd`. */
export const COMMANDS: Readonly<Record<string, Accepted>> = {
  register: {
    fields: { kind: 'kind', pid: 'u32', version: 'str' },
    of: () => ({ kind: 'tool', pid: 1, version: '1' }),
    causes: [],
  },
  ping: { fields: { nonce: 'u64' }, of: () => ({ nonce: 7 }), causes: ['pong'] },
  goodbye: nothing,
  get_srv_snapshot: { ...nothing, causes: ['srv_snapshot'] },
  get_events: { fields: { since: 'u64' }, of: () => ({ since: 0 }), causes: ['event_list'] },

  create_workspace: { fields: { name: 'str' }, of: () => ({ name: 'new' }), causes: ['workspace_created'] },
  delete_workspace: {
    fields: { workspace_id: 'str', force: 'bool?' },
    of: ({ workspace }) => ({ workspace_id: workspace, force: true }),
    causes: ['workspace_deleted', 'srv_window_closed'],
  },
  create_tab: {
    fields: { workspace_id: 'str', name: 'str' },
    of: ({ workspace }) => ({ workspace_id: workspace, name: 'new' }),
    causes: ['tab_created'],
  },
  delete_tab: {
    fields: { workspace_id: 'str', tab_id: 'str', force: 'bool?' },
    of: ({ workspace, first }) => ({ workspace_id: workspace, tab_id: first, force: false }),
    causes: ['tab_deleted', 'active_tab_changed'],
  },
  set_active_tab: {
    fields: { workspace_id: 'str', tab_id: 'str' },
    of: ({ workspace, second }) => ({ workspace_id: workspace, tab_id: second }),
    causes: ['active_tab_changed'],
  },
  reorder_tab: {
    fields: { workspace_id: 'str', tab_id: 'str', new_index: 'u32' },
    of: ({ workspace, first }) => ({ workspace_id: workspace, tab_id: first, new_index: 1 }),
    causes: ['tab_reordered'],
  },
  create_window: {
    fields: { window_id: 'str', workspace_id: 'str' },
    of: ({ workspace }) => ({ window_id: freshId('win'), workspace_id: workspace }),
    causes: ['srv_window_opened'],
  },
  close_window_internal: {
    fields: { window_id: 'str' },
    of: ({ window }) => ({ window_id: window }),
    causes: ['srv_window_closed'],
  },
  switch_workspace: {
    fields: { window_id: 'str', workspace_id: 'str' },
    of: ({ window, other }) => ({ window_id: window, workspace_id: other }),
    causes: ['srv_window_workspace_changed'],
  },
  reorder_tabs_bulk: {
    fields: { workspace_id: 'str', tab_ids: 'list' },
    of: ({ workspace, first, second }) => ({ workspace_id: workspace, tab_ids: [second, first] }),
    causes: ['tabs_reordered_bulk'],
  },
  rename_workspace: {
    fields: { workspace_id: 'str', name: 'str' },
    of: ({ workspace }) => ({ workspace_id: workspace, name: 'renamed' }),
    causes: ['workspace_renamed'],
  },
  rename_tab: {
    fields: { tab_id: 'str', name: 'str' },
    of: ({ first }) => ({ tab_id: first, name: 'renamed' }),
    causes: ['tab_renamed'],
  },
  update_workspace_meta: meta('workspace', ({ workspace }) => workspace),
  update_tab_meta: meta('tab', ({ first }) => first),
  update_block_meta: meta('block', ({ block }) => block),
  update_window_meta: meta('window', ({ window }) => window),
  move_tab: {
    fields: { tab_id: 'str', src_workspace_id: 'str', dst_workspace_id: 'str', dst_index: 'u32' },
    of: ({ workspace, first, other }) => ({
      tab_id: first,
      src_workspace_id: workspace,
      dst_workspace_id: other,
      dst_index: 0,
    }),
    causes: ['tab_moved'],
  },
  move_block: {
    fields: { block_id: 'str', src_tab_id: 'str', dst_tab_id: 'str', dst_index: 'u32' },
    of: ({ row, first }) => ({ block_id: blockOf(row.a), src_tab_id: row.tab, dst_tab_id: first, dst_index: 0 }),
    causes: ['layout_node_deleted', 'block_moved'],
  },
  create_block: {
    fields: { tab_id: 'str', meta: 'json?' },
    of: ({ first }) => ({ tab_id: first, meta: { view: 'term' } }),
    causes: ['block_created'],
  },
  delete_block: {
    fields: { tab_id: 'str', block_id: 'str' },
    of: ({ row }) => ({ tab_id: row.tab, block_id: blockOf(row.a) }),
    causes: ['layout_node_deleted', 'block_deleted'],
  },
  set_focused_node: {
    fields: { tab_id: 'str', node_id: 'str' },
    of: ({ row }) => ({ tab_id: row.tab, node_id: 'a' }),
    causes: ['focused_node_changed'],
  },
  set_magnified_node: {
    fields: { tab_id: 'str', node_id: 'str' },
    of: ({ row }) => ({ tab_id: row.tab, node_id: 'a' }),
    causes: ['magnified_node_changed'],
  },
  layout_insert_node: layout(
    { node: 'node', parent_id: 'str?', index: 'usize?', focus_after: 'bool', magnify_after: 'bool' },
    ({ spare }) => ({ node: leaf('new', spare), parent_id: 'r', index: 1, focus_after: true, magnify_after: true }),
    ['layout_node_inserted', 'focused_node_changed', 'magnified_node_changed'],
  ),
  layout_insert_node_at_index: layout(
    { node: 'node', index_arr: 'list', focus_after: 'bool', magnify_after: 'bool' },
    ({ spare }) => ({ node: leaf('new', spare), index_arr: [0], focus_after: true, magnify_after: true }),
    ['layout_node_inserted_at_index', 'focused_node_changed', 'magnified_node_changed'],
  ),
  layout_delete_node: layout({ node_id: 'str' }, () => ({ node_id: 'a' }), ['layout_node_deleted']),
  layout_move_node: layout(
    { node_id: 'str', new_parent_id: 'str', index: 'usize' },
    () => ({ node_id: 'a', new_parent_id: 'r', index: 2 }),
    ['layout_node_moved'],
  ),
  layout_swap_nodes: layout({ node1_id: 'str', node2_id: 'str' }, () => ({ node1_id: 'a', node2_id: 'c' }), [
    'layout_nodes_swapped',
  ]),
  layout_resize_nodes: layout({ ops: 'list' }, () => ({ ops: [{ node_id: 'a', size: 50 }] }), ['layout_nodes_resized']),
  layout_replace_node: layout(
    { target_id: 'str', new_node: 'node', focus_after: 'bool' },
    ({ spare }) => ({ target_id: 'a', new_node: leaf('new', spare), focus_after: true }),
    ['layout_node_replaced', 'focused_node_changed'],
  ),
  layout_split_horizontal: split('horizontal'),
  layout_split_vertical: split('vertical'),
  layout_clear: layout({}, () => ({}), ['layout_cleared']),
  layout_set_tree: layout({ new_tree: 'node?' }, ({ spare }) => ({ new_tree: leaf('new', spare) }), [
    'layout_tree_replaced',
  ]),
};

function blockOf(node: Message): string {
  return (node['data'] as { blockId?: string } | undefined)?.blockId ?? 'b';
}

/** Commands on the state: they leave something to see. */
export const CHANGING = Object.keys(COMMANDS).filter(
  (cmd) => !['register', 'ping', 'goodbye', 'get_srv_snapshot', 'get_events'].includes(cmd),
);

const label = 'win-2';
const hwnd = 42;
const rect = { left: -1, top: 0, right: 1, bottom: 1 };

/** The launcher's and the host's, whole. */
export const REFUSED: readonly (Message & { cmd: string })[] = [
  { cmd: 'get_snapshot' },
  { cmd: 'report_window_opened', label, kind: 'subwindow', parent_label: 'main' },
  { cmd: 'report_window_closed', label },
  { cmd: 'report_pool_window_added', label, saga_id: 1 },
  { cmd: 'report_pool_window_removed', label },
  { cmd: 'report_pool_window_promoted', label },
  { cmd: 'report_host_counts', windows: 1, pool: 1 },
  { cmd: 'report_host_pool_count', count: 1 },
  { cmd: 'report_backend_window_id_registered', label, window_id: 'w' },
  { cmd: 'report_backend_window_id_unregistered', label },
  { cmd: 'report_hwnd_opened', hwnd, class_name: 'c', title: 't', label_hint: null },
  { cmd: 'report_hwnd_destroyed', hwnd },
  { cmd: 'report_hwnd_visibility_changed', hwnd, visible: true },
  { cmd: 'report_hwnd_foreground_changed', hwnd },
  { cmd: 'report_hwnd_iconic_changed', hwnd, iconic: false },
  { cmd: 'report_hwnd_position_changed', hwnd, rect },
  { cmd: 'report_monitor_topology_changed', rects: [rect] },
  { cmd: 'spawn_pool_window', saga_id: 1 },
  { cmd: 'report_panes_reaped', label, saga_id: null },
  { cmd: 'report_pool_drain_decision', label, was_last: true, saga_id: 1 },
  { cmd: 'reap_panes', label, saga_id: 1 },
  { cmd: 'drain_pool_if_last', label, saga_id: 1 },
  { cmd: 'report_saga_action_failed', saga_id: 1, reason: 'r' },
];
