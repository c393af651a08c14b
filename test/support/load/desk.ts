/**
 * What one load client works on: a workspace of its own with tabs, blocks, layouts and windows, and what all share. Each
 * command leaves a mark in its event that no other command leaves.
 */
import type { Random } from '../random.ts';
import { DeskTab } from './desk-tab.ts';
import { type Draft, draft } from './draft.ts';

/** Made before the load, for all clients. */
export interface Shared {
  workspace: string;
  tab: string;
  session: string;
}

const LEAVES = 6;
const BLOCKS = 8;
const TABS = 3;
const WINDOWS = 2;

type Op = (mark: string) => Draft | null;

export class Desk {
  readonly #name: string;
  readonly #random: Random;
  readonly #shared: Shared;
  readonly #workspace: string;
  readonly #tabs: DeskTab[] = [];
  readonly #windows: string[] = [];
  /** Blocks of its own in the shared tab. */
  readonly #guests: string[] = [];
  readonly #ops: Op[];
  #count = 0;

  constructor(name: string, random: Random, shared: Shared) {
    this.#name = name;
    this.#random = random;
    this.#shared = shared;
    this.#workspace = `${name}-w`;
    this.#ops = [
      (mark) => this.#createBlock(mark),
      (mark) => this.#createBlock(mark),
      (mark) => this.#splitOff(mark),
      (mark) => this.#deleteBlock(mark),
      (mark) => this.#park(mark),
      (mark) => this.#insert(mark),
      (mark) => this.#insert(mark),
      (mark) => this.#replace(mark),
      (mark) => this.#move(mark),
      (mark) => this.#swap(mark),
      (mark) => this.#resize(mark),
      (mark) => this.#setTree(mark),
      (mark) => this.#focus(mark),
      (mark) => this.#createTab(mark),
      (mark) => this.#deleteTab(mark),
      (mark) => this.#moveBlock(mark),
      (mark) => this.#renameTab(mark),
      (mark) => this.#renameShared(mark),
      (mark) => this.#patchBlock(mark),
      (mark) => this.#patchShared(mark),
      (mark) => this.#renameSession(mark),
      (mark) => this.#visit(mark),
      (mark) => this.#window(mark),
    ];
  }

  /** What it needs to begin. */
  first(): Draft[] {
    return [
      draft('create_workspace', { workspace_id: this.#workspace, name: this.#name }, 'workspace_created.workspace_id', {
        value: this.#workspace,
      }),
      this.#newTab(`${this.#name}-t`),
    ];
  }

  next(): Draft {
    for (;;) {
      const drafted = this.#ops[this.#random(this.#ops.length)]!(`${this.#name}-${this.#count}`);
      if (drafted === null) continue;
      this.#count++;
      return drafted;
    }
  }

  #tab(): DeskTab {
    return this.#tabs[this.#random(this.#tabs.length)]!;
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#random(Math.max(1, from.length))];
  }

  #newTab(id: string): Draft {
    return draft('create_tab', { workspace_id: this.#workspace, tab_id: id, name: '' }, 'tab_created.tab_id', {
      value: id,
      done: () => void this.#tabs.push(new DeskTab(id)),
    });
  }

  #createTab(mark: string): Draft | null {
    return this.#tabs.length < TABS ? this.#newTab(mark) : null;
  }

  #deleteTab(_mark: string): Draft | null {
    const tab = this.#tab();
    if (this.#tabs.length < 2 || this.#random(4) > 0) return null;
    // Nobody touches it any more, whatever becomes of this.
    this.#tabs.splice(this.#tabs.indexOf(tab), 1);
    return draft('delete_tab', { workspace_id: this.#workspace, tab_id: tab.id, force: true }, 'tab_deleted.tab_id', {
      value: tab.id,
    });
  }

  #createBlock(mark: string): Draft | null {
    const tab = this.#tab();
    if (tab.blocks.length >= BLOCKS) return null;
    const place =
      tab.leaves.length < LEAVES && this.#random(3) > 0 ? { place: { node_id: mark, correlation_id: mark } } : {};
    return draft(
      'create_block',
      { tab_id: tab.id, block_id: mark, meta: { by: mark }, ...place },
      'block_created.block_id',
      {
        value: mark,
        done: () => ('place' in place ? tab.leaves.push({ node: mark, block: mark }) : tab.parked.push(mark)),
      },
    );
  }

  /** Creates a block beside another one. */
  #splitOff(mark: string): Draft | null {
    const tab = this.#tab();
    const target = this.#pick(tab.leaves);
    if (target === undefined || tab.leaves.length >= LEAVES) return null;
    const place = {
      node_id: mark,
      target_id: target.node,
      direction: this.#random(2) === 0 ? 'row' : 'column',
      position: this.#random(2) === 0 ? 'before' : 'after',
      focus_after: this.#random(2) === 0,
      correlation_id: mark,
    };
    return draft('create_block', { tab_id: tab.id, block_id: mark, place }, 'block_created.block_id', {
      value: mark,
      done: () => tab.leaves.push({ node: mark, block: mark }),
    });
  }

  #deleteBlock(_mark: string): Draft | null {
    const tab = this.#tab();
    const block = this.#pick(tab.blocks);
    if (block === undefined) return null;
    tab.forget(block);
    return draft('delete_block', { tab_id: tab.id, block_id: block }, 'block_deleted.block_id', { value: block });
  }

  #park(mark: string): Draft | null {
    const tab = this.#tab();
    const leaf = this.#pick(tab.leaves);
    if (leaf === undefined) return null;
    tab.forget(leaf.block);
    return draft(
      'layout_delete_node',
      { tab_id: tab.id, node_id: leaf.node, correlation_id: mark },
      'layout_node_deleted.correlation_id',
      {
        value: mark,
        done: () => tab.parked.push(leaf.block),
      },
    );
  }

  /** Puts a parked block back: by one of three commands. */
  #insert(mark: string): Draft | null {
    const tab = this.#tab();
    const block = this.#pick(tab.parked);
    if (block === undefined || tab.leaves.length >= LEAVES) return null;
    const node = { id: mark, flexDirection: 'row', data: { blockId: block, by: mark } };
    const common = { tab_id: tab.id, focus_after: this.#random(2) === 0, correlation_id: mark };
    const target = this.#pick(tab.leaves);
    const way = target === undefined ? 0 : this.#random(4);
    tab.forget(block);
    const done = (): void => void tab.leaves.push({ node: mark, block });
    if (way < 2) {
      const magnify_after = this.#random(4) === 0;
      return way === 0
        ? draft('layout_insert_node', { ...common, node, magnify_after }, 'layout_node_inserted.correlation_id', {
            value: mark,
            done,
          })
        : draft(
            'layout_insert_node_at_index',
            { ...common, node, magnify_after, index_arr: [this.#random(3), this.#random(3)] },
            'layout_node_inserted_at_index.correlation_id',
            { value: mark, done },
          );
    }
    const [cmd, event] =
      way === 2
        ? ['layout_split_horizontal', 'layout_split_horizontal_applied']
        : ['layout_split_vertical', 'layout_split_vertical_applied'];
    return draft(
      cmd,
      { ...common, new_node: node, target_id: target!.node, position: 'after' },
      `${event}.correlation_id`,
      { value: mark, done },
    );
  }

  #replace(mark: string): Draft | null {
    const tab = this.#tab();
    const [leaf, block] = [this.#pick(tab.leaves), this.#pick(tab.parked)];
    if (leaf === undefined || block === undefined) return null;
    const new_node = { id: mark, flexDirection: 'row', data: { blockId: block } };
    tab.forget(leaf.block);
    tab.forget(block);
    return draft(
      'layout_replace_node',
      { tab_id: tab.id, target_id: leaf.node, new_node, focus_after: false, correlation_id: mark },
      'layout_node_replaced.correlation_id',
      {
        value: mark,
        done: () => {
          tab.leaves.push({ node: mark, block });
          tab.parked.push(leaf.block);
        },
      },
    );
  }

  #move(mark: string): Draft | null {
    const tab = this.#tab();
    const [leaf, parent] = [this.#pick(tab.leaves), this.#pick(tab.leaves)];
    if (leaf === undefined || parent === undefined || leaf === parent) return null;
    return draft('layout_move_node', {
      tab_id: tab.id,
      node_id: leaf.node,
      new_parent_id: parent.node,
      index: this.#random(3),
      correlation_id: mark,
    });
  }

  #swap(mark: string): Draft | null {
    const tab = this.#tab();
    const [one, other] = [this.#pick(tab.leaves), this.#pick(tab.leaves)];
    if (one === undefined || other === undefined || one === other) return null;
    return draft(
      'layout_swap_nodes',
      { tab_id: tab.id, node1_id: one.node, node2_id: other.node, correlation_id: mark },
      'layout_nodes_swapped.correlation_id',
      { value: mark },
    );
  }

  #resize(mark: string): Draft | null {
    const tab = this.#tab();
    const leaf = this.#pick(tab.leaves);
    if (leaf === undefined || tab.leaves.length < 2) return null;
    const ops = [{ node_id: leaf.node, size: 1 + this.#random(1_000_000) / 16_384 }];
    return draft(
      'layout_resize_nodes',
      { tab_id: tab.id, ops, correlation_id: mark },
      'layout_nodes_resized.correlation_id',
      { value: mark },
    );
  }

  #setTree(mark: string): Draft | null {
    const tab = this.#tab();
    if (this.#random(3) > 0) return null;
    const blocks = tab.blocks.slice(0, LEAVES);
    const leaves = blocks.map((block, at) => ({ node: `${mark}.${at}`, block }));
    const children = leaves.map(({ node, block }) => ({
      id: node,
      flexDirection: 'column',
      size: 10,
      data: { blockId: block },
    }));
    const rest = tab.blocks.filter((block) => !blocks.includes(block));
    const new_tree = children.length < 2 ? null : { id: mark, flexDirection: 'row', size: 10, children };
    const empty = new_tree === null;
    tab.leaves = [];
    tab.parked = [];
    return draft(
      empty ? 'layout_clear' : 'layout_set_tree',
      { tab_id: tab.id, correlation_id: mark, ...(empty ? {} : { new_tree }) },
      empty ? null : 'layout_tree_replaced.correlation_id',
      {
        value: mark,
        done: () => {
          tab.leaves.push(...(empty ? [] : leaves));
          tab.parked.push(...(empty ? blocks : rest));
        },
      },
    );
  }

  #focus(_mark: string): Draft | null {
    const tab = this.#tab();
    const node_id = this.#random(4) === 0 ? '' : this.#pick(tab.leaves)?.node;
    if (node_id === undefined) return null;
    return draft(this.#random(2) === 0 ? 'set_focused_node' : 'set_magnified_node', { tab_id: tab.id, node_id });
  }

  #moveBlock(_mark: string): Draft | null {
    const [source, target] = [this.#tab(), this.#tab()];
    const block = this.#pick(source.blocks);
    if (block === undefined || target.blocks.length >= BLOCKS || source === target) return null;
    source.forget(block);
    return draft(
      'move_block',
      { block_id: block, src_tab_id: source.id, dst_tab_id: target.id, dst_index: this.#random(4) },
      null,
      {
        done: () => target.parked.push(block),
      },
    );
  }

  #renameTab(mark: string): Draft {
    return draft('rename_tab', { tab_id: this.#tab().id, name: mark }, 'tab_renamed.name', { value: mark });
  }

  #renameShared(mark: string): Draft {
    return this.#random(2) === 0
      ? draft('rename_tab', { tab_id: this.#shared.tab, name: mark }, 'tab_renamed.name', { value: mark })
      : draft('rename_workspace', { workspace_id: this.#shared.workspace, name: mark }, 'workspace_renamed.name', {
          value: mark,
        });
  }

  #patchBlock(mark: string): Draft | null {
    const block = this.#pick(this.#tab().parked);
    if (block === undefined) return null;
    return draft(
      'update_block_meta',
      { block_id: block, meta_patch: { mark, by: null } },
      'block_meta_updated.meta_patch.mark',
      { value: mark },
    );
  }

  #patchShared(mark: string): Draft {
    return draft(
      'update_tab_meta',
      { tab_id: this.#shared.tab, meta_patch: { mark, [this.#name]: this.#random(9) } },
      'tab_meta_updated.meta_patch.mark',
      { value: mark },
    );
  }

  #renameSession(mark: string): Draft {
    return draft('rename_session', { session: this.#shared.session, name: mark }, 'session_renamed.name', {
      value: mark,
    });
  }

  /** Comes to the shared tab's layout, or goes. */
  #visit(mark: string): Draft {
    const guest = this.#guests.pop();
    const tab_id = this.#shared.tab;
    if (guest !== undefined)
      return draft('delete_block', { tab_id, block_id: guest }, 'block_deleted.block_id', { value: guest });
    return draft(
      'create_block',
      { tab_id, block_id: mark, place: { correlation_id: mark } },
      'block_created.block_id',
      {
        value: mark,
        // What was given up may have filled it.
        mayBeRefused: ['conflict'],
        done: () => this.#guests.push(mark),
      },
    );
  }

  #window(mark: string): Draft {
    if (this.#windows.length < WINDOWS) {
      return draft('create_window', { window_id: mark, workspace_id: this.#workspace }, 'srv_window_opened.window_id', {
        value: mark,
        mayBeRefused: ['conflict'],
        done: () => this.#windows.push(mark),
      });
    }
    const window_id = this.#windows.pop()!;
    return draft('close_window_internal', { window_id }, 'srv_window_closed.window_id', { value: window_id });
  }
}
