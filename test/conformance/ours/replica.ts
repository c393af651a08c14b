/**
 * The state as a client keeps it that knows docs/CONTROL.md and nothing of srv: begun from a snapshot, moved on by the
 * events after it. Sessions are left out: the suites of the session vocabulary follow those.
 */
import type { Message } from './client.ts';

type Pairs<T> = [string, T][];
type Tree = (Message & { id: string; children?: Tree[]; data?: { blockId: string } }) | null;

interface Workspace {
  name: string;
  tabs: string[];
  active: string | null;
  meta: Message;
}
interface Tab {
  workspace: string;
  name: string;
  blocks: string[];
  tree: Tree;
  focused: string;
  magnified: string;
  meta: Message;
}
interface Block {
  tab: string;
  meta: Message;
  session: string | null;
}

interface SnapshotState {
  tab_order: Pairs<string[]>;
  block_order: Pairs<string[]>;
  layouts: Pairs<Tree>;
  focus: Pairs<{ focused: string; magnified: string }>;
  windows: Pairs<string>;
  meta: Record<'workspaces' | 'tabs' | 'blocks' | 'windows', Pairs<Message>>;
  bindings: Pairs<string>;
  connections: Pairs<Message>;
}

const sorted = <T>(map: ReadonlyMap<string, T>): Pairs<T> => [...map].sort(([one], [other]) => (one < other ? -1 : 1));
const without = (list: readonly string[], item: string): string[] => list.filter((other) => other !== item);
const withAt = (list: readonly string[], index: number, item: string): string[] =>
  without(list, item).toSpliced(index, 0, item);

function leafIds(tree: Tree): string[] {
  if (tree === null) return [];
  return tree.children === undefined ? [tree.id] : tree.children.flatMap(leafIds);
}

export class Replica {
  #lifecycle: unknown;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #tabs = new Map<string, Tab>();
  readonly #blocks = new Map<string, Block>();
  readonly #windows = new Map<string, { workspace: string; meta: Message }>();
  readonly #connections: Map<string, Message>;

  constructor(snapshot: Message) {
    const state = snapshot['state'] as SnapshotState;
    const [order, blocks, layouts] = [new Map(state.tab_order), new Map(state.block_order), new Map(state.layouts)];
    const [focus, active] = [new Map(state.focus), new Map(snapshot['active_tabs'] as Pairs<string>)];
    const meta = {
      workspaces: new Map(state.meta.workspaces),
      tabs: new Map(state.meta.tabs),
      blocks: new Map(state.meta.blocks),
      windows: new Map(state.meta.windows),
    };
    const bindings = new Map(state.bindings);
    this.#lifecycle = snapshot['lifecycle'];
    this.#connections = new Map(state.connections);
    for (const [id, name] of snapshot['workspaces'] as Pairs<string>) {
      const own = { name, tabs: order.get(id)!, active: active.get(id) ?? null, meta: meta.workspaces.get(id)! };
      this.#workspaces.set(id, own);
    }
    for (const [id, workspace, name] of snapshot['tabs'] as [string, string, string][]) {
      const own = { workspace, name, blocks: blocks.get(id)!, tree: layouts.get(id)!, meta: meta.tabs.get(id)! };
      this.#tabs.set(id, { ...own, ...focus.get(id)! });
    }
    for (const [id, tab] of snapshot['blocks'] as Pairs<string>) {
      this.#blocks.set(id, { tab, meta: meta.blocks.get(id)!, session: bindings.get(id) ?? null });
    }
    for (const [id, workspace] of state.windows) this.#windows.set(id, { workspace, meta: meta.windows.get(id)! });
  }

