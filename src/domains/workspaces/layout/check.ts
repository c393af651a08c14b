/** What a tree from outside must be. Everything refused here is refused before anything changes. */
import type { FlexDirection, LayoutNode } from '../../../protocol/control/index.ts';
import { HoldfastError, invalid } from '../../../protocol/errors.ts';
import { LAYOUT_DEPTH, LAYOUT_NODES, LAYOUT_SIZE_MAX, NAME_BYTES } from '../../../protocol/limits.ts';
import { normalise, ROOT_LEAF_DIRECTION } from './normal.ts';
import { across, DEFAULT_SIZE, measure, type Path, pathTo, type Tree, visit } from './tree.ts';

/** Whether a block exists and belongs to the tab. Who leaves it out checks that himself. */
export type IsBlockOfTab = (blockId: string) => boolean;
const anyBlock: IsBlockOfTab = () => true;

/** A subtree from outside, in normal form by itself. */
export interface Adopted {
  node: LayoutNode;
  /** As given for the topmost node; undefined: the place decides. */
  size: number | undefined;
}

/** Where ids and blocks were named, as field paths. */
interface Seen {
  ids: Map<string, string>;
  blocks: Map<string, string>;
  isBlockOfTab: IsBlockOfTab;
}

/** What the place of a node says about its copy. */
interface CopyPlace {
  /** 1 for the root. */
  depth: number;
  leafDirection: FlexDirection;
  /** For a node without one. */
  size: number;
}

const ROOT: CopyPlace = { depth: 1, leafDirection: ROOT_LEAF_DIRECTION, size: DEFAULT_SIZE };

export function notFound(field: string, message: string): HoldfastError {
  return new HoldfastError('not_found', message, { field });
}

export function conflict(field: string, message: string): HoldfastError {
  return new HoldfastError('conflict', message, { field });
}

/**
 * Throws unless `tree` is null or a whole layout tree: each node leaf or branch, ids unique and fit to be ids, sizes in
 * (0, 100], at most 1,024 nodes on 28 levels, each block named once and of the tab. Normal form is not asked for.
 *
 * @param field what the error calls the tree; a node within it is `<field>.children[1]`.
 */
export function checkTree(tree: unknown, isBlockOfTab: IsBlockOfTab = anyBlock, field = 'tree'): void {
  if (tree !== null) copy(tree, field, ROOT, { ids: new Map(), blocks: new Map(), isBlockOfTab });
}

/**
 * Checks a subtree and brings it into the form that trees hold: keys in the order id, flexDirection, size, data or
 * children, then the others as they came; so two sides that were given the same node hold the same bytes.
 *
 * @param tree what it is to become part of: no id or block may be in both …
 * @param dropped … but those of the subtree that it replaces.
 */
export function adopt(
  node: unknown,
  field: string,
  isBlockOfTab: IsBlockOfTab = anyBlock,
  tree: Tree = null,
  dropped?: LayoutNode,
): Adopted {
  const seen: Seen = { ids: new Map(), blocks: new Map(), isBlockOfTab };
  const copied = copy(node, field, ROOT, seen);
  if (tree !== null) refuseDoubles(tree, dropped, seen);
  return { node: normalise(copied)!, size: (node as LayoutNode).size };
}

function refuseDoubles(tree: LayoutNode, dropped: LayoutNode | undefined, seen: Seen): void {
  if (tree === dropped) return;
  const path = seen.ids.get(tree.id);
  if (path !== undefined) throw conflict(`${path}.id`, `the tree has a node "${tree.id}" already`);
  const block = tree.data?.blockId;
  const blockPath = block === undefined ? undefined : seen.blocks.get(block);
  if (blockPath !== undefined) {
    throw conflict(blockPath, `block "${block}" is in leaf "${tree.id}" already; a block is in one leaf`);
  }
  for (const child of tree.children ?? []) refuseDoubles(child, dropped, seen);
}

