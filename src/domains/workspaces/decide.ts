/** The decider: which function answers which command. Pure; ids and what is known of sessions come in. */
import type { WorkspacesCommand } from '../../protocol/control/index.ts';
import * as blocks from './decide-blocks.ts';
import * as layout from './decide-layout.ts';
import * as tabs from './decide-tabs.ts';
import * as workspaces from './decide-workspaces.ts';
import type { Decide, WorkspacesContext, WorkspacesDecision } from './decision.ts';
import type { WorkspacesState } from './state.ts';

const DECIDE: { [K in WorkspacesCommand['cmd']]: Decide<K> } = {
  create_workspace: workspaces.createWorkspace,
  delete_workspace: workspaces.deleteWorkspace,
  rename_workspace: workspaces.renameWorkspace,
  update_workspace_meta: workspaces.updateWorkspaceMeta,
  create_window: workspaces.createWindow,
  close_window_internal: workspaces.closeWindow,
  switch_workspace: workspaces.switchWorkspace,
  update_window_meta: workspaces.updateWindowMeta,
  create_tab: tabs.createTab,
  delete_tab: tabs.deleteTab,
  rename_tab: tabs.renameTab,
  update_tab_meta: tabs.updateTabMeta,
  set_active_tab: tabs.setActiveTab,
  reorder_tab: tabs.reorderTab,
  reorder_tabs_bulk: tabs.reorderTabs,
  move_tab: tabs.moveTab,
  create_block: blocks.createBlock,
  delete_block: blocks.deleteBlock,
  move_block: blocks.moveBlock,
  update_block_meta: blocks.updateBlockMeta,
  bind_block: blocks.bindBlock,
  set_focused_node: layout.setFocusedNode,
  set_magnified_node: layout.setMagnifiedNode,
  layout_insert_node: layout.insertLayoutNode,
  layout_insert_node_at_index: layout.insertLayoutNodeAtIndex,
  layout_delete_node: layout.deleteLayoutNode,
  layout_move_node: layout.moveLayoutNode,
  layout_swap_nodes: layout.swapLayoutNodes,
  layout_resize_nodes: layout.resizeLayoutNodes,
  layout_replace_node: layout.replaceLayoutNode,
  layout_split_horizontal: layout.splitHorizontally,
  layout_split_vertical: layout.splitVertically,
  layout_clear: layout.clearLayout,
  layout_set_tree: layout.setLayoutTree,
};

export function decide(
  state: WorkspacesState,
  command: WorkspacesCommand,
  context: WorkspacesContext,
): WorkspacesDecision {
  return (DECIDE[command.cmd] as Decide<WorkspacesCommand['cmd']>)(state, command, context);
}

export function isWorkspacesCommand(command: { cmd: string }): command is WorkspacesCommand {
  return Object.hasOwn(DECIDE, command.cmd);
}
