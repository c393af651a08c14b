/** Committed facts about workspaces, tabs, blocks, windows and layouts (seed 2). Optional fields are there as null. */
import { z } from 'zod';
import { correlationId, flag, id, idOrNone, list, ours, title, u32 } from './fields.ts';
import { layoutNode, resizeOp, splitPosition } from './layout.ts';
import { json } from './meta.ts';

/** A tree in normal form: every node has its size. Null when the tab has none. */
const newTree = layoutNode.nullable();
const tabId = id;

const meta = { meta_patch: json, meta: ours(json) };
const splitApplied = {
  tab_id: tabId,
  target_id: id,
  new_node: layoutNode,
  position: splitPosition,
  new_tree: newTree,
  correlation_id: correlationId,
};

export const LAYOUT_EVENTS = {
  focused_node_changed: z.object({ event: z.literal('focused_node_changed'), tab_id: tabId, node_id: idOrNone }),
  magnified_node_changed: z.object({ event: z.literal('magnified_node_changed'), tab_id: tabId, node_id: idOrNone }),
  layout_node_inserted: z.object({
    event: z.literal('layout_node_inserted'),
    tab_id: tabId,
    node: layoutNode,
    parent_id: id.nullable(),
    index: u32.nullable(),
    correlation_id: correlationId,
    new_tree: ours(newTree),
  }),
  layout_node_inserted_at_index: z.object({
    event: z.literal('layout_node_inserted_at_index'),
    tab_id: tabId,
    node: layoutNode,
    index_arr: list(u32),
    new_tree: newTree,
    correlation_id: correlationId,
  }),
  layout_node_deleted: z.object({
    event: z.literal('layout_node_deleted'),
    tab_id: tabId,
    node_id: id,
    new_tree: newTree,
    tree_cleared: flag,
    was_focused: flag,
    was_magnified: flag,
    correlation_id: correlationId,
  }),
  layout_node_moved: z.object({
    event: z.literal('layout_node_moved'),
    tab_id: tabId,
    node_id: id,
    new_parent_id: id,
    index: u32,
    new_tree: newTree,
    correlation_id: correlationId,
  }),
  layout_nodes_swapped: z.object({
    event: z.literal('layout_nodes_swapped'),
    tab_id: tabId,
    node1_id: id,
    node2_id: id,
    new_tree: newTree,
    correlation_id: correlationId,
  }),
  layout_nodes_resized: z.object({
    event: z.literal('layout_nodes_resized'),
    tab_id: tabId,
    ops: list(resizeOp),
    new_tree: newTree,
    correlation_id: correlationId,
  }),
  layout_node_replaced: z.object({
    event: z.literal('layout_node_replaced'),
    tab_id: tabId,
    target_id: id,
    new_node: layoutNode,
    new_tree: newTree,
    correlation_id: correlationId,
  }),
  layout_split_horizontal_applied: z.object({ event: z.literal('layout_split_horizontal_applied'), ...splitApplied }),
  layout_split_vertical_applied: z.object({ event: z.literal('layout_split_vertical_applied'), ...splitApplied }),
  layout_cleared: z.object({
    event: z.literal('layout_cleared'),
    tab_id: tabId,
    correlation_id: correlationId,
    new_tree: ours(z.null()),
  }),
  layout_tree_replaced: z.object({
    event: z.literal('layout_tree_replaced'),
    tab_id: tabId,
    new_tree: newTree,
    correlation_id: correlationId,
  }),
};

export const WORKSPACES_EVENTS = {
  workspace_created: z.object({ event: z.literal('workspace_created'), workspace_id: id, name: title }),
  workspace_deleted: z.object({ event: z.literal('workspace_deleted'), workspace_id: id, block_ids: list(id) }),
  workspace_renamed: z.object({ event: z.literal('workspace_renamed'), workspace_id: id, name: title }),
  workspace_meta_updated: z.object({ event: z.literal('workspace_meta_updated'), workspace_id: id, ...meta }),
  tab_created: z.object({ event: z.literal('tab_created'), workspace_id: id, tab_id: id, name: title }),
  tab_deleted: z.object({ event: z.literal('tab_deleted'), workspace_id: id, tab_id: id, block_ids: list(id) }),
  tab_renamed: z.object({ event: z.literal('tab_renamed'), tab_id: id, name: title }),
  tab_meta_updated: z.object({ event: z.literal('tab_meta_updated'), tab_id: id, ...meta }),
  active_tab_changed: z.object({
    event: z.literal('active_tab_changed'),
    workspace_id: id,
    tab_id: id.nullable(),
  }),
  tab_reordered: z.object({ event: z.literal('tab_reordered'), workspace_id: id, tab_id: id, new_index: u32 }),
  tabs_reordered_bulk: z.object({ event: z.literal('tabs_reordered_bulk'), workspace_id: id, tab_ids: list(id) }),
  tab_moved: z.object({
    event: z.literal('tab_moved'),
    tab_id: id,
    src_workspace_id: id,
    dst_workspace_id: id,
    dst_index: u32,
    new_src_active_tab_id: id.nullable(),
    new_dst_active_tab_id: id.nullable(),
    /** The source went with its last tab; `workspace_deleted` follows in the same commit. */
    workspace_deleted: ours(flag),
  }),
  block_created: z.object({
    event: z.literal('block_created'),
    tab_id: id,
    block_id: id,
    meta: json,
    session_id: ours(id.nullable()),
  }),
  block_deleted: z.object({ event: z.literal('block_deleted'), tab_id: id, block_id: id }),
  block_moved: z.object({
    event: z.literal('block_moved'),
    block_id: id,
    src_tab_id: id,
    dst_tab_id: id,
    dst_index: u32,
  }),
  block_meta_updated: z.object({ event: z.literal('block_meta_updated'), block_id: id, ...meta }),
  srv_window_opened: z.object({ event: z.literal('srv_window_opened'), window_id: id, workspace_id: id }),
  srv_window_closed: z.object({ event: z.literal('srv_window_closed'), window_id: id }),
  srv_window_workspace_changed: z.object({
    event: z.literal('srv_window_workspace_changed'),
    window_id: id,
    workspace_id: id,
  }),
  window_meta_updated: z.object({ event: z.literal('window_meta_updated'), window_id: id, ...meta }),
  ...LAYOUT_EVENTS,
  block_bound: ours(z.object({ event: z.literal('block_bound'), block_id: id, session_id: id.nullable() })),
};