function copy(value: unknown, field: string, place: CopyPlace, seen: Seen): LayoutNode {
  if (place.depth > LAYOUT_DEPTH) throw tooLarge(field, `a layout has at most ${LAYOUT_DEPTH} levels`);
  if (seen.ids.size >= LAYOUT_NODES) throw tooLarge(field, `a layout has at most ${LAYOUT_NODES} nodes`);
  const { id, flexDirection = 'row', size, data, children, ...extra } = objectAt(value, field);
  checkId(id, `${field}.id`);
  const other = seen.ids.get(id);
  if (other !== undefined) throw invalid(`${field}.id`, `"${id}" is the id of ${other}, too; ids are unique`);
  seen.ids.set(id, field);
  if (flexDirection !== 'row' && flexDirection !== 'column') {
    throw invalid(`${field}.flexDirection`, 'flexDirection is "row" or "column"');
  }
  const own = size === undefined ? place.size : checkedSize(size, `${field}.size`);
  if (children === undefined) {
    if (data === undefined)
      throw invalid(field, 'a node has data, as a leaf, or children, as a branch; this has neither');
    return { id, flexDirection: place.leafDirection, size: own, data: copyData(data, `${field}.data`, seen), ...extra };
  }
  if (data !== undefined) throw invalid(`${field}.data`, 'a node with children has no data');
  if (!Array.isArray(children) || children.length === 0) {
    throw invalid(`${field}.children`, 'children is a list of at least one node; a leaf has no children');
  }
  const below = { depth: place.depth + 1, leafDirection: across(flexDirection), size: meanGivenSize(children) };
  const copies = children.map((child, index) => copy(child, `${field}.children[${index}]`, below, seen));
  return { id, flexDirection, size: own, children: copies, ...extra };
}

/** Of unchecked nodes: what is wrong with a size is said when its node's turn comes. */
function meanGivenSize(nodes: readonly unknown[]): number {
  let total = 0;
  let count = 0;
  for (const node of nodes) {
    const size = (node as { size?: unknown } | null | undefined)?.size;
    if (typeof size !== 'number') continue;
    total += size;
    count++;
  }
  return count === 0 ? DEFAULT_SIZE : total / count;
}

function copyData(value: unknown, field: string, seen: Seen): NonNullable<LayoutNode['data']> {
  const { blockId, ...extra } = objectAt(value, field);
  const path = `${field}.blockId`;
  checkId(blockId, path);
  const other = seen.blocks.get(blockId);
  if (other !== undefined) throw invalid(path, `block "${blockId}" is named by ${other}, too; a block is in one leaf`);
  seen.blocks.set(blockId, path);
  if (!seen.isBlockOfTab(blockId)) throw notFound(path, `the tab has no block "${blockId}"`);
  return { blockId, ...extra };
}

function objectAt(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(field, `${field} is an object`);
  if (Object.hasOwn(value, '__proto__')) throw invalid(`${field}.__proto__`, '__proto__ is no key of a layout');
  return value as Record<string, unknown>;
}

export function checkId(value: unknown, field: string): asserts value is string {
  if (typeof value !== 'string') throw invalid(field, `${field} is a string`);
  // A UTF-16 unit has at most three bytes in UTF-8: short ones need no count.
  const fits = value.length * 3 <= NAME_BYTES || new TextEncoder().encode(value).length <= NAME_BYTES;
  if (value === '' || !fits) throw invalid(field, `${field} has 1 to ${NAME_BYTES} bytes`);
  if (/\p{Cc}/u.test(value)) throw invalid(field, `${field} holds no control characters`);
}

export function checkedSize(value: unknown, field: string): number {
  if (typeof value === 'number' && value > 0 && value <= LAYOUT_SIZE_MAX) return value;
  throw invalid(field, `${field} is a number above 0 and at most ${LAYOUT_SIZE_MAX}`);
}

/** @returns the index, or undefined for none. */
export function checkedIndex(value: number | undefined, field: string): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
  throw invalid(field, `${field} is a whole number from 0`);
}

export function requirePath(tree: Tree, nodeId: string, field: string): Path {
  const path = pathTo(tree, nodeId);
  if (path === undefined) throw notFound(field, `the layout has no node "${nodeId}"`);
  return path;
}

/** A new group's id, which neither the tree nor what comes into it may have. */
export function checkGroupId(tree: LayoutNode, coming: LayoutNode | undefined, groupId: string): void {
  checkId(groupId, 'group_id');
  const refuse = (node: LayoutNode): void => {
    if (node.id === groupId) throw conflict('group_id', `there is a node "${groupId}" already; give another group_id`);
  };
  visit(tree, refuse);
  if (coming !== undefined) visit(coming, refuse);
}

/** Refuses a tree that outgrew the limits; `field` brought in what is too much. */
export function checkGrown(tree: Tree, field: string): void {
  if (tree === null) return;
  const { nodes, depth } = measure(tree);
  if (nodes > LAYOUT_NODES) throw conflict(field, `the layout would have ${nodes} nodes; it holds ${LAYOUT_NODES}`);
  if (depth > LAYOUT_DEPTH) throw conflict(field, `the layout would have ${depth} levels; it holds ${LAYOUT_DEPTH}`);
}

function tooLarge(field: string, message: string): HoldfastError {
  return new HoldfastError('too_large', message, { field });
}
