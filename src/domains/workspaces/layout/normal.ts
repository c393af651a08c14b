/**
 * Normal form: no branch with less than two children, no branch under a branch of its own direction, and a leaf's
 * `flexDirection` is what a group in its place would have: across its parent's, `row` for the root.
 *
 * Bringing a tree into it changes no leaf's share of the area: a lone child takes its group's size, and children that
 * move up to a group of the same direction share the size of the group they leave.
 */
import type { FlexDirection, LayoutNode } from '../../../protocol/control/index.ts';
import { LAYOUT_SIZE_MAX } from '../../../protocol/limits.ts';
import { across, type Branch, isBranch, meanSize, type Path, sizeOf, totalSize, type Tree } from './tree.ts';

export const ROOT_LEAF_DIRECTION: FlexDirection = 'row';

/** The tree in normal form, with every size. Returns the tree itself when it is that already. */
export function normalise(tree: Tree): Tree {
  return tree === null ? null : settleRoot(withSizes(tree), undefined);
}

export function withSize(node: LayoutNode, size: number): LayoutNode {
  return node.size === size ? node : { ...node, size };
}

/** A size that arithmetic brought to 0 or below is the smallest there is. */
export function positive(size: number): number {
  return Math.max(size, Number.MIN_VALUE);
}

/** Siblings whose sizes keep their relation and are all within the limit. */
export function withinLimit(nodes: LayoutNode[]): LayoutNode[] {
  let largest = 0;
  for (const node of nodes) largest = Math.max(largest, sizeOf(node));
  if (largest <= LAYOUT_SIZE_MAX) return nodes;
  return nodes.map((node) => withSize(node, positive((sizeOf(node) / largest) * LAYOUT_SIZE_MAX)));
}

/** Siblings that together have `total`, in the relation they had. */
export function sharing(nodes: readonly LayoutNode[], total: number): LayoutNode[] {
  const sum = totalSize(nodes);
  if (sum === total) return [...nodes];
  return nodes.map((node) => withSize(node, positive((sizeOf(node) / sum) * total)));
}

/** A new group in the place of a node. */
export function groupOf(id: string, flexDirection: FlexDirection, size: number, children: LayoutNode[]): Branch {
  return { id, flexDirection, size, children };
}

/**
 * A change of several places at once. Only the branches on the way to them are made anew, and brought into normal
 * form when all is in place.
 */
export class Edit {
  #root: LayoutNode;
  readonly #lists = new Map<LayoutNode, LayoutNode[]>();
  readonly #touched = new Set<LayoutNode>();

  constructor(root: LayoutNode) {
    this.#root = root;
  }

  /** Puts another node in the place of the last one of a path. Before a removal from the same branch. */
  set(path: Path, node: LayoutNode): void {
    const parent = this.#touchAbove(path);
    if (parent === undefined) this.#root = node;
    else this.#list(parent)[parent.children.indexOf(path[path.length - 1]!)] = node;
  }

  /** Takes out the last node of a path, which is not the root. */
  remove(path: Path): void {
    const parent = this.#touchAbove(path);
    if (parent === undefined) return;
    const list = this.#list(parent);
    list.splice(list.indexOf(path[path.length - 1]!), 1);
  }

  /** Gives the branch at the end of a path other children. */
  setChildren(path: Path, children: LayoutNode[]): void {
    for (const node of path) this.#touched.add(node);
    this.#lists.set(path[path.length - 1]!, children);
  }

  /** Adds a child to the branch at the end of a path; an index beyond its end means the end. */
  insert(path: Path, index: number, node: LayoutNode): void {
    for (const above of path) this.#touched.add(above);
    this.#list(path[path.length - 1] as Branch).splice(index, 0, node);
  }

  /** Has a branch that this edit brings in checked for normal form, too. */
  touch(group: Branch): void {
    this.#touched.add(group);
  }

  settle(): Tree {
    return settleRoot(this.#root, this);
  }

  /** The children to settle, or undefined for a branch that is as it was. */
  childrenOf(branch: Branch): LayoutNode[] | undefined {
    return this.#touched.has(branch) ? (this.#lists.get(branch) ?? branch.children) : undefined;
  }

  #touchAbove(path: Path): Branch | undefined {
    for (let at = 0; at < path.length - 1; at++) this.#touched.add(path[at]!);
    return path[path.length - 2] as Branch | undefined;
  }

  #list(branch: Branch): LayoutNode[] {
    let list = this.#lists.get(branch);
    if (list === undefined) this.#lists.set(branch, (list = [...branch.children]));
    return list;
  }
}

function settleRoot(root: LayoutNode, edit: Edit | undefined): Tree {
  const settled = settle(root, edit);
  return settled === null ? null : turned(settled, ROOT_LEAF_DIRECTION);
}

/** Without an edit: everything below. */
function settle(node: LayoutNode, edit: Edit | undefined): Tree {
  if (!isBranch(node)) return node;
  const list = edit === undefined ? node.children : edit.childrenOf(node);
  if (list === undefined) return node;
  const children: LayoutNode[] = [];
  for (const child of list) {
    const settled = settle(child, edit);
    if (settled === null) continue;
    if (isBranch(settled) && settled.flexDirection === node.flexDirection) {
      children.push(...sharing(settled.children, sizeOf(settled)));
    } else {
      children.push(turned(settled, across(node.flexDirection)));
    }
  }
  const first = children[0];
  if (first === undefined) return null;
  if (children.length === 1) return withSize(first, sizeOf(node));
  return sameNodes(children, node.children) ? node : { ...node, children };
}

function turned(node: LayoutNode, flexDirection: FlexDirection): LayoutNode {
  return isBranch(node) || node.flexDirection === flexDirection ? node : { ...node, flexDirection };
}

/** Sizes that were left out: the mean of the siblings that have one. */
function withSizes(node: LayoutNode): LayoutNode {
  const sized = node.size === undefined ? withSize(node, sizeOf(node)) : node;
  if (!isBranch(sized)) return sized;
  const mean = meanSize(sized.children.filter((child) => child.size !== undefined));
  const children = sized.children.map((child) => withSizes(child.size === undefined ? withSize(child, mean) : child));
  return sameNodes(children, sized.children) ? sized : { ...sized, children };
}

function sameNodes(one: readonly LayoutNode[], other: readonly LayoutNode[]): boolean {
  return one.length === other.length && one.every((node, index) => node === other[index]);
}