  apply(event: Message): void {
    const name = String(event['event']);
    const text = (field: string): string => String(event[field]);
    const tabOf = (): Tab => this.#tabs.get(text('tab_id'))!;
    const workspaceOf = (): Workspace => this.#workspaces.get(text('workspace_id'))!;
    if (name.startsWith('layout_')) {
      this.#plant(tabOf(), event['new_tree'] as Tree);
      return;
    }
    switch (name) {
      case 'process_spawned':
        this.#connections.set(text('client_id'), {
          pid: event['pid'],
          kind: event['kind'],
          version: event['client_version'],
        });
        return;
      case 'connection_closed':
        this.#connections.delete(text('client_id'));
        return;
      case 'lifecycle_phase_changed':
        this.#lifecycle = event['to'];
        return;
      case 'workspace_created':
        this.#workspaces.set(text('workspace_id'), { name: text('name'), tabs: [], active: null, meta: {} });
        return;
      case 'workspace_deleted':
        for (const tab of workspaceOf().tabs) this.#dropTab(tab);
        this.#workspaces.delete(text('workspace_id'));
        return;
      case 'workspace_renamed':
        workspaceOf().name = text('name');
        return;
      case 'workspace_meta_updated':
        workspaceOf().meta = event['meta'] as Message;
        return;
      case 'tab_created':
        this.#tabs.set(text('tab_id'), {
          workspace: text('workspace_id'),
          name: text('name'),
          blocks: [],
          tree: null,
          focused: '',
          magnified: '',
          meta: {},
        });
        workspaceOf().tabs = [...workspaceOf().tabs, text('tab_id')];
        return;
      case 'tab_deleted': {
        const workspace = workspaceOf();
        workspace.tabs = without(workspace.tabs, text('tab_id'));
        this.#dropTab(text('tab_id'));
        if (workspace.active === text('tab_id')) workspace.active = null;
        return;
      }
      case 'tab_renamed':
        tabOf().name = text('name');
        return;
      case 'tab_meta_updated':
        tabOf().meta = event['meta'] as Message;
        return;
      case 'active_tab_changed':
        workspaceOf().active = event['tab_id'] as string | null;
        return;
      case 'tab_reordered':
        workspaceOf().tabs = withAt(workspaceOf().tabs, Number(event['new_index']), text('tab_id'));
        return;
      case 'tabs_reordered_bulk':
        workspaceOf().tabs = event['tab_ids'] as string[];
        return;
      case 'tab_moved': {
        const source = this.#workspaces.get(text('src_workspace_id'))!;
        const target = this.#workspaces.get(text('dst_workspace_id'))!;
        source.tabs = without(source.tabs, text('tab_id'));
        source.active = event['new_src_active_tab_id'] as string | null;
        target.tabs = withAt(target.tabs, Number(event['dst_index']), text('tab_id'));
        target.active = event['new_dst_active_tab_id'] as string | null;
        tabOf().workspace = text('dst_workspace_id');
        return;
      }
      case 'block_created':
        this.#blocks.set(text('block_id'), {
          tab: text('tab_id'),
          meta: event['meta'] as Message,
          session: event['session_id'] as string | null,
        });
        tabOf().blocks = [...tabOf().blocks, text('block_id')];
        return;
      case 'block_deleted':
        tabOf().blocks = without(tabOf().blocks, text('block_id'));
        this.#blocks.delete(text('block_id'));
        return;
      case 'block_moved': {
        const [source, target] = [this.#tabs.get(text('src_tab_id'))!, this.#tabs.get(text('dst_tab_id'))!];
        source.blocks = without(source.blocks, text('block_id'));
        target.blocks = withAt(target.blocks, Number(event['dst_index']), text('block_id'));
        this.#blocks.get(text('block_id'))!.tab = text('dst_tab_id');
        return;
      }
      case 'block_meta_updated':
        this.#blocks.get(text('block_id'))!.meta = event['meta'] as Message;
        return;
      case 'block_bound':
        this.#blocks.get(text('block_id'))!.session = event['session_id'] as string | null;
        return;
      case 'session_removed':
        for (const block of this.#blocks.values()) if (block.session === event['session_id']) block.session = null;
        return;
      case 'srv_window_opened': {
        const meta = this.#windows.get(text('window_id'))?.meta ?? {};
        this.#windows.set(text('window_id'), { workspace: text('workspace_id'), meta });
        return;
      }
      case 'srv_window_closed':
        this.#windows.delete(text('window_id'));
        return;
      case 'srv_window_workspace_changed':
        this.#windows.get(text('window_id'))!.workspace = text('workspace_id');
        return;
      case 'window_meta_updated':
        this.#windows.get(text('window_id'))!.meta = event['meta'] as Message;
        return;
      case 'focused_node_changed':
        tabOf().focused = text('node_id');
        return;
      case 'magnified_node_changed':
        tabOf().magnified = text('node_id');
        return;
      default:
        if (!/^(?:session|agent|message)_/.test(name)) throw new Error(`an event this client does not know: ${name}`);
    }
  }

  /** As a snapshot tells it, without sessions, agents, messages, sagas and the moment. */
  facts(): Message {
    const [workspaces, tabs] = [sorted(this.#workspaces), sorted(this.#tabs)];
    const [blocks, windows] = [sorted(this.#blocks), sorted(this.#windows)];
    const metas = (things: Pairs<{ meta: Message }>): Pairs<Message> => things.map(([id, { meta }]) => [id, meta]);
    return {
      lifecycle: this.#lifecycle,
      workspaces: workspaces.map(([id, { name }]) => [id, name]),
      tabs: tabs.map(([id, { workspace, name }]) => [id, workspace, name]),
      active_tabs: workspaces.flatMap(([id, { active }]) => (active === null ? [] : [[id, active]])),
      blocks: blocks.map(([id, { tab }]) => [id, tab]),
      state: {
        tab_order: workspaces.map(([id, workspace]) => [id, workspace.tabs]),
        block_order: tabs.map(([id, tab]) => [id, tab.blocks]),
        layouts: tabs.map(([id, { tree }]) => [id, tree]),
        focus: tabs.map(([id, { focused, magnified }]) => [id, { focused, magnified }]),
        windows: windows.map(([id, { workspace }]) => [id, workspace]),
        meta: { workspaces: metas(workspaces), tabs: metas(tabs), blocks: metas(blocks), windows: metas(windows) },
        bindings: blocks.flatMap(([id, { session }]) => (session === null ? [] : [[id, session]])),
        connections: sorted(this.#connections),
      },
    };
  }

  #dropTab(id: string): void {
    for (const block of this.#tabs.get(id)!.blocks) this.#blocks.delete(block);
    this.#tabs.delete(id);
  }

  /** Focus and magnification go with their leaf: no event says so. */
  #plant(tab: Tab, tree: Tree): void {
    tab.tree = tree;
    const ids = leafIds(tree);
    if (!ids.includes(tab.focused)) tab.focused = '';
    if (!ids.includes(tab.magnified)) tab.magnified = '';
  }
}

/** What of a snapshot `Replica.facts` tells. */
export function factsOf(snapshot: Message): Message {
  const { lifecycle, workspaces, tabs, active_tabs, blocks, state } = snapshot;
  const { sessions: _sessions, agents: _agents, messages: _messages, sagas: _sagas, ...rest } = state as Message;
  return { lifecycle, workspaces, tabs, active_tabs, blocks, state: rest };
}
