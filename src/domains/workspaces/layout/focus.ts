/** Focus and magnify: each names a leaf of the tree, or nothing (""). */
import type { LayoutNode } from '../../../protocol/control/index.ts';
import { conflict, notFound } from './check.ts';
import { findNode, firstLeaf, isBranch, type Tree } from './tree.ts';

export interface Focus {
  focused: string;
  magnified: string;
}

/** Throws unless `nodeId` is a leaf of the tree or "". */
export function checkFocus(tree: Tree, nodeId: string, field = 'node_id'): void {
  if (nodeId === '') return;
  const node = findNode(tree, nodeId);
  if (node === undefined) throw notFound(field, `the layout has no node "${nodeId}"`);
  if (isBranch(node)) throw conflict(field, `"${nodeId}" is a group; name one of its leaves`);
}

/** Clears what names no leaf any more. Returns `focus` itself when all is well. */
export function keepFocus(tree: Tree, focus: Focus): Focus {
  const focused = isLeafOf(tree, focus.focused) ? focus.focused : '';
  const magnified = isLeafOf(tree, focus.magnified) ? focus.magnified : '';
  return focused === focus.focused && magnified === focus.magnified ? focus : { focused, magnified };
}

/** Moves focus to what was just placed, to its first leaf if it is a group. Magnifying focuses, too. */
export function focusPlaced(
  focus: Focus,
  placed: LayoutNode,
  wanted: { focus_after?: boolean | undefined; magnify_after?: boolean | undefined },
): Focus {
  const leaf = firstLeaf(placed).id;
  if (wanted.magnify_after === true) return { focused: leaf, magnified: leaf };
  return wanted.focus_after === true ? { ...focus, focused: leaf } : focus;
}

function isLeafOf(tree: Tree, nodeId: string): boolean {
  if (nodeId === '') return false;
  const node = findNode(tree, nodeId);
  return node !== undefined && !isBranch(node);
}
