/**
 * What a client of the seed knows of the wire, written down from the seed's texts alone (`reference/agentmux.md` B.0,
 * B.1, B.6): every event with exactly its fields and what they hold. Whatever a line says beside it is a violation.
 */
import type { Message } from '../line-client.ts';

export type { Message };

type Holds = (value: unknown) => boolean;

const isObject = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const str: Holds = (value) => typeof value === 'string';
const bool: Holds = (value) => typeof value === 'boolean';
const json: Holds = (value) => value !== undefined;
const whole =
  (low: number, high: number): Holds =>
  (value) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
const u32 = whole(0, 2 ** 32 - 1);
const u64 = whole(0, Number.MAX_SAFE_INTEGER);
const i32 = whole(-(2 ** 31), 2 ** 31 - 1);
const orNull =
  (holds: Holds): Holds =>
  (value) =>
    value === null || holds(value);
const oneOf =
  (...names: string[]): Holds =>
  (value) =>
    names.includes(value as string);
const list =
  (item: Holds): Holds =>
  (value) =>
    Array.isArray(value) && value.every(item);
const tuple =
  (...items: Holds[]): Holds =>
  (value) =>
    Array.isArray(value) && value.length === items.length && items.every((item, index) => item(value[index]));
const exactly =
  (fields: Readonly<Record<string, Holds>>): Holds =>
  (value) =>
    isObject(value) &&
    Object.keys(value).length === Object.keys(fields).length &&
    Object.entries(fields).every(([name, holds]) => Object.hasOwn(value, name) && holds(value[name]));

const kind = oneOf('host', 'renderer', 'srv', 'tool');
const windowKind = oneOf('full_instance', 'subwindow');
const phase = oneOf('starting', 'running', 'quitting', 'dead');
const rect = exactly({ left: i32, top: i32, right: i32, bottom: i32 });
const size: Holds = (value) => typeof value === 'number' && value > 0 && value <= 100;
const resizeOp = exactly({ node_id: str, size });
const position = oneOf('before', 'after');

/** Leaf or branch. Keys beyond these are the clients' own and free in the seed (serde's flatten). */
const node: Holds = (value) => {
  if (!isObject(value) || !str(value['id']) || !size(value['size'])) return false;
  if (!oneOf('row', 'column')(value['flexDirection'])) return false;
  const isLeaf = isObject(value['data']) && str(value['data']['blockId']);
  return isLeaf ? !Object.hasOwn(value, 'children') : !Object.hasOwn(value, 'data') && list(node)(value['children']);
};
const tree = orNull(node);
const splitApplied = {
  tab_id: str,
  target_id: str,
  new_node: node,
  position,
  new_tree: tree,
  correlation_id: str,
};

const windowSnapshot = exactly({
  label: str,
  kind: windowKind,
  parent_label: orNull(str),
  hwnd: orNull(u64),
  visible: bool,
  iconic: bool,
  last_rect: orNull(rect),
  foregrounded_since_open: bool,
});

