/** The operations on nodes that are there: delete, move, swap, resize, replace; and the whole tree at once. */
import type { LayoutNode, ResizeOp } from '../../../protocol/control/index.ts';
import { invalid } from '../../../protocol/errors.ts';
import {
  adopt,
  checkedIndex,
  checkedSize,
  checkGroupId,
  checkGrown,
  conflict,
  type IsBlockOfTab,
  notFound,
  requirePath,
} from './check.ts';
import { Edit, sharing, withinLimit, withSize } from './normal.ts';
import { wrapLeaf } from './place.ts';
import { type Branch, isBranch, lastOf, parentIn, sizeOf, totalSize, type Tree } from './tree.ts';

/** `tree` is the tree that was given, the very object, when the operation changes nothing. */
export interface Changed {
  tree: Tree;
}

/** `removed` is the subtree that went, null when none did. */
export interface Removed extends Changed {
  removed: LayoutNode | null;
}

export interface Replaced extends Changed {
  removed: LayoutNode;
  /** As it came in, with the size of what it replaces. */
  placed: LayoutNode;
}

export interface MoveNode {
  node_id: string;
  /** A group, or a leaf that becomes one. */
  new_parent_id: string;
  /** Among the children before the move; beyond the end means the end. */
  index: number;
  /** Id of the group that a leaf becomes. */
  group_id: string;
}

export interface SwapNodes {
  node1_id: string;
  node2_id: string;
}

export interface ResizeNodes {
  /** All or none; of two for one node the last counts. */
  ops: ResizeOp[];
}

export interface ReplaceNode {
  target_id: string;
  new_node: LayoutNode;
}

/** Takes a node and all below it out. In an empty layout nothing happens, as in the seed. */
export function deleteNode(tree: Tree, nodeId: string): Removed {
  if (tree === null) return { tree, removed: null };
  const path = requirePath(tree, nodeId, 'node_id');
  const removed = lastOf(path);
  const parent = parentIn(path);
  if (parent === undefined) return { tree: null, removed };
  const edit = new Edit(tree);
  edit.setChildren(path.slice(0, -1) as [LayoutNode, ...LayoutNode[]], without(parent, removed));
  return { tree: edit.settle(), removed };
}

/**
 * The other children of a branch. What a split made gives its size back to what it was split from, if that is still
 * beside it or around it; else everybody's share grows.
 */
function without(parent: Branch, node: LayoutNode): LayoutNode[] {
  const at = parent.children.indexOf(node);
  const others = parent.children.toSpliced(at, 1);
  if (node.splitFrom === undefined) return others;
  if (node.splitFrom === parent.id) return withinLimit(sharing(others, totalSize(parent.children)));
  const heir = [at - 1, at].find((index) => others[index]?.id === node.splitFrom);
  if (heir === undefined) return others;
  return withinLimit(others.with(heir, withSize(others[heir]!, sizeOf(others[heir]!) + sizeOf(node))));
}

/** A node goes elsewhere, with its size. */
export function moveNode(tree: Tree, command: MoveNode): Changed {
  const index = checkedIndex(command.index, 'index')!;
  const source = requirePath(tree, command.node_id, 'node_id');
  const destination = requirePath(tree, command.new_parent_id, 'new_parent_id');
  const node = lastOf(source);
  const from = parentIn(source);
  const to = lastOf(destination);
  if (from === undefined) throw conflict('node_id', `"${node.id}" is the root; it has no other place`);
  if (destination.includes(node)) {
    throw conflict('new_parent_id', `"${to.id}" is "${node.id}" or within it; name a node outside`);
  }
  const edit = new Edit(source[0]);
  if (isBranch(to)) {
    const before = to === from && index > from.children.indexOf(node) ? 1 : 0;
    edit.remove(source);
    edit.insert(destination, index - before, node);
  } else {
    checkGroupId(source[0], undefined, command.group_id);
    wrapLeaf(edit, destination, node, index, command.group_id);
    edit.remove(source);
  }
  const moved = edit.settle();
  checkGrown(moved, 'new_parent_id');
  return { tree: moved };
}

/** Two nodes change places; each keeps its size. */
export function swapNodes(tree: Tree, command: SwapNodes): Changed {
  const { node1_id, node2_id } = command;
  if (node1_id === node2_id) throw invalid('node2_id', 'node1_id and node2_id name the same node');
  const one = requirePath(tree, node1_id, 'node1_id');
  const other = requirePath(tree, node2_id, 'node2_id');
  if (one.length === 1) throw conflict('node1_id', `"${node1_id}" is the root; it has no other place`);
  if (other.length === 1) throw conflict('node2_id', `"${node2_id}" is the root; it has no other place`);
  if (one.includes(lastOf(other)) || other.includes(lastOf(one))) {
    throw conflict('node2_id', `one of "${node1_id}" and "${node2_id}" is within the other`);
  }
  const edit = new Edit(one[0]);
  edit.set(one, lastOf(other));
  edit.set(other, lastOf(one));
  const swapped = edit.settle();
  checkGrown(swapped, 'node2_id');
  return { tree: swapped };
}

export function resizeNodes(tree: Tree, command: ResizeNodes): Changed {
  const sizes = new Map<string, number>();
  for (const [at, { node_id, size }] of command.ops.entries()) sizes.set(node_id, checkedSize(size, `ops[${at}].size`));
  const missing = new Set(sizes.keys());
  const changed = tree === null ? null : resized(tree, sizes, missing);
  for (const [at, { node_id }] of command.ops.entries()) {
    if (missing.has(node_id)) throw notFound(`ops[${at}].node_id`, `the layout has no node "${node_id}"`);
  }
  return { tree: changed };
}

function resized(node: LayoutNode, sizes: ReadonlyMap<string, number>, missing: Set<string>): LayoutNode {
  const size = sizes.get(node.id);
  if (size !== undefined) missing.delete(node.id);
  const sized = size === undefined ? node : withSize(node, size);
  if (!isBranch(sized)) return sized;
  let same = true;
  const children = sized.children.map((child) => {
    const changed = resized(child, sizes, missing);
    if (changed !== child) same = false;
    return changed;
  });
  return same ? sized : { ...sized, children };
}

/** The new node takes the target's place and size; the target goes with all below it. */
export function replaceNode(tree: Tree, command: ReplaceNode, isBlockOfTab?: IsBlockOfTab): Replaced {
  const path = requirePath(tree, command.target_id, 'target_id');
  const removed = lastOf(path);
  const { node } = adopt(command.new_node, 'new_node', isBlockOfTab, path[0], removed);
  const placed = withSize(node, sizeOf(removed));
  const edit = new Edit(path[0]);
  edit.set(path, placed);
  const replaced = edit.settle();
  checkGrown(replaced, 'new_node');
  return { tree: replaced, removed, placed };
}

/** A whole tree from outside, in normal form. */
export function setTree(newTree: Tree, isBlockOfTab?: IsBlockOfTab): Changed {
  if (newTree === null) return { tree: null };
  return { tree: adopt(newTree, 'new_tree', isBlockOfTab).node };
}
