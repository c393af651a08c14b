/** Workspaces and the windows that show them. */
import type { WorkspacesEvent } from '../../protocol/control/index.ts';
import { limits } from '../../protocol/index.ts';
import { checkId, checkName, checkRoom, newId } from './check.ts';
import { type Decide, NOTHING, partFromSessions } from './decision.ts';
import { patchMeta } from './meta.ts';
import { tabOf, windowOf, workspaceOf, type WorkspacesState } from './state.ts';

export const createWorkspace: Decide<'create_workspace'> = (state, command, context) => {
  const name = checkName(command.name, `Workspace ${state.workspaces.size + 1}`);
  checkRoom('workspaces', 'workspace_id', state.workspaces.size, limits.WORKSPACES_COUNT);
  const workspace_id = newId(state.workspaces, 'workspace_id', command.workspace_id, context.ulid);
  return { events: [{ event: 'workspace_created', workspace_id, name }], result: { workspace_id, name } };
};

export const deleteWorkspace: Decide<'delete_workspace'> = (state, { workspace_id, session }, context) => {
  const workspace = state.workspaces.get(workspace_id);
  if (workspace === undefined) return { ...NOTHING, result: { deleted: false } };
  const block_ids = workspace.tabs.flatMap((id) => tabOf(state, id).blocks);
  const parted = partFromSessions(state, block_ids, session, context);
  return {
    events: [{ event: 'workspace_deleted', workspace_id, block_ids }, ...windowsClosed(state, workspace_id)],
    result: { deleted: true, ...parted },
    terminate: parted.terminated,
  };
};

/** A window does not outlive the workspace it shows. */
export function windowsClosed(state: WorkspacesState, workspaceId: string): WorkspacesEvent[] {
  const events: WorkspacesEvent[] = [];
  for (const window of state.windows.values()) {
    if (window.workspace_id === workspaceId) events.push({ event: 'srv_window_closed', window_id: window.id });
  }
  return events;
}

export const renameWorkspace: Decide<'rename_workspace'> = (state, { workspace_id, name }) => {
  const workspace = workspaceOf(state, workspace_id);
  checkName(name);
  return workspace.name === name ? NOTHING : { events: [{ event: 'workspace_renamed', workspace_id, name }] };
};

export const updateWorkspaceMeta: Decide<'update_workspace_meta'> = (state, { workspace_id, meta_patch }) => {
  const workspace = workspaceOf(state, workspace_id);
  const meta = patchMeta(workspace.meta, meta_patch);
  if (meta === null) return { ...NOTHING, result: { meta: workspace.meta } };
  return { events: [{ event: 'workspace_meta_updated', workspace_id, meta_patch, meta }], result: { meta } };
};

/** The caller mints the id; naming a known window points it at the workspace (seed 2). */
export const createWindow: Decide<'create_window'> = (state, { window_id, workspace_id }) => {
  checkId('window_id', window_id);
  workspaceOf(state, workspace_id);
  const known = state.windows.get(window_id);
  if (known?.workspace_id === workspace_id) return NOTHING;
  if (known === undefined) checkRoom('windows', 'window_id', state.windows.size, limits.WINDOWS_COUNT);
  return { events: [{ event: 'srv_window_opened', window_id, workspace_id }] };
};

export const closeWindow: Decide<'close_window_internal'> = (state, { window_id }) => {
  if (!state.windows.has(window_id)) return { ...NOTHING, result: { closed: false } };
  return { events: [{ event: 'srv_window_closed', window_id }], result: { closed: true } };
};

export const switchWorkspace: Decide<'switch_workspace'> = (state, { window_id, workspace_id }) => {
  const window = windowOf(state, window_id);
  workspaceOf(state, workspace_id);
  if (window.workspace_id === workspace_id) return NOTHING;
  return { events: [{ event: 'srv_window_workspace_changed', window_id, workspace_id }] };
};

export const updateWindowMeta: Decide<'update_window_meta'> = (state, { window_id, meta_patch }) => {
  const window = windowOf(state, window_id);
  const meta = patchMeta(window.meta, meta_patch);
  if (meta === null) return { ...NOTHING, result: { meta: window.meta } };
  return { events: [{ event: 'window_meta_updated', window_id, meta_patch, meta }], result: { meta } };
};
