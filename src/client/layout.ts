import type { FlexDirection, LayoutNode, ResizeOp, SplitPosition } from '../protocol/control/index.ts';
import { HoldfastError } from '../protocol/index.ts';
import { type Changed, changed, given } from './change.ts';
import type { CallOptions, ChangeOptions } from './control-calls.ts';
import type { NounContext } from './places.ts';

/** What every layout operation takes beside its own: `correlationId` comes back in its event. */
export interface LayoutOptions extends ChangeOptions {
  /** Default "". */
  correlationId?: string | undefined;
}

export interface PlacingOptions extends LayoutOptions {
  /** Focuses what was placed. Default true. */
  focusAfter?: boolean | undefined;
  /** Id of a group that the operation makes; else one is derived. */
  groupId?: string | undefined;
}

export interface InsertOptions extends PlacingOptions {
  /** Magnifies and focuses what was placed. Default false. */
  magnifyAfter?: boolean | undefined;
}

export interface SplitTarget {
  /** The node whose slot the new one shares. */
  beside: string;
  /** `row`: side by side. */
  direction: FlexDirection;
  position: SplitPosition;
  /** Of the new node, on the scale of the target's; half of it unless given. */
  size?: number | undefined;
}

/** The tree of a tab: what is where. Each operation is whole or refused; blocks whose leaves go are parked. */
export class Layout {
  readonly #context: NounContext;

  constructor(context: NounContext) {
    this.#context = context;
  }

  /** Null when nothing is placed. */
  async get(tab: string, options: CallOptions = {}): Promise<LayoutNode | null> {
    const { tabs } = await this.#context.outline(options);
    const found = tabs.find(({ id }) => id === tab);
    if (found === undefined) throw new HoldfastError('not_found', `there is no tab "${tab}"`, { field: 'tab_id' });
    return found.layout;
  }

  /** Into a parent, at its index or the end; without a parent where there is room. */
  async insert(
    tab: string,
    node: LayoutNode,
    at: { parent?: string | undefined; index?: number | undefined } = {},
    options: InsertOptions = {},
  ): Promise<Changed> {
    const [placing, rest] = inserting(options);
    const where = given({ parent_id: at.parent, index: at.index });
    return this.#change({ cmd: 'layout_insert_node', tab_id: tab, node, ...where, ...placing }, rest);
  }

  /** `path`: which child on each level, each clamped; the node comes after the last one named. */
  async insertAt(
    tab: string,
    node: LayoutNode,
    path: readonly number[],
    options: InsertOptions = {},
  ): Promise<Changed> {
    const [placing, rest] = inserting(options);
    return this.#change(
      { cmd: 'layout_insert_node_at_index', tab_id: tab, node, index_arr: [...path], ...placing },
      rest,
    );
  }

  /** Beside a node, which shares its slot. */
  async split(tab: string, node: LayoutNode, target: SplitTarget, options: PlacingOptions = {}): Promise<Changed> {
    const { focusAfter = true, groupId, correlationId = '', ...rest } = options;
    const cmd = target.direction === 'row' ? 'layout_split_horizontal' : 'layout_split_vertical';
    return this.#change(
      {
        cmd,
        tab_id: tab,
        target_id: target.beside,
        new_node: node,
        position: target.position,
        focus_after: focusAfter,
        correlation_id: correlationId,
        ...given({ size: target.size, group_id: groupId }),
      },
      rest,
    );
  }

  async delete(tab: string, node: string, options: LayoutOptions = {}): Promise<Changed> {
    const [correlation, rest] = correlated(options);
    return this.#change({ cmd: 'layout_delete_node', tab_id: tab, node_id: node, ...correlation }, rest);
  }

  /** A leaf as parent becomes a group; the node keeps its size. */
  async move(
    tab: string,
    node: string,
    to: { parent: string; index: number },
    options: LayoutOptions & { groupId?: string | undefined } = {},
  ): Promise<Changed> {
    const { groupId, ...others } = options;
    const [correlation, rest] = correlated(others);
    return this.#change(
      {
        cmd: 'layout_move_node',
        tab_id: tab,
        node_id: node,
        new_parent_id: to.parent,
        index: to.index,
        ...correlation,
        ...given({ group_id: groupId }),
      },
      rest,
    );
  }

  /** Two nodes change places; each keeps its size. */
  async swap(tab: string, one: string, other: string, options: LayoutOptions = {}): Promise<Changed> {
    const [correlation, rest] = correlated(options);
    return this.#change(
      { cmd: 'layout_swap_nodes', tab_id: tab, node1_id: one, node2_id: other, ...correlation },
      rest,
    );
  }

  /** All sizes or none; a size is relative to those of the siblings. */
  async resize(tab: string, sizes: readonly ResizeOp[], options: LayoutOptions = {}): Promise<Changed> {
    const [correlation, rest] = correlated(options);
    return this.#change({ cmd: 'layout_resize_nodes', tab_id: tab, ops: [...sizes], ...correlation }, rest);
  }

  /** The new node takes the place and size of another. */
  async replace(
    tab: string,
    target: string,
    node: LayoutNode,
    options: LayoutOptions & { focusAfter?: boolean | undefined } = {},
  ): Promise<Changed> {
    const { focusAfter = true, ...others } = options;
    const [correlation, rest] = correlated(others);
    return this.#change(
      {
        cmd: 'layout_replace_node',
        tab_id: tab,
        target_id: target,
        new_node: node,
        focus_after: focusAfter,
        ...correlation,
      },
      rest,
    );
  }

  async clear(tab: string, options: LayoutOptions = {}): Promise<Changed> {
    const [correlation, rest] = correlated(options);
    return this.#change({ cmd: 'layout_clear', tab_id: tab, ...correlation }, rest);
  }

  /** The whole tree at once; null clears it. With `expectedVersion` an optimistic editor overwrites nobody. */
  async set(tab: string, tree: LayoutNode | null, options: LayoutOptions = {}): Promise<Changed> {
    const [correlation, rest] = correlated(options);
    return this.#change({ cmd: 'layout_set_tree', tab_id: tab, new_tree: tree, ...correlation }, rest);
  }

  /** A leaf, or null for none. */
  async focus(tab: string, node: string | null, options: ChangeOptions = {}): Promise<Changed> {
    return this.#change({ cmd: 'set_focused_node', tab_id: tab, node_id: node ?? '' }, options);
  }

  /** A leaf that fills the tab, or null for none. */
  async magnify(tab: string, node: string | null, options: ChangeOptions = {}): Promise<Changed> {
    return this.#change({ cmd: 'set_magnified_node', tab_id: tab, node_id: node ?? '' }, options);
  }

  async #change(...request: Parameters<NounContext['change']>): Promise<Changed> {
    return changed(await this.#context.change(...request));
  }
}

function correlated(options: LayoutOptions): [{ correlation_id: string }, ChangeOptions] {
  const { correlationId = '', ...rest } = options;
  return [{ correlation_id: correlationId }, rest];
}

function inserting(
  options: InsertOptions,
): [{ focus_after: boolean; magnify_after: boolean; correlation_id: string; group_id?: string }, ChangeOptions] {
  const { focusAfter = true, magnifyAfter = false, groupId, correlationId = '', ...rest } = options;
  const placing = { focus_after: focusAfter, magnify_after: magnifyAfter, correlation_id: correlationId };
  return [{ ...placing, ...given({ group_id: groupId }) }, rest];
}
