/** Committed facts about workspaces, tabs, blocks, windows and layouts (seed 2). Optional fields are there as null. */
import { z } from 'zod';
import { correlationId, flag, id, idOrNone, list, ours, title, u32 } from './fields.ts';
import { placedNode, resizeOp, splitPosition } from './layout.ts';
import { json } from './meta.ts';
import { ourEvents, seedEvents } from './variants.ts';

const newTree = placedNode.nullable().describe('The whole tree afterwards, in normal form');
const meta = { meta_patch: json, meta: ours(json).describe('The result') };
const splitApplied = {
  tab_id: id,
  target_id: id,
  new_node: placedNode,
  position: splitPosition,
  new_tree: newTree,
  correlation_id: correlationId,
};

export const LAYOUT_EVENTS = seedEvents({
  focused_node_changed: ['"": none', { tab_id: id, node_id: idOrNone }],
  magnified_node_changed: ['"": none', { tab_id: id, node_id: idOrNone }],
  layout_node_inserted: [
    'Parent and index are as the command gave them',
    {
      tab_id: id,
      node: placedNode,
      parent_id: id.nullable(),
      index: u32.nullable(),
      correlation_id: correlationId,
      new_tree: ours(newTree),
    },
  ],
  layout_node_inserted_at_index: [
    '',
    { tab_id: id, node: placedNode, index_arr: list(u32), new_tree: newTree, correlation_id: correlationId },
  ],
  layout_node_deleted: [
    '',
    {
      tab_id: id,
      node_id: id,
      new_tree: newTree,
      tree_cleared: flag.describe('It was the root'),
      was_focused: flag,
      was_magnified: flag,
      correlation_id: correlationId,
    },
  ],
  layout_node_moved: [
    '',
    { tab_id: id, node_id: id, new_parent_id: id, index: u32, new_tree: newTree, correlation_id: correlationId },
  ],
  layout_nodes_swapped: [
    '',
    { tab_id: id, node1_id: id, node2_id: id, new_tree: newTree, correlation_id: correlationId },
  ],
  layout_nodes_resized: ['', { tab_id: id, ops: list(resizeOp), new_tree: newTree, correlation_id: correlationId }],
  layout_node_replaced: [
    '',
    { tab_id: id, target_id: id, new_node: placedNode, new_tree: newTree, correlation_id: correlationId },
  ],
  layout_split_horizontal_applied: ['', splitApplied],
  layout_split_vertical_applied: ['', splitApplied],
  layout_cleared: ['', { tab_id: id, correlation_id: correlationId, new_tree: ours(z.null()) }],
  layout_tree_replaced: ['', { tab_id: id, new_tree: newTree, correlation_id: correlationId }],
});

export const WORKSPACES_EVENTS = {
  ...seedEvents({
    workspace_created: ['', { workspace_id: id, name: title }],
    workspace_deleted: ['', { workspace_id: id, block_ids: list(id).describe('The blocks that went with it') }],
    workspace_renamed: ['', { workspace_id: id, name: title }],
    workspace_meta_updated: ['', { workspace_id: id, ...meta }],
    tab_created: ['', { workspace_id: id, tab_id: id, name: title }],
    tab_deleted: ['', { workspace_id: id, tab_id: id, block_ids: list(id).describe('The blocks that went with it') }],
    tab_renamed: ['', { tab_id: id, name: title }],
    tab_meta_updated: ['', { tab_id: id, ...meta }],
    active_tab_changed: ['', { workspace_id: id, tab_id: id.nullable() }],
    tab_reordered: ['', { workspace_id: id, tab_id: id, new_index: u32.describe('After clamping') }],
    tabs_reordered_bulk: ['', { workspace_id: id, tab_ids: list(id) }],
    tab_moved: [
      '',
      {
        tab_id: id,
        src_workspace_id: id,
        dst_workspace_id: id,
        dst_index: u32.describe('After clamping'),
        new_src_active_tab_id: id.nullable(),
        new_dst_active_tab_id: id.nullable(),
        workspace_deleted: ours(flag).describe('The source goes with its last tab'),
      },
    ],
    block_created: ['', { tab_id: id, block_id: id, meta: json, session_id: ours(id.nullable()) }],
    block_deleted: ['', { tab_id: id, block_id: id }],
    block_moved: ['', { block_id: id, src_tab_id: id, dst_tab_id: id, dst_index: u32.describe('After clamping') }],
    block_meta_updated: ['', { block_id: id, ...meta }],
    srv_window_opened: ['', { window_id: id, workspace_id: id }],
    srv_window_closed: ['', { window_id: id }],
    srv_window_workspace_changed: ['', { window_id: id, workspace_id: id }],
    window_meta_updated: ['', { window_id: id, ...meta }],
  }),
  ...LAYOUT_EVENTS,
  ...ourEvents({
    block_bound: ['Null: the block has no session any more', { block_id: id, session_id: id.nullable() }],
  }),
};
