/** What each committed fact makes of the state. Deterministic, in place; what an event holds is shared, never changed. */
import type { LayoutNode, SessionsEvent, WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { keepFocus, leaves } from './layout/index.ts';
import { type Block, blockOf, type Tab, tabOf, windowOf, workspaceOf, type WorkspacesState } from './state.ts';

/** The domain's own events, and the end of a session, which leaves its block without one. */
export type WorkspacesFact = WorkspacesEvent | Extract<SessionsEvent, { event: 'session_removed' }>;

type Named<K extends WorkspacesFact['event']> = Extract<WorkspacesFact, { event: K }>;
type Apply<E> = (state: WorkspacesState, event: E, version: number) => void;
type Structural = Extract<WorkspacesEvent, { new_tree: LayoutNode | null }>;

const plantTree: Apply<Structural> = (state, { tab_id, new_tree }, version) => {
  plant(state, tabOf(state, tab_id), new_tree, version);
};

const EVOLVE: { [K in WorkspacesFact['event']]: Apply<Named<K>> } = {
  workspace_created(state, { workspace_id, name }, version) {
    const empty = { tabs: [], active: null, meta: {} };
    state.workspaces.set(workspace_id, { id: workspace_id, name, ...empty, changed_at: version });
  },
  workspace_deleted(state, { workspace_id }) {
    for (const id of workspaceOf(state, workspace_id).tabs) dropTab(state, tabOf(state, id));
    state.workspaces.delete(workspace_id);
  },
  workspace_renamed(state, { workspace_id, name }, version) {
    touch(workspaceOf(state, workspace_id), version, { name });
  },
  workspace_meta_updated(state, { workspace_id, meta }, version) {
    touch(workspaceOf(state, workspace_id), version, { meta });
  },

  tab_created(state, { workspace_id, tab_id, name }, version) {
    const workspace = workspaceOf(state, workspace_id);
    const empty = { blocks: [], tree: null, focused: '', magnified: '', meta: {}, leaf_of: new Map<string, string>() };
    state.tabs.set(tab_id, { id: tab_id, workspace_id, name, ...empty, changed_at: version });
    touch(workspace, version, { tabs: [...workspace.tabs, tab_id] });
  },
  tab_deleted(state, { workspace_id, tab_id }, version) {
    const workspace = workspaceOf(state, workspace_id);
    dropTab(state, tabOf(state, tab_id));
    touch(workspace, version, { tabs: without(workspace.tabs, tab_id) });
    if (workspace.active === tab_id) workspace.active = null;
  },
  tab_renamed(state, { tab_id, name }, version) {
    touch(tabOf(state, tab_id), version, { name });
  },
  tab_meta_updated(state, { tab_id, meta }, version) {
    touch(tabOf(state, tab_id), version, { meta });
  },
  active_tab_changed(state, { workspace_id, tab_id }, version) {
    touch(workspaceOf(state, workspace_id), version, { active: tab_id });
  },
  tab_reordered(state, { workspace_id, tab_id, new_index }, version) {
    const workspace = workspaceOf(state, workspace_id);
    const tabs = withAt(without(workspace.tabs, tab_id), new_index, tab_id);
    touch(workspace, version, { tabs });
  },
  tabs_reordered_bulk(state, { workspace_id, tab_ids }, version) {
    touch(workspaceOf(state, workspace_id), version, { tabs: tab_ids });
  },
  tab_moved(state, event, version) {
    const { tab_id, src_workspace_id, dst_workspace_id, dst_index } = event;
    const [source, target] = [workspaceOf(state, src_workspace_id), workspaceOf(state, dst_workspace_id)];
    touch(source, version, { tabs: without(source.tabs, tab_id), active: event.new_src_active_tab_id });
    touch(target, version, { tabs: withAt(target.tabs, dst_index, tab_id), active: event.new_dst_active_tab_id });
    touch(tabOf(state, tab_id), version, { workspace_id: dst_workspace_id });
  },

  block_created(state, { tab_id, block_id, meta, session_id }, version) {
    const tab = tabOf(state, tab_id);
    const block: Block = { id: block_id, tab_id, meta, session: null };
    state.blocks.set(block_id, block);
    bind(state, block, session_id);
    touch(tab, version, { blocks: [...tab.blocks, block_id] });
  },
  block_deleted(state, { tab_id, block_id }, version) {
    const tab = tabOf(state, tab_id);
    dropBlock(state, block_id);
    touch(tab, version, { blocks: without(tab.blocks, block_id) });
    checkParked(tab, block_id);
  },
  block_moved(state, { block_id, src_tab_id, dst_tab_id, dst_index }, version) {
    const [source, target] = [tabOf(state, src_tab_id), tabOf(state, dst_tab_id)];
    touch(source, version, { blocks: without(source.blocks, block_id) });
    touch(target, version, { blocks: withAt(target.blocks, dst_index, block_id) });
    blockOf(state, block_id).tab_id = dst_tab_id;
    if (source !== target) checkParked(source, block_id);
  },
  block_meta_updated(state, { block_id, meta }, version) {
    const block = blockOf(state, block_id);
    block.meta = meta;
    touch(tabOf(state, block.tab_id), version);
  },
  block_bound(state, { block_id, session_id }, version) {
    const block = blockOf(state, block_id);
    bind(state, block, session_id);
    touch(tabOf(state, block.tab_id), version);
  },
  session_removed(state, { session_id }, version) {
    const block = state.blocks.get(state.bound.get(session_id) ?? '');
    if (block === undefined) return;
    bind(state, block, null);
    touch(tabOf(state, block.tab_id), version);
  },

  srv_window_opened(state, { window_id, workspace_id }, version) {
    const meta = state.windows.get(window_id)?.meta ?? {};
    state.windows.set(window_id, { id: window_id, workspace_id, meta, changed_at: version });
  },
  srv_window_closed(state, { window_id }) {
    state.windows.delete(window_id);
  },
  srv_window_workspace_changed(state, { window_id, workspace_id }, version) {
    touch(windowOf(state, window_id), version, { workspace_id });
  },
  window_meta_updated(state, { window_id, meta }, version) {
    touch(windowOf(state, window_id), version, { meta });
  },

  focused_node_changed(state, { tab_id, node_id }, version) {
    touch(tabOf(state, tab_id), version, { focused: node_id });
  },
  magnified_node_changed(state, { tab_id, node_id }, version) {
    touch(tabOf(state, tab_id), version, { magnified: node_id });
  },
  layout_node_inserted: plantTree,
  layout_node_inserted_at_index: plantTree,
  layout_node_deleted: plantTree,
  layout_node_moved: plantTree,
  layout_nodes_swapped: plantTree,
  layout_nodes_resized: plantTree,
  layout_node_replaced: plantTree,
  layout_split_horizontal_applied: plantTree,
  layout_split_vertical_applied: plantTree,
  layout_cleared: plantTree,
  layout_tree_replaced: plantTree,
};

export function evolve(state: WorkspacesState, event: WorkspacesFact, version: number): WorkspacesState {
  (EVOLVE[event.event] as Apply<WorkspacesFact>)(state, event, version);
  return state;
}

export function isWorkspacesEvent(event: { event: string }): event is WorkspacesFact {
  return Object.hasOwn(EVOLVE, event.event);
}

/** Gives a tab its tree. Focus and magnification that name no leaf of it are gone: no event says so. */
function plant(state: WorkspacesState, tab: Tab, tree: LayoutNode | null, version: number): void {
  touch(tab, version, { tree, leaf_of: leafIndex(state, tab.id, tree) });
  const { focused, magnified } = keepFocus(tree, tab);
  tab.focused = focused;
  tab.magnified = magnified;
}

/** Block → leaf. Throws `internal` unless every leaf names a block of the tab and no block has two leaves. */
export function leafIndex(state: WorkspacesState, tabId: string, tree: LayoutNode | null): Map<string, string> {
  const leafOf = new Map<string, string>();
  for (const { id, data } of leaves(tree)) {
    const block = data?.blockId ?? '';
    if (state.blocks.get(block)?.tab_id !== tabId) throw broken(`leaf "${id}" of tab "${tabId}" shows no block of it`);
    if (leafOf.has(block)) throw broken(`block "${block}" is in two leaves of tab "${tabId}"`);
    leafOf.set(block, id);
  }
  return leafOf;
}

function touch<T extends { changed_at: number }>(thing: T, version: number, fields: NoInfer<Partial<T>> = {}): void {
  Object.assign(thing, fields, { changed_at: version });
}

function checkParked(tab: Tab, blockId: string): void {
  if (tab.leaf_of.has(blockId)) throw broken(`block "${blockId}" left tab "${tab.id}" but not its layout`);
}

function broken(message: string): HoldfastError {
  return new HoldfastError('internal', message);
}

function dropTab(state: WorkspacesState, tab: Tab): void {
  for (const id of tab.blocks) dropBlock(state, id);
  state.tabs.delete(tab.id);
}

function dropBlock(state: WorkspacesState, id: string): void {
  bind(state, blockOf(state, id), null);
  state.blocks.delete(id);
}

function bind(state: WorkspacesState, block: Block, session: string | null): void {
  if (block.session !== null) state.bound.delete(block.session);
  block.session = session;
  if (session !== null) state.bound.set(session, block.id);
}

export function without(list: readonly string[], item: string): string[] {
  return list.filter((other) => other !== item);
}

function withAt(list: readonly string[], index: number, item: string): string[] {
  return [...list.slice(0, index), item, ...list.slice(index)];
}
