/**
 * What layout operations mean, without normal form: each does the plainest thing to a copy of the tree and leaves
 * groups of one, groups along their parent and unturned leaves behind. Area by area the result must equal the real one.
 * Independent of src/domains/workspaces/layout.
 */
import type { FlexDirection, LayoutNode, SplitPosition } from '../../src/protocol/control/index.ts';
import { nodesOf, type Tree } from './layout.ts';

export type Operation =
  | { op: 'insert'; node: LayoutNode; parent_id?: string; index?: number }
  | { op: 'insert_at'; node: LayoutNode; index_arr: number[] }
  | { op: 'delete'; node_id: string }
  | { op: 'move'; node_id: string; new_parent_id: string; index: number }
  | { op: 'swap'; node1_id: string; node2_id: string }
  | { op: 'resize'; ops: { node_id: string; size: number }[] }
  | { op: 'replace'; target_id: string; new_node: LayoutNode }
  | {
      op: 'split';
      target_id: string;
      new_node: LayoutNode;
      direction: FlexDirection;
      position: SplitPosition;
      size?: number;
    };

/** Thrown for what must be refused, and with which code. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Throws `Refused`. `given` stays as it is. */
export function applyNaively(given: Tree, operation: Operation, group: string): Tree {
  const tree = structuredClone(given);
  switch (operation.op) {
    case 'insert':
      return insert(tree, structuredClone(operation.node), operation.parent_id, operation.index, group);
    case 'insert_at':
      return insertAt(tree, structuredClone(operation.node), operation.index_arr, group);
    case 'delete':
      return remove(tree, operation.node_id);
    case 'move':
      return move(tree, operation.node_id, operation.new_parent_id, operation.index, group);
    case 'swap':
      return swap(tree, operation.node1_id, operation.node2_id);
    case 'resize':
      for (const { node_id, size } of operation.ops) need(tree, node_id).size = size;
      return tree;
    case 'replace': {
      const target = need(tree, operation.target_id);
      return put(tree, target, { ...structuredClone(operation.new_node), size: target.size! });
    }
    case 'split':
      return split(tree, operation, group);
  }
}

function need(tree: Tree, id: string): LayoutNode {
  const found = nodesOf(tree).find((node) => node.id === id);
  if (found === undefined) throw new Refused('not_found');
  return found;
}

function parentOf(tree: Tree, child: LayoutNode): LayoutNode | undefined {
  return nodesOf(tree).find((node) => node.children?.includes(child));
}

function put(tree: Tree, old: LayoutNode, fresh: LayoutNode): Tree {
  const parent = parentOf(tree, old);
  if (parent === undefined) return fresh;
  parent.children![parent.children!.indexOf(old)] = fresh;
  return tree;
}

function mean(siblings: LayoutNode[]): number {
  return siblings.reduce((sum, node) => sum + node.size!, 0) / siblings.length;
}

/** A leaf becomes a group of the other direction than its parent's, as large as it was. */
function asGroup(tree: Tree, node: LayoutNode, group: string): [Tree, LayoutNode] {
  if (node.children !== undefined) return [tree, node];
  const above = parentOf(tree, node);
  const flexDirection = above?.flexDirection === 'row' ? 'column' : 'row';
  const wrapper: LayoutNode = { id: group, flexDirection, size: node.size!, children: [node] };
  return [put(tree, node, wrapper), wrapper];
}

function addTo(tree: Tree, target: LayoutNode, index: number, node: LayoutNode, group: string): Tree {
  const [grown, branch] = asGroup(tree, target, group);
  node.size ??= mean(branch.children!);
  branch.children!.splice(index, 0, node);
  return grown;
}

