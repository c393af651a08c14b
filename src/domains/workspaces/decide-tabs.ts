/** Tabs: their order, the active one, and their way from one workspace to another. */
import type { WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError, invalid, limits } from '../../protocol/index.ts';
import { checkName, checkRoom, newId } from './check.ts';
import { windowsClosed } from './decide-workspaces.ts';
import { type Decide, NOTHING, partFromSessions } from './decision.ts';
import { without } from './evolve.ts';
import { patchMeta } from './meta.ts';
import { checkTabIn, missing, tabOf, type Workspace, workspaceOf } from './state.ts';

export const createTab: Decide<'create_tab'> = (state, command, context) => {
  const workspace = workspaceOf(state, command.workspace_id);
  const workspace_id = workspace.id;
  const name = checkName(command.name, `Tab ${workspace.tabs.length + 1}`);
  checkRoom('tabs of this workspace', 'workspace_id', workspace.tabs.length, limits.TABS_PER_WORKSPACE);
  const tab_id = newId(state.tabs, 'tab_id', command.tab_id, context.ulid);
  const events: WorkspacesEvent[] = [{ event: 'tab_created', workspace_id, tab_id, name }];
  if (workspace.active === null) events.push({ event: 'active_tab_changed', workspace_id, tab_id });
  return { events, result: { tab_id, name } };
};

export const deleteTab: Decide<'delete_tab'> = (state, { workspace_id, tab_id, force, session }, context) => {
  const tab = state.tabs.get(tab_id);
  if (tab === undefined) return { ...NOTHING, result: { deleted: false } };
  const workspace = workspaceOf(state, workspace_id);
  checkTabIn(tab, workspace_id);
  if (workspace.tabs.length === 1 && force !== true) {
    const message = `"${tab_id}" is the last tab of workspace "${workspace_id}": delete the workspace, or use force`;
    throw new HoldfastError('conflict', message, { field: 'force' });
  }
  const parted = partFromSessions(state, tab.blocks, session, context);
  const events: WorkspacesEvent[] = [{ event: 'tab_deleted', workspace_id, tab_id, block_ids: [...tab.blocks] }];
  if (workspace.active === tab_id) {
    events.push({ event: 'active_tab_changed', workspace_id, tab_id: neighbour(workspace, tab_id) });
  }
  return { events, result: { deleted: true, ...parted }, terminate: parted.terminated };
};

/** The tab that takes its place, else the one before it. */
function neighbour(workspace: Workspace, tabId: string): string | null {
  const index = workspace.tabs.indexOf(tabId);
  return workspace.tabs[index + 1] ?? workspace.tabs[index - 1] ?? null;
}

export const renameTab: Decide<'rename_tab'> = (state, { tab_id, name }) => {
  const tab = tabOf(state, tab_id);
  checkName(name);
  return tab.name === name ? NOTHING : { events: [{ event: 'tab_renamed', tab_id, name }] };
};

export const updateTabMeta: Decide<'update_tab_meta'> = (state, { tab_id, meta_patch }) => {
  const tab = tabOf(state, tab_id);
  const meta = patchMeta(tab.meta, meta_patch);
  if (meta === null) return { ...NOTHING, result: { meta: tab.meta } };
  return { events: [{ event: 'tab_meta_updated', tab_id, meta_patch, meta }], result: { meta } };
};

export const setActiveTab: Decide<'set_active_tab'> = (state, { workspace_id, tab_id }) => {
  const workspace = workspaceOf(state, workspace_id);
  checkTabIn(tabOf(state, tab_id), workspace_id);
  if (workspace.active === tab_id) return NOTHING;
  return { events: [{ event: 'active_tab_changed', workspace_id, tab_id }] };
};

export const reorderTab: Decide<'reorder_tab'> = (state, command) => {
  const { workspace_id, tab_id } = command;
  const { tabs } = workspaceOf(state, workspace_id);
  checkTabIn(tabOf(state, tab_id), workspace_id);
  const new_index = Math.min(command.new_index, tabs.length - 1);
  const result = { new_index };
  if (tabs[new_index] === tab_id) return { ...NOTHING, result };
  return { events: [{ event: 'tab_reordered', workspace_id, tab_id, new_index }], result };
};

export const reorderTabs: Decide<'reorder_tabs_bulk'> = (state, { workspace_id, tab_ids }) => {
  const { tabs } = workspaceOf(state, workspace_id);
  const named = new Set<string>();
  for (const [index, id] of tab_ids.entries()) {
    const field = `tab_ids[${index}]`;
    if (named.has(id)) throw invalid(field, `the tab "${id}" is named twice`);
    named.add(id);
    if (state.tabs.get(id)?.workspace_id !== workspace_id) throw missing('tab', field, id);
  }
  const forgotten = tabs.find((id) => !named.has(id));
  if (forgotten !== undefined) {
    const message = `the tab "${forgotten}" is not named: give every tab of the workspace once`;
    throw new HoldfastError('conflict', message, { field: 'tab_ids' });
  }
  if (tabs.every((id, index) => id === tab_ids[index])) return NOTHING;
  return { events: [{ event: 'tabs_reordered_bulk', workspace_id, tab_ids: [...tab_ids] }] };
};

export const moveTab: Decide<'move_tab'> = (state, command) => {
  const { tab_id, src_workspace_id, dst_workspace_id, fallback } = command;
  if (src_workspace_id === dst_workspace_id) {
    throw invalid('dst_workspace_id', 'source and destination are one workspace: use reorder_tab');
  }
  const source = workspaceOf(state, src_workspace_id, 'src_workspace_id');
  const target = workspaceOf(state, dst_workspace_id, 'dst_workspace_id');
  checkTabIn(tabOf(state, tab_id), src_workspace_id);
  checkRoom('tabs of that workspace', 'dst_workspace_id', target.tabs.length, limits.TABS_PER_WORKSPACE);
  const last = source.tabs.length === 1;
  if (last && fallback === undefined) {
    const message = `"${tab_id}" is the last tab of workspace "${src_workspace_id}": say fallback "delete_workspace" or "allow_empty"`;
    throw new HoldfastError('conflict', message, { field: 'fallback' });
  }
  const dst_index = Math.min(command.dst_index, target.tabs.length);
  const workspace_deleted = last && fallback === 'delete_workspace';
  const rest = without(source.tabs, tab_id);
  const moved: WorkspacesEvent = {
    event: 'tab_moved',
    tab_id,
    src_workspace_id,
    dst_workspace_id,
    dst_index,
    new_src_active_tab_id: source.active === tab_id ? (rest[0] ?? null) : source.active,
    new_dst_active_tab_id: tab_id,
    workspace_deleted,
  };
  const gone: WorkspacesEvent[] = workspace_deleted
    ? [
        { event: 'workspace_deleted', workspace_id: src_workspace_id, block_ids: [] },
        ...windowsClosed(state, src_workspace_id),
      ]
    : [];
  return { events: [moved, ...gone], result: { dst_index, workspace_deleted } };
};
