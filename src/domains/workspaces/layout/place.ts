/** The operations that bring nodes in: insert, insert at an index path, split. */
import type { FlexDirection, LayoutNode, SplitPosition } from '../../../protocol/control/index.ts';
import { invalid } from '../../../protocol/errors.ts';
import {
  type Adopted,
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
import { Edit, groupOf, positive, sharing, withinLimit, withSize } from './normal.ts';
import { type Branch, isBranch, lastOf, meanSize, parentIn, type Path, sizeOf, totalSize, type Tree } from './tree.ts';

/** Where the search for room goes on below a group (seed: `DEFAULT_MAX_CHILDREN`). */
const ROOMY_CHILDREN = 5;

/** `placed` is the new node as it came in; a group that had its parent's direction has dissolved into it. */
export interface Placed {
  tree: Tree;
  placed: LayoutNode;
}

export interface InsertNode {
  node: LayoutNode;
  /** A group. Without it the node goes where there is room. */
  parent_id?: string | undefined;
  /** Position among the parent's children; beyond the end, or without it, the end. */
  index?: number | undefined;
  /** Id of the group that a leaf in the way becomes. */
  group_id: string;
}

export interface InsertNodeAtIndex {
  node: LayoutNode;
  /** Which child on each level, beyond the end the last; the node comes after the last one named. */
  index_arr: number[];
  group_id: string;
}

export interface SplitNode {
  target_id: string;
  new_node: LayoutNode;
  direction: FlexDirection;
  position: SplitPosition;
  /** What the new node gets of the target's size, less than all of it; half unless given. */
  size?: number | undefined;
  group_id: string;
}

export function insertNode(tree: Tree, command: InsertNode, isBlockOfTab?: IsBlockOfTab): Placed {
  const index = checkedIndex(command.index, 'index');
  const adopted = adopt(command.node, 'node', isBlockOfTab, tree);
  if (tree === null) {
    if (command.parent_id !== undefined) throw notFound('parent_id', 'the layout is empty: it has no parent to name');
    if (index !== undefined) throw invalid('index', 'the layout is empty: leave the index out');
    return { tree: adopted.node, placed: adopted.node };
  }
  if (command.parent_id === undefined) {
    return insertAt(tree, roomIn(tree), undefined, adopted, command.group_id);
  }
  const path = requirePath(tree, command.parent_id, 'parent_id');
  if (!isBranch(lastOf(path))) {
    throw conflict('parent_id', `"${command.parent_id}" is a leaf: split it, or name a group`);
  }
  return insertAt(tree, path, index, adopted, command.group_id);
}

export function insertNodeAtIndex(tree: Tree, command: InsertNodeAtIndex, isBlockOfTab?: IsBlockOfTab): Placed {
  if (command.index_arr.length === 0) throw invalid('index_arr', 'index_arr names at least one level');
  for (const [at, index] of command.index_arr.entries()) checkedIndex(index, `index_arr[${at}]`);
  const adopted = adopt(command.node, 'node', isBlockOfTab, tree);
  if (tree === null) return { tree: adopted.node, placed: adopted.node };
  const path: [LayoutNode, ...LayoutNode[]] = [tree];
  let last = 0;
  for (const [at, wanted] of command.index_arr.entries()) {
    const here = lastOf(path);
    if (!isBranch(here)) break;
    last = Math.min(wanted, here.children.length - 1);
    if (at < command.index_arr.length - 1) path.push(here.children[last]!);
  }
  return insertAt(tree, path, last + 1, adopted, command.group_id);
}

export function splitNode(tree: Tree, command: SplitNode, isBlockOfTab?: IsBlockOfTab): Placed {
  const { direction, position } = command;
  if (command.size !== undefined) checkedSize(command.size, 'size');
  const adopted = adopt(command.new_node, 'new_node', isBlockOfTab, tree);
  const path = requirePath(tree, command.target_id, 'target_id');
  const root = path[0];
  const target = lastOf(path);
  const slot = sizeOf(target);
  const size = command.size ?? positive(slot / 2);
  if (command.size !== undefined && size >= slot) {
    throw invalid('size', `size is what the new node gets of the target's ${slot}, so it is less than that`);
  }
  const fresh: LayoutNode = { ...adopted.node, size, splitFrom: target.id };
  const rest = withSize(target, positive(slot - size));
  const pair = position === 'before' ? [fresh, rest] : [rest, fresh];
  const edit = new Edit(root);
  const parent = parentIn(path);
  if (parent?.flexDirection === direction) {
    const at = parent.children.indexOf(target);
    edit.setChildren(path.slice(0, -1) as [LayoutNode, ...LayoutNode[]], parent.children.toSpliced(at, 1, ...pair));
  } else if (isBranch(target) && target.flexDirection === direction) {
    edit.setChildren(path, besideAll(target, fresh, size / slot, position));
  } else {
    checkGroupId(root, fresh, command.group_id);
    const group = groupOf(command.group_id, direction, slot, pair);
    edit.touch(group);
    edit.set(path, group);
  }
  return grown(edit, fresh, 'new_node');
}

/** A group split along its own direction stays the same group: its children make room. */
function besideAll(group: Branch, fresh: LayoutNode, share: number, position: SplitPosition): LayoutNode[] {
  const total = totalSize(group.children);
  const others = sharing(group.children, total * (1 - share));
  const sized = withSize(fresh, positive(total * share));
  return withinLimit(position === 'before' ? [sized, ...others] : [...others, sized]);
}

/** Into the branch at the end of the path at `index`, else its end; or behind the leaf there, both in a new group. */
function insertAt(tree: LayoutNode, path: Path, index: number | undefined, adopted: Adopted, groupId: string): Placed {
  const target = lastOf(path);
  const siblings = target.children ?? [target];
  const placed = withSize(adopted.node, adopted.size ?? meanSize(siblings));
  const edit = new Edit(tree);
  if (isBranch(target)) {
    edit.insert(path, index ?? siblings.length, placed);
  } else {
    checkGroupId(tree, placed, groupId);
    wrapLeaf(edit, path, placed, 1, groupId);
  }
  return grown(edit, placed, 'node');
}

/** Puts a leaf and a node beside it into a new group, in the leaf's place and of its size. */
export function wrapLeaf(edit: Edit, path: Path, beside: LayoutNode, index: number, groupId: string): void {
  const leaf = lastOf(path);
  const children = index === 0 ? [beside, leaf] : [leaf, beside];
  const group = groupOf(groupId, leaf.flexDirection, sizeOf(leaf), children);
  edit.touch(group);
  edit.set(path, group);
}

function grown(edit: Edit, placed: LayoutNode, field: string): Placed {
  const tree = edit.settle();
  checkGrown(tree, field);
  return { tree, placed };
}

/**
 * Where a node goes that names no place: the group with less than five children or the leaf of the lowest score,
 * depth ^ (5 + its position there), the root's depth being 1; of equals the last in reading order (seed:
 * `findNextInsertLocation`). So first the root, then its last leaf, then the smallest group of the second level.
 */
function roomIn(tree: LayoutNode): Path {
  let best: Path = [tree];
  let lowest = Number.POSITIVE_INFINITY;
  const path: LayoutNode[] = [];
  const search = (node: LayoutNode): void => {
    path.push(node);
    const position = node.children?.length ?? 1;
    if (position < ROOMY_CHILDREN || !isBranch(node)) {
      const score = power(path.length, ROOMY_CHILDREN + position);
      if (score < lowest) {
        lowest = score;
        best = [...path] as [LayoutNode, ...LayoutNode[]];
      }
    }
    for (let at = (node.children?.length ?? 0) - 1; at >= 0; at--) search(node.children![at]!);
    path.pop();
  };
  search(tree);
  return best;
}

/** Exact for these few whole numbers, where `**` may differ between engines. */
function power(base: number, exponent: number): number {
  let result = 1;
  for (let count = 0; count < exponent; count++) result *= base;
  return result;
}
