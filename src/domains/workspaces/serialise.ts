/** The state as JSON and back. Trees and metas are shared with it, not copied: nobody changes them. */
import { leafIndex } from './evolve.ts';
import { type Block, initialState, type Tab, type Window, type Workspace, type WorkspacesState } from './state.ts';

interface Serialised {
  workspaces: Workspace[];
  tabs: Omit<Tab, 'leaf_of'>[];
  blocks: Block[];
  windows: Window[];
}

export function serialise(state: WorkspacesState): unknown {
  const json: Serialised = {
    workspaces: Array.from(state.workspaces.values(), (workspace) => ({ ...workspace })),
    tabs: Array.from(state.tabs.values(), ({ leaf_of: _derived, ...tab }) => tab),
    blocks: Array.from(state.blocks.values(), (block) => ({ ...block })),
    windows: Array.from(state.windows.values(), (window) => ({ ...window })),
  };
  return json;
}

export function restore(json: unknown): WorkspacesState {
  const { workspaces, tabs, blocks, windows } = json as Serialised;
  const state = initialState();
  for (const workspace of workspaces) state.workspaces.set(workspace.id, { ...workspace });
  for (const window of windows) state.windows.set(window.id, { ...window });
  for (const block of blocks) {
    state.blocks.set(block.id, { ...block });
    if (block.session !== null) state.bound.set(block.session, block.id);
  }
  for (const tab of tabs) state.tabs.set(tab.id, { ...tab, leaf_of: leafIndex(state, tab.id, tab.tree) });
  return state;
}
