/** Committed facts about workspaces, tabs, blocks, windows and layouts, in a few words. */
import type { LayoutNode, WorkspacesEvent } from '../protocol/control/index.ts';

/** What it is about, by id, and what became of it. Undefined for an event of a newer srv. */
export function workspaceEventText(event: WorkspacesEvent): { subject: string; detail: string } | undefined {
  switch (event.event) {
    case 'workspace_created':
    case 'workspace_renamed':
      return { subject: event.workspace_id, detail: event.name };
    case 'workspace_deleted':
      return { subject: event.workspace_id, detail: count(event.block_ids.length, 'block') };
    case 'workspace_meta_updated':
      return { subject: event.workspace_id, detail: JSON.stringify(event.meta_patch) };
    case 'tab_created':
      return { subject: event.tab_id, detail: `${event.name} in ${event.workspace_id}` };
    case 'tab_deleted':
      return { subject: event.tab_id, detail: count(event.block_ids.length, 'block') };
    case 'tab_renamed':
      return { subject: event.tab_id, detail: event.name };
    case 'tab_meta_updated':
      return { subject: event.tab_id, detail: JSON.stringify(event.meta_patch) };
    case 'active_tab_changed':
      return { subject: event.workspace_id, detail: event.tab_id ?? 'none' };
    case 'tab_reordered':
      return { subject: event.tab_id, detail: `to ${event.new_index}` };
    case 'tabs_reordered_bulk':
      return { subject: event.workspace_id, detail: event.tab_ids.join(' ') };
    case 'tab_moved':
      return { subject: event.tab_id, detail: `to ${event.dst_index} of ${event.dst_workspace_id}` };
    case 'srv_window_opened':
    case 'srv_window_workspace_changed':
      return { subject: event.window_id, detail: event.workspace_id };
    case 'srv_window_closed':
      return { subject: event.window_id, detail: '' };
    case 'window_meta_updated':
      return { subject: event.window_id, detail: JSON.stringify(event.meta_patch) };
    default:
      return blockEventText(event) ?? layoutEventText(event);
  }
}

function blockEventText(event: WorkspacesEvent): { subject: string; detail: string } | undefined {
  switch (event.event) {
    case 'block_created': {
      const shows = event.session_id === null ? '' : `, shows ${event.session_id}`;
      return { subject: event.block_id, detail: `in ${event.tab_id}${shows}` };
    }
    case 'block_deleted':
      return { subject: event.block_id, detail: `in ${event.tab_id}` };
    case 'block_moved':
      return { subject: event.block_id, detail: `to ${event.dst_index} of ${event.dst_tab_id}` };
    case 'block_meta_updated':
      return { subject: event.block_id, detail: JSON.stringify(event.meta_patch) };
    case 'block_bound':
      return {
        subject: event.block_id,
        detail: event.session_id === null ? 'no session' : `shows ${event.session_id}`,
      };
    default:
      return undefined;
  }
}

function layoutEventText(event: WorkspacesEvent): { subject: string; detail: string } | undefined {
  switch (event.event) {
    case 'focused_node_changed':
    case 'magnified_node_changed':
      return { subject: event.tab_id, detail: event.node_id === '' ? 'none' : event.node_id };
    case 'layout_node_inserted':
    case 'layout_node_inserted_at_index':
      return { subject: event.tab_id, detail: `${event.node.id}, ${panes(event.new_tree)}` };
    case 'layout_node_deleted':
      return { subject: event.tab_id, detail: `${event.node_id}, ${panes(event.new_tree)}` };
    case 'layout_node_moved':
      return { subject: event.tab_id, detail: `${event.node_id} to ${event.index} of ${event.new_parent_id}` };
    case 'layout_nodes_swapped':
      return { subject: event.tab_id, detail: `${event.node1_id} ${event.node2_id}` };
    case 'layout_nodes_resized':
      return { subject: event.tab_id, detail: event.ops.map(({ node_id, size }) => `${node_id}=${size}`).join(' ') };
    case 'layout_node_replaced':
      return { subject: event.tab_id, detail: `${event.target_id} by ${event.new_node.id}` };
    case 'layout_split_horizontal_applied':
    case 'layout_split_vertical_applied':
      return { subject: event.tab_id, detail: `${event.new_node.id} ${event.position} ${event.target_id}` };
    case 'layout_cleared':
      return { subject: event.tab_id, detail: '' };
    case 'layout_tree_replaced':
      return { subject: event.tab_id, detail: panes(event.new_tree) };
    default:
      return undefined;
  }
}

function panes(tree: LayoutNode | null): string {
  const leaves = (node: LayoutNode): number =>
    node.children === undefined ? 1 : node.children.reduce((sum, child) => sum + leaves(child), 0);
  return count(tree === null ? 0 : leaves(tree), 'pane');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
