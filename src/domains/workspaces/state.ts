/** The state of the workspaces domain. Ids of every kind are keys of maps, never of objects: `__proto__` is an id. */
import type { LayoutNode } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';

/** A JSON object a client keeps with a thing. Never changed in place: events and states share it. */
export type Meta = Readonly<Record<string, unknown>>;

export interface Workspace {
  readonly id: string;
  name: string;
  /** In their order; replaced, never changed in place. So is `Tab.blocks`. */
  tabs: readonly string[];
  active: string | null;
  meta: Meta;
  /** Version of the last event about it. */
  changed_at: number;
}

export interface Tab {
  readonly id: string;
  workspace_id: string;
  name: string;
  /** In their order, placed or parked. */
  blocks: readonly string[];
  /** In normal form. Never changed in place. */
  tree: LayoutNode | null;
  /** Ids of leaves of the tree, or `''`. */
  focused: string;
  magnified: string;
  meta: Meta;
  /** Version of the last event about it, its blocks or its layout. */
  changed_at: number;
  /** Block → its leaf's node id, of the blocks that are placed. Derived from the tree. */
  leaf_of: ReadonlyMap<string, string>;
}

export interface Block {
  readonly id: string;
  tab_id: string;
  meta: Meta;
  /** The session it shows. */
  session: string | null;
}

export interface Window {
  readonly id: string;
  workspace_id: string;
  meta: Meta;
  changed_at: number;
}

export interface WorkspacesState {
  readonly workspaces: Map<string, Workspace>;
  readonly tabs: Map<string, Tab>;
  readonly blocks: Map<string, Block>;
  readonly windows: Map<string, Window>;
  /** Session → the one block bound to it. Derived from the blocks. */
  readonly bound: Map<string, string>;
}

export function initialState(): WorkspacesState {
  return { workspaces: new Map(), tabs: new Map(), blocks: new Map(), windows: new Map(), bound: new Map() };
}

const EXISTING = {
  workspace: 'get_srv_snapshot lists the workspaces',
  tab: 'get_srv_snapshot lists the tabs',
  block: 'get_srv_snapshot lists the blocks',
  window: 'create_window makes one known',
  node: "the tab's layout names its nodes",
  session: '"holdfast ls" lists the sessions, and bind_block takes a whole id',
};

export function missing(kind: keyof typeof EXISTING, field: string, id: string): HoldfastError {
  return new HoldfastError('not_found', `no ${kind} has the id "${id}"; ${EXISTING[kind]}`, { field });
}

export function workspaceOf(state: WorkspacesState, id: string, field = 'workspace_id'): Workspace {
  const workspace = state.workspaces.get(id);
  if (workspace === undefined) throw missing('workspace', field, id);
  return workspace;
}

export function tabOf(state: WorkspacesState, id: string, field = 'tab_id'): Tab {
  const tab = state.tabs.get(id);
  if (tab === undefined) throw missing('tab', field, id);
  return tab;
}

export function blockOf(state: WorkspacesState, id: string, field = 'block_id'): Block {
  const block = state.blocks.get(id);
  if (block === undefined) throw missing('block', field, id);
  return block;
}

export function windowOf(state: WorkspacesState, id: string): Window {
  const window = state.windows.get(id);
  if (window === undefined) throw missing('window', 'window_id', id);
  return window;
}

/** A command that names a thing and where it is must name the right place. */
export function checkTabIn(tab: Tab, workspaceId: string): void {
  if (tab.workspace_id === workspaceId) return;
  throw new HoldfastError(
    'not_found',
    `workspace "${workspaceId}" has no tab "${tab.id}": it is in workspace "${tab.workspace_id}"`,
    { field: 'tab_id', details: { workspace_id: tab.workspace_id } },
  );
}

export function checkBlockIn(block: Block, tabId: string): void {
  if (block.tab_id === tabId) return;
  throw new HoldfastError('not_found', `tab "${tabId}" has no block "${block.id}": it is in tab "${block.tab_id}"`, {
    field: 'block_id',
    details: { tab_id: block.tab_id },
  });
}
