/** What `expected_version` is compared with: when that which a command is about last changed. */
import type { WorkspacesCommand } from '../../protocol/control/index.ts';
import type { WorkspacesState } from './state.ts';

/**
 * Version of the last event about the subject of `command` – the tab for its layout, focus and blocks, the workspace
 * for its tabs, the window for itself, all of them where it has several – or undefined when it has none that exists.
 */
export function changedAt(state: WorkspacesState, command: WorkspacesCommand): number | undefined {
  const versions = [...subjects(state, command)].flatMap((subject) => subject?.changed_at ?? []);
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function* subjects(
  { workspaces, tabs, blocks, windows }: WorkspacesState,
  command: WorkspacesCommand,
): Generator<{ changed_at: number } | undefined> {
  switch (command.cmd) {
    case 'create_workspace':
      return;
    case 'delete_workspace': {
      const workspace = workspaces.get(command.workspace_id);
      yield workspace;
      for (const id of workspace?.tabs ?? []) yield tabs.get(id);
      return;
    }
    case 'delete_tab':
      yield workspaces.get(command.workspace_id);
      yield tabs.get(command.tab_id);
      return;
    case 'rename_workspace':
    case 'update_workspace_meta':
    case 'create_tab':
    case 'set_active_tab':
    case 'reorder_tab':
    case 'reorder_tabs_bulk':
      yield workspaces.get(command.workspace_id);
      return;
    case 'move_tab':
      yield workspaces.get(command.src_workspace_id);
      yield workspaces.get(command.dst_workspace_id);
      return;
    case 'create_window':
    case 'close_window_internal':
    case 'switch_workspace':
    case 'update_window_meta':
      yield windows.get(command.window_id);
      return;
    case 'move_block':
      yield tabs.get(command.src_tab_id);
      yield tabs.get(command.dst_tab_id);
      return;
    case 'update_block_meta':
    case 'bind_block':
      yield tabs.get(blocks.get(command.block_id)?.tab_id ?? '');
      return;
    default:
      yield tabs.get(command.tab_id);
  }
}
