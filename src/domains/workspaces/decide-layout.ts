/** Focus, magnification and the eleven operations on the layout of a tab. */
import { type Decide, NOTHING, type WorkspacesDecision } from './decision.ts';
import {
  checkFocus,
  insertNodeAtIndex,
  type IsBlockOfTab,
  moveNode,
  replaceNode,
  resizeNodes,
  setTree,
  swapNodes,
} from './layout/index.ts';
import { groupId, inserted, settled, split, takeNodeOut, type TreeEvent, type Wanted } from './placement.ts';
import { type Tab, tabOf, type WorkspacesState } from './state.ts';

export const setFocusedNode: Decide<'set_focused_node'> = (state, { tab_id, node_id }) => {
  const tab = tabOf(state, tab_id);
  checkFocus(tab.tree, node_id);
  return tab.focused === node_id ? NOTHING : { events: [{ event: 'focused_node_changed', tab_id, node_id }] };
};

export const setMagnifiedNode: Decide<'set_magnified_node'> = (state, { tab_id, node_id }) => {
  const tab = tabOf(state, tab_id);
  checkFocus(tab.tree, node_id);
  return tab.magnified === node_id ? NOTHING : { events: [{ event: 'magnified_node_changed', tab_id, node_id }] };
};

/** A leaf names a block of its own tab; that no other leaf does, the layout sees to. */
function blocksOfTab(state: WorkspacesState, tab: Tab): IsBlockOfTab {
  return (id) => state.blocks.get(id)?.tab_id === tab.id;
}

function changed(tab: Tab, event: TreeEvent, wanted?: Wanted): WorkspacesDecision {
  return { events: settled(tab, event, wanted) };
}

export const insertLayoutNode: Decide<'layout_insert_node'> = (state, command) => {
  const tab = tabOf(state, command.tab_id);
  const { focus_after, magnify_after } = command;
  const group_id = groupId(tab, command.group_id, command.correlation_id, command.node);
  const { event, placed } = inserted(tab, { ...command, group_id }, blocksOfTab(state, tab));
  return changed(tab, event, { placed, focus_after, magnify_after });
};

export const insertLayoutNodeAtIndex: Decide<'layout_insert_node_at_index'> = (state, command) => {
  const { tab_id, node, index_arr, correlation_id, focus_after, magnify_after } = command;
  const tab = tabOf(state, tab_id);
  const group_id = groupId(tab, command.group_id, correlation_id, node);
  const { tree, placed } = insertNodeAtIndex(tab.tree, { node, index_arr, group_id }, blocksOfTab(state, tab));
  const where = { tab_id, index_arr: [...index_arr], correlation_id };
  return changed(
    tab,
    { event: 'layout_node_inserted_at_index', node: placed, new_tree: tree, ...where },
    { placed, focus_after, magnify_after },
  );
};

/** Blocks that it showed are parked. */
export const deleteLayoutNode: Decide<'layout_delete_node'> = (state, { tab_id, node_id, correlation_id }) => ({
  events: takeNodeOut(tabOf(state, tab_id), node_id, correlation_id),
});

export const moveLayoutNode: Decide<'layout_move_node'> = (state, command) => {
  const { tab_id, node_id, new_parent_id, index, correlation_id } = command;
  const tab = tabOf(state, tab_id);
  const node = { id: node_id, flexDirection: 'row' as const };
  const group_id = groupId(tab, command.group_id, correlation_id, node);
  const { tree } = moveNode(tab.tree, { node_id, new_parent_id, index, group_id });
  const facts = { tab_id, node_id, new_parent_id, index, correlation_id };
  return changed(tab, { event: 'layout_node_moved', new_tree: tree, ...facts });
};

export const swapLayoutNodes: Decide<'layout_swap_nodes'> = (state, command) => {
  const { tab_id, node1_id, node2_id, correlation_id } = command;
  const tab = tabOf(state, tab_id);
  const { tree } = swapNodes(tab.tree, { node1_id, node2_id });
  return changed(tab, { event: 'layout_nodes_swapped', tab_id, node1_id, node2_id, new_tree: tree, correlation_id });
};

export const resizeLayoutNodes: Decide<'layout_resize_nodes'> = (state, { tab_id, ops, correlation_id }) => {
  const tab = tabOf(state, tab_id);
  const { tree } = resizeNodes(tab.tree, { ops });
  return changed(tab, { event: 'layout_nodes_resized', tab_id, ops: [...ops], new_tree: tree, correlation_id });
};

export const replaceLayoutNode: Decide<'layout_replace_node'> = (state, command) => {
  const { tab_id, target_id, focus_after, correlation_id } = command;
  const tab = tabOf(state, tab_id);
  const { tree, placed } = replaceNode(tab.tree, command, blocksOfTab(state, tab));
  return changed(
    tab,
    { event: 'layout_node_replaced', tab_id, target_id, new_node: placed, new_tree: tree, correlation_id },
    { placed, focus_after },
  );
};

export const splitHorizontally: Decide<'layout_split_horizontal'> = (state, command) => splitTab(state, command, 'row');

export const splitVertically: Decide<'layout_split_vertical'> = (state, command) => splitTab(state, command, 'column');

function splitTab(
  state: WorkspacesState,
  command: Parameters<typeof splitHorizontally | typeof splitVertically>[1],
  direction: 'row' | 'column',
): WorkspacesDecision {
  const tab = tabOf(state, command.tab_id);
  const group_id = groupId(tab, command.group_id, command.correlation_id, command.new_node);
  const { event, placed } = split(tab, { ...command, direction, group_id }, blocksOfTab(state, tab));
  return changed(tab, event, { placed, focus_after: command.focus_after });
}

export const clearLayout: Decide<'layout_clear'> = (state, { tab_id, correlation_id }) =>
  changed(tabOf(state, tab_id), { event: 'layout_cleared', tab_id, correlation_id, new_tree: null });

export const setLayoutTree: Decide<'layout_set_tree'> = (state, command) => {
  const { tab_id, correlation_id } = command;
  const tab = tabOf(state, tab_id);
  const { tree } = setTree(command.new_tree ?? null, blocksOfTab(state, tab));
  return changed(tab, { event: 'layout_tree_replaced', tab_id, new_tree: tree, correlation_id });
};
