/** Reading a layout tree. Nothing here changes one. */
import type { FlexDirection, LayoutNode } from '../../../protocol/control/index.ts';

/**
 * The layout of a tab: null when nothing is placed. Always in normal form, every node with its size. Nodes are never
 * changed; an operation returns a new tree that shares what did not change.
 */
export type Tree = LayoutNode | null;

export type Branch = LayoutNode & { children: LayoutNode[] };

/** From the root to a node, both included. */
export type Path = readonly [LayoutNode, ...LayoutNode[]];

/** Size of a node that has no siblings to go by (seed: `DEFAULT_NODE_SIZE`). */
export const DEFAULT_SIZE = 10;

export function isBranch(node: LayoutNode): node is Branch {
  return node.children !== undefined;
}

export function across(direction: FlexDirection): FlexDirection {
  return direction === 'row' ? 'column' : 'row';
}

/** Relative among siblings, in (0, 100]. */
export function sizeOf(node: LayoutNode): number {
  return node.size ?? DEFAULT_SIZE;
}

export function totalSize(nodes: readonly LayoutNode[]): number {
  let total = 0;
  for (const node of nodes) total += sizeOf(node);
  return total;
}

/** The size of a node that comes without one, beside `siblings`. */
export function meanSize(siblings: readonly LayoutNode[]): number {
  return siblings.length === 0 ? DEFAULT_SIZE : totalSize(siblings) / siblings.length;
}

/** Every node, parents before their children, children in order. */
export function visit(node: LayoutNode, each: (node: LayoutNode) => void): void {
  each(node);
  if (node.children === undefined) return;
  for (const child of node.children) visit(child, each);
}

/** The leaves in reading order. */
export function leaves(tree: Tree): LayoutNode[] {
  const found: LayoutNode[] = [];
  if (tree !== null) {
    visit(tree, (node) => {
      if (!isBranch(node)) found.push(node);
    });
  }
  return found;
}

/** The first leaf in reading order of a node: itself when it is one. */
export function firstLeaf(node: LayoutNode): LayoutNode {
  let leaf = node;
  while (leaf.children?.[0] !== undefined) leaf = leaf.children[0];
  return leaf;
}

export function findNode(tree: Tree, nodeId: string): LayoutNode | undefined {
  if (tree === null) return undefined;
  if (tree.id === nodeId) return tree;
  for (const child of tree.children ?? []) {
    const found = findNode(child, nodeId);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function contains(tree: Tree, nodeId: string): boolean {
  return findNode(tree, nodeId) !== undefined;
}

export function pathTo(tree: Tree, nodeId: string): Path | undefined {
  if (tree === null) return undefined;
  const reversed: LayoutNode[] = [];
  return climb(tree, nodeId, reversed) ? (reversed.reverse() as [LayoutNode, ...LayoutNode[]]) : undefined;
}

/** Collects the path from the node up to `from` when the node is there. */
function climb(from: LayoutNode, nodeId: string, reversed: LayoutNode[]): boolean {
  if (from.id !== nodeId && !from.children?.some((child) => climb(child, nodeId, reversed))) return false;
  reversed.push(from);
  return true;
}

export function lastOf(path: Path): LayoutNode {
  return path[path.length - 1]!;
}

/** The node above the last one; undefined for the root. */
export function parentIn(path: Path): Branch | undefined {
  return path[path.length - 2] as Branch | undefined;
}

/** How many nodes a tree has, and on how many levels. */
export function measure(node: LayoutNode): { nodes: number; depth: number } {
  let nodes = 1;
  let below = 0;
  for (const child of node.children ?? []) {
    if (!isBranch(child)) {
      nodes++;
      below = Math.max(below, 1);
      continue;
    }
    const measured = measure(child);
    nodes += measured.nodes;
    below = Math.max(below, measured.depth);
  }
  return { nodes, depth: below + 1 };
}