/** Fields of every event beside `event` and `version`. */
const EVENTS: Readonly<Record<string, Readonly<Record<string, Holds>>>> = {
  registered: { client_id: u64, launcher_pid: u32, launcher_version: str },
  pong: { nonce: u64 },
  error: { code: oneOf('invalid_command', 'not_registered', 'already_registered'), message: str, fatal: bool },
  process_spawned: { pid: u32, kind, client_version: str },
  process_exited: { pid: u32, code: (value) => value === 0 },
  lifecycle_phase_changed: { from: phase, to: phase },
  snapshot: {
    lifecycle: phase,
    windows: list(windowSnapshot),
    pool: list(str),
    instance_registry: list(tuple(str, u32)),
    backend_window_ids: list(tuple(str, str)),
    monitors: list(rect),
  },
  event_list: { events: list((event) => isObject(event) && isCommitted(event) && complaint(event) === null) },
  srv_snapshot: {
    lifecycle: phase,
    workspaces: list(tuple(str, str)),
    tabs: list(tuple(str, str, str)),
    active_tabs: list(tuple(str, str)),
    blocks: list(tuple(str, str)),
  },

  window_opened: { label: str, kind: windowKind, parent_label: orNull(str) },
  window_closed: { label: str, crash_detected: bool },
  window_instance_assigned: { label: str, num: u32 },
  window_instance_released: { label: str, num: u32 },
  backend_window_id_registered: { label: str, window_id: str },
  backend_window_id_unregistered: { label: str, window_id: str },
  pool_window_added: { label: str, saga_id: orNull(u64) },
  pool_window_removed: { label: str },
  pool_window_promoted: { label: str },
  panes_reaped: { label: str, saga_id: orNull(u64) },
  pool_drained: { label: str, saga_id: orNull(u64) },
  pool_not_last: { label: str, saga_id: orNull(u64) },
  drift_detected: { kind: oneOf('windows', 'pool'), host_count: u32, mirror_count: u32 },
  hwnd_drift_detected: {
    kind: oneOf(
      'browser_without_hwnd',
      'hwnd_without_browser',
      'hidden_since_open',
      'off_monitor',
      'orphan_destroy',
      'lingering_hwnd',
      'orphan_instance',
    ),
    label: orNull(str),
    hwnd: orNull(u64),
    detail: str,
    severity: oneOf('info', 'warn', 'error'),
  },
  corrective_window_move: { hwnd: u64, target_rect: rect, reason: str },
  host_should_quit: {},

  saga_started: { saga_id: u64, name: str },
  saga_completed: { saga_id: u64 },
  saga_failed: { saga_id: u64, reason: str },
  saga_action_failed: { saga_id: u64, reason: str },

  workspace_created: { workspace_id: str, name: str },
  workspace_deleted: { workspace_id: str, block_ids: list(str) },
  workspace_renamed: { workspace_id: str, name: str },
  workspace_meta_updated: { workspace_id: str, meta_patch: json },
  tab_created: { workspace_id: str, tab_id: str, name: str },
  tab_deleted: { workspace_id: str, tab_id: str, block_ids: list(str) },
  tab_renamed: { tab_id: str, name: str },
  tab_meta_updated: { tab_id: str, meta_patch: json },
  active_tab_changed: { workspace_id: str, tab_id: orNull(str) },
  tab_reordered: { workspace_id: str, tab_id: str, new_index: u32 },
  tabs_reordered_bulk: { workspace_id: str, tab_ids: list(str) },
  tab_moved: {
    tab_id: str,
    src_workspace_id: str,
    dst_workspace_id: str,
    dst_index: u32,
    new_src_active_tab_id: orNull(str),
    new_dst_active_tab_id: orNull(str),
  },
  block_created: { tab_id: str, block_id: str, meta: json },
  block_deleted: { tab_id: str, block_id: str },
  block_moved: { block_id: str, src_tab_id: str, dst_tab_id: str, dst_index: u32 },
  block_meta_updated: { block_id: str, meta_patch: json },
  srv_window_opened: { window_id: str, workspace_id: str },
  srv_window_closed: { window_id: str },
  srv_window_workspace_changed: { window_id: str, workspace_id: str },
  window_meta_updated: { window_id: str, meta_patch: json },
  focused_node_changed: { tab_id: str, node_id: str },
  magnified_node_changed: { tab_id: str, node_id: str },

  layout_node_inserted: { tab_id: str, node, parent_id: orNull(str), index: orNull(u32), correlation_id: str },
  layout_node_inserted_at_index: { tab_id: str, node, index_arr: list(u32), new_tree: tree, correlation_id: str },
  layout_node_deleted: {
    tab_id: str,
    node_id: str,
    new_tree: tree,
    tree_cleared: bool,
    was_focused: bool,
    was_magnified: bool,
    correlation_id: str,
  },
  layout_node_moved: {
    tab_id: str,
    node_id: str,
    new_parent_id: str,
    index: u32,
    new_tree: tree,
    correlation_id: str,
  },
  layout_nodes_swapped: { tab_id: str, node1_id: str, node2_id: str, new_tree: tree, correlation_id: str },
  layout_nodes_resized: { tab_id: str, ops: list(resizeOp), new_tree: tree, correlation_id: str },
  layout_node_replaced: { tab_id: str, target_id: str, new_node: node, new_tree: tree, correlation_id: str },
  layout_split_horizontal_applied: splitApplied,
  layout_split_vertical_applied: splitApplied,
  layout_cleared: { tab_id: str, correlation_id: str },
  layout_tree_replaced: { tab_id: str, new_tree: tree, correlation_id: str },
};

const PRIVATE: ReadonlySet<string> = new Set(['registered', 'pong', 'error', 'snapshot', 'event_list', 'srv_snapshot']);

/** Part of the one ordered stream; the rest answers one connection. */
export function isCommitted({ event }: Message): boolean {
  return !PRIVATE.has(String(event));
}

/** What of a line is outside the seed; null when nothing is. */
export function complaint(message: unknown): string | null {
  if (!isObject(message)) return 'no object';
  const { event, version, ...rest } = message;
  const fields = Object.hasOwn(EVENTS, String(event)) ? EVENTS[String(event)] : undefined;
  if (typeof event !== 'string' || fields === undefined) return `no event of the seed: ${JSON.stringify(event)}`;
  if (!u64(version)) return `${event}.version`;
  for (const name of Object.keys(rest)) if (!Object.hasOwn(fields, name)) return `${event} has a field ${name}`;
  for (const [name, holds] of Object.entries(fields)) {
    if (!Object.hasOwn(rest, name)) return `${event} lacks ${name}`;
    if (!holds(rest[name])) return `${event}.${name} is ${JSON.stringify(rest[name])}`;
  }
  return null;
}