function insert(
  tree: Tree,
  node: LayoutNode,
  parentId: string | undefined,
  index: number | undefined,
  group: string,
): Tree {
  if (tree === null) {
    if (parentId !== undefined) throw new Refused('not_found');
    if (index !== undefined) throw new Refused('invalid_argument');
    return { ...node, size: node.size ?? 10 };
  }
  if (parentId === undefined) return addTo(tree, seedsPlace(tree, 1).node, Number.POSITIVE_INFINITY, node, group);
  const parent = need(tree, parentId);
  if (parent.children === undefined) throw new Refused('conflict');
  return addTo(tree, parent, index ?? Number.POSITIVE_INFINITY, node, group);
}

/** As the seed has it: candidates sorted by depth ^ (index + 5), the first of the lowest. */
function seedsPlace(node: LayoutNode, depth: number): { node: LayoutNode; index: number; depth: number } {
  if (node.children === undefined) return { node, index: 1, depth };
  const candidates = node.children.length < 5 ? [{ node, index: node.children.length, depth }] : [];
  for (const child of [...node.children].reverse()) candidates.push(seedsPlace(child, depth + 1));
  candidates.sort((a, b) => Math.pow(a.depth, a.index + 5) - Math.pow(b.depth, b.index + 5));
  return candidates[0]!;
}

function insertAt(tree: Tree, node: LayoutNode, indexes: number[], group: string): Tree {
  if (indexes.length === 0) throw new Refused('invalid_argument');
  if (tree === null) return { ...node, size: node.size ?? 10 };
  let target = tree;
  const rest = [...indexes];
  while (rest.length > 1 && target.children !== undefined) {
    target = target.children[Math.min(rest.shift()!, target.children.length - 1)]!;
  }
  const last = target.children === undefined ? 0 : Math.min(rest[0]!, target.children.length - 1);
  return addTo(tree, target, last + 1, node, group);
}

function remove(tree: Tree, id: string): Tree {
  if (tree === null) return null;
  const node = need(tree, id);
  const parent = parentOf(tree, node);
  if (parent === undefined) return null;
  const children = parent.children!;
  const at = children.indexOf(node);
  for (const neighbour of [children[at - 1], children[at + 1]]) {
    if (neighbour !== undefined && neighbour.id === node.splitFrom) neighbour.size! += node.size!;
  }
  children.splice(at, 1);
  return tree;
}

function move(tree: Tree, id: string, parentId: string, index: number, group: string): Tree {
  const node = need(tree, id);
  const target = need(tree, parentId);
  const source = parentOf(tree, node);
  if (source === undefined || nodesOf(node).includes(target)) throw new Refused('conflict');
  const [grown, destination] = asGroup(tree, target, group);
  // Holds the place, so that the index means the same before and after.
  const hole: LayoutNode = { id: 'hole', flexDirection: 'row', size: 0, children: [] };
  source.children![source.children!.indexOf(node)] = hole;
  destination.children!.splice(index, 0, node);
  source.children!.splice(source.children!.indexOf(hole), 1);
  return grown;
}

function swap(tree: Tree, id1: string, id2: string): Tree {
  if (id1 === id2) throw new Refused('invalid_argument');
  const one = need(tree, id1);
  const other = need(tree, id2);
  if (nodesOf(one).includes(other) || nodesOf(other).includes(one)) throw new Refused('conflict');
  const parent1 = parentOf(tree, one)!.children!;
  const parent2 = parentOf(tree, other)!.children!;
  const at1 = parent1.indexOf(one);
  const at2 = parent2.indexOf(other);
  parent1[at1] = other;
  parent2[at2] = one;
  return tree;
}

function split(tree: Tree, operation: Extract<Operation, { op: 'split' }>, group: string): Tree {
  const target = need(tree, operation.target_id);
  const slot = target.size!;
  const size = operation.size ?? slot / 2;
  if (size >= slot) throw new Refused('invalid_argument');
  const fresh: LayoutNode = { ...structuredClone(operation.new_node), size };
  const wrapper: LayoutNode = { id: group, flexDirection: operation.direction, size: slot, children: [] };
  const whole = put(tree, target, wrapper);
  target.size = slot - size;
  wrapper.children = operation.position === 'before' ? [fresh, target] : [target, fresh];
  return whole;
}
