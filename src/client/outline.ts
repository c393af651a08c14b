/** A snapshot as records, in the order people see them: what `ls` of each noun shows. */
import type { LayoutNode, SessionRecord, SrvSnapshot } from '../protocol/control/index.ts';
import type { Meta } from './change.ts';

/** srv's whole state at `version`. */
export type Snapshot = Omit<SrvSnapshot, 'event'>;

export interface WorkspaceRecord {
  id: string;
  name: string;
  /** In order. */
  tabs: string[];
  active_tab: string | null;
  windows: string[];
  meta: Meta;
}

export interface TabRecord {
  id: string;
  name: string;
  workspace_id: string;
  /** Whether it is its workspace's active one. */
  active: boolean;
  /** In order, those without a place in the layout too. */
  blocks: string[];
  layout: LayoutNode | null;
  /** Leaves of the layout; null: none. */
  focused: string | null;
  magnified: string | null;
  meta: Meta;
}

export interface BlockRecord {
  id: string;
  tab_id: string;
  workspace_id: string;
  /** Its leaf in the tab's layout; null: it is parked. */
  node_id: string | null;
  session_id: string | null;
  meta: Meta;
}

export interface WindowRecord {
  id: string;
  workspace_id: string;
  meta: Meta;
}

export interface Outline {
  version: number;
  workspaces: WorkspaceRecord[];
  /** By workspace, in order. */
  tabs: TabRecord[];
  /** By tab, in order. */
  blocks: BlockRecord[];
  windows: WindowRecord[];
  sessions: SessionRecord[];
}

export function outlineOf({ version, workspaces, tabs, active_tabs, state }: Snapshot): Outline {
  const active = new Map(active_tabs);
  const tabOrder = new Map(state.tab_order);
  const metas = {
    workspaces: new Map(state.meta.workspaces),
    tabs: new Map(state.meta.tabs),
    blocks: new Map(state.meta.blocks),
    windows: new Map(state.meta.windows),
  };
  const windows = state.windows.map(([id, workspace_id]) => ({ id, workspace_id, meta: metas.windows.get(id) ?? {} }));
  const found = tabRecords(tabs, state, metas.tabs);
  const records = workspaces.map(([id, name]) => ({
    id,
    name,
    tabs: tabOrder.get(id) ?? [],
    active_tab: active.get(id) ?? null,
    windows: windows.filter(({ workspace_id }) => workspace_id === id).map((window) => window.id),
    meta: metas.workspaces.get(id) ?? {},
  }));
  const ordered = records.flatMap((workspace) =>
    workspace.tabs.flatMap((id) => {
      const tab = found.get(id);
      return tab === undefined ? [] : [{ ...tab, active: workspace.active_tab === id }];
    }),
  );
  const bound = new Map(state.bindings);
  const blocks = ordered.flatMap((tab) => {
    const leaves = leafOf(tab.layout);
    return tab.blocks.map((id) => ({
      id,
      tab_id: tab.id,
      workspace_id: tab.workspace_id,
      node_id: leaves.get(id) ?? null,
      session_id: bound.get(id) ?? null,
      meta: metas.blocks.get(id) ?? {},
    }));
  });
  return { version, workspaces: records, tabs: ordered, blocks, windows, sessions: state.sessions };
}

function tabRecords(
  tabs: Snapshot['tabs'],
  state: Snapshot['state'],
  metas: ReadonlyMap<string, Meta>,
): Map<string, TabRecord> {
  const order = new Map(state.block_order);
  const layouts = new Map(state.layouts);
  const focus = new Map(state.focus);
  return new Map(
    tabs.map(([id, workspace_id, name]) => [
      id,
      {
        id,
        name,
        workspace_id,
        active: false,
        blocks: order.get(id) ?? [],
        layout: layouts.get(id) ?? null,
        focused: focus.get(id)?.focused || null,
        magnified: focus.get(id)?.magnified || null,
        meta: metas.get(id) ?? {},
      },
    ]),
  );
}

/** Block → its leaf. */
function leafOf(tree: LayoutNode | null): Map<string, string> {
  const leaves = new Map<string, string>();
  const walk = (node: LayoutNode): void => {
    if (node.data !== undefined) leaves.set(node.data.blockId, node.id);
    for (const child of node.children ?? []) walk(child);
  };
  if (tree !== null) walk(tree);
  return leaves;
}
