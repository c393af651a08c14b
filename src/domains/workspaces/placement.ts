/** Leaves of blocks that come and go, as the events that say so. */
import type { BlockPlace, LayoutNode, WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import { sameJson } from './meta.ts';
import {
  contains,
  deleteNode,
  deriveGroupId,
  focusPlaced,
  insertNode,
  type IsBlockOfTab,
  leaves,
  splitNode,
  type Tree,
} from './layout/index.ts';
import type { Tab } from './state.ts';

export type TreeEvent = Extract<WorkspacesEvent, { new_tree: Tree }>;

/** What was placed, and whether it is to be shown or fill the tab. */
export interface Wanted {
  placed: LayoutNode;
  focus_after: boolean;
  magnify_after?: boolean;
}

/** The event, unless it changes nothing, and those of focus and magnification that follow. */
export function settled(tab: Tab, event: TreeEvent, wanted?: Wanted): WorkspacesEvent[] {
  const tab_id = tab.id;
  const events: WorkspacesEvent[] = sameJson(event.new_tree, tab.tree) ? [] : [event];
  if (wanted === undefined) return events;
  const { focused, magnified } = focusPlaced(tab, wanted.placed, wanted);
  if (focused !== tab.focused) events.push({ event: 'focused_node_changed', tab_id, node_id: focused });
  if (magnified !== tab.magnified) events.push({ event: 'magnified_node_changed', tab_id, node_id: magnified });
  return events;
}

export function takeNodeOut(tab: Tab, node_id: string, correlation_id: string): WorkspacesEvent[] {
  const { tree, removed } = deleteNode(tab.tree, node_id);
  if (removed === null) return [];
  const gone = new Set(leaves(removed).map(({ id }) => id));
  return [
    {
      event: 'layout_node_deleted',
      tab_id: tab.id,
      node_id,
      new_tree: tree,
      tree_cleared: tree === null,
      was_focused: gone.has(tab.focused),
      was_magnified: gone.has(tab.magnified),
      correlation_id,
    },
  ];
}

/** A block that leaves the tab leaves its layout first. */
export function takeBlockOut(tab: Tab, blockId: string): WorkspacesEvent[] {
  const node = tab.leaf_of.get(blockId);
  return node === undefined ? [] : takeNodeOut(tab, node, '');
}

/** The group id a command names, or the one that every editor of this tree derives. */
export function groupId(tab: Tab, given: string | undefined, correlationId: string, node: LayoutNode): string {
  if (given !== undefined) return given;
  const taken = (id: string): boolean => contains(tab.tree, id) || contains(node, id);
  return deriveGroupId(tab.id, correlationId, node.id, taken);
}

/** The leaf of a block that is created by the same command. */
export function placeBlock(
  tab: Tab,
  blockId: string,
  place: BlockPlace,
  fresh: () => string,
): { node_id: string; events: WorkspacesEvent[] } {
  const node_id = place.node_id ?? fresh();
  const node: LayoutNode = { id: node_id, flexDirection: 'row', data: { blockId } };
  const isNew: IsBlockOfTab = (id) => id === blockId;
  const correlation_id = place.correlation_id ?? '';
  const group_id = groupId(tab, place.group_id, correlation_id, node);
  const wanted = { focus_after: place.focus_after ?? true, magnify_after: place.magnify_after ?? false };
  try {
    const { event, placed } =
      place.target_id === undefined
        ? inserted(tab, { ...place, node, group_id, correlation_id }, isNew)
        : split(tab, { ...place, new_node: node, group_id, correlation_id }, isNew);
    return { node_id, events: settled(tab, event, { ...wanted, placed }) };
  } catch (error) {
    throw withinPlace(error);
  }
}

interface Insert {
  node: LayoutNode;
  parent_id?: string;
  index?: number;
  size?: number;
  group_id: string;
  correlation_id: string;
}

export function inserted(tab: Tab, command: Insert, isBlock: IsBlockOfTab): { event: TreeEvent; placed: LayoutNode } {
  const { node, parent_id, index, size, group_id, correlation_id } = command;
  const sized = size === undefined ? node : { ...node, size };
  const { tree, placed } = insertNode(tab.tree, { node: sized, parent_id, index, group_id }, isBlock);
  const where = { parent_id: parent_id ?? null, index: index ?? null };
  const event = { event: 'layout_node_inserted', tab_id: tab.id, node: placed, ...where } as const;
  return { event: { ...event, correlation_id, new_tree: tree }, placed };
}

interface Split {
  target_id: string;
  new_node: LayoutNode;
  direction: 'row' | 'column';
  position: 'before' | 'after';
  size?: number;
  group_id: string;
  correlation_id: string;
}

export function split(tab: Tab, command: Split, isBlock: IsBlockOfTab): { event: TreeEvent; placed: LayoutNode } {
  const { target_id, direction, position, correlation_id } = command;
  const { tree, placed } = splitNode(tab.tree, command, isBlock);
  const event =
    direction === 'row' ? ('layout_split_horizontal_applied' as const) : ('layout_split_vertical_applied' as const);
  const facts = { tab_id: tab.id, target_id, new_node: placed, position, new_tree: tree, correlation_id };
  return { event: { event, ...facts }, placed };
}

/** The layout speaks of the node, whoever wrote the command of its place. */
function withinPlace(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.field === undefined) return error;
  const [, inner = error.field] = /^(?:new_)?node\.(.*)$/.exec(error.field) ?? [];
  const field = inner === 'id' ? 'place.node_id' : /^(?:new_)?node$/.test(inner) ? 'place' : `place.${inner}`;
  const { code, message, retryable, details } = error;
  return new HoldfastError(code, message, { field, retryable, details, cause: error });
}
