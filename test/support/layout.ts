/**
 * Layout trees in tests: a notation for them, the picture they draw, and what makes them whole, said independently of
 * src/domains/workspaces/layout.
 *
 *   row[a 5, col:left[b 10, c 10] 5]
 *
 * A leaf is its id (and block); a branch is `row` or `col` with an id after a colon, or a made up one (g1, g2 …). The
 * number is the size, 10 at the root unless given, `-` when the node has none. `n~a 5` is a leaf that a split took
 * from `a`.
 */
import type { FlexDirection, LayoutNode } from '../../src/protocol/control/index.ts';

export type Tree = LayoutNode | null;

const TOKEN = /\s*([A-Za-z0-9_.-]+|[[\],:~])/y;
const MADE_UP = /^g\d+$/;

export function parseTree(text: string): LayoutNode {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) tokens.push(match[1]!);
  let at = 0;
  let groups = 0;
  const skip = (token: string): boolean => tokens[at] === token && ++at > 0;
  const size = (): { size?: number } => {
    const token = tokens[at];
    if (token === undefined || !/^(?:[\d.]+|-)$/.test(token)) return { size: 10 };
    at++;
    return token === '-' ? {} : { size: Number(token) };
  };
  const node = (leafDirection: FlexDirection): LayoutNode => {
    const word = tokens[at++] ?? '';
    if ((word === 'row' || word === 'col') && (tokens[at] === '[' || tokens[at] === ':')) {
      const flexDirection = word === 'row' ? 'row' : 'column';
      const id = skip(':') ? tokens[at++]! : `g${++groups}`;
      if (!skip('[')) throw new Error(`no [ in ${text}`);
      const children = [node(flexDirection === 'row' ? 'column' : 'row')];
      while (skip(',')) children.push(node(flexDirection === 'row' ? 'column' : 'row'));
      if (!skip(']')) throw new Error(`no ] in ${text}`);
      return { id, flexDirection, ...size(), children };
    }
    const splitFrom = skip('~') ? { splitFrom: tokens[at++] } : {};
    return { id: word, flexDirection: leafDirection, ...size(), data: { blockId: word }, ...splitFrom };
  };
  const tree = node('row');
  if (at !== tokens.length) throw new Error(`"${tokens[at]}" is too much in ${text}`);
  return tree;
}

/** The inverse of `parseTree`, sizes to ten digits; `-` for the empty tree. */
export function drawTree(tree: Tree): string {
  if (tree === null) return '-';
  const text = draw(tree);
  return text.endsWith(' 10') ? text.slice(0, -3) : text;
}

function draw(node: LayoutNode): string {
  const size = node.size === undefined ? '-' : String(Number(node.size.toPrecision(10)));
  if (node.children === undefined) {
    const from = typeof node.splitFrom === 'string' ? `~${node.splitFrom}` : '';
    return `${node.id}${from} ${size}`;
  }
  const name = `${node.flexDirection === 'row' ? 'row' : 'col'}${MADE_UP.test(node.id) ? '' : `:${node.id}`}`;
  return `${name}[${node.children.map(draw).join(', ')}] ${size}`;
}

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const UNIT_SQUARE: Area = { x: 0, y: 0, width: 1, height: 1 };

/** Where each node of the tree is, by id. */
export function areasOf(tree: Tree, whole: Area = UNIT_SQUARE): Map<string, Area> {
  const areas = new Map<string, Area>();
  if (tree !== null) lay(tree, whole, areas);
  return areas;
}

function lay(node: LayoutNode, area: Area, areas: Map<string, Area>): void {
  areas.set(node.id, area);
  const children = node.children ?? [];
  const total = children.reduce((sum, child) => sum + child.size!, 0);
  let from = 0;
  for (const child of children) {
    const share = child.size! / total;
    lay(
      child,
      node.flexDirection === 'row'
        ? { ...area, x: area.x + from * area.width, width: share * area.width }
        : { ...area, y: area.y + from * area.height, height: share * area.height },
      areas,
    );
    from += share;
  }
}

export function nodesOf(tree: Tree): LayoutNode[] {
  if (tree === null) return [];
  return [tree, ...(tree.children ?? []).flatMap(nodesOf)];
}

export function leavesOf(tree: Tree): LayoutNode[] {
  return nodesOf(tree).filter((node) => node.children === undefined);
}

/** What is wrong with a tree that should be in normal form: [] when nothing is. */
export function violations(tree: Tree): string[] {
  const found: string[] = [];
  const ids = new Set<string>();
  const blocks = new Set<string>();
  const look = (node: LayoutNode, parent: LayoutNode | null, depth: number): void => {
    if (ids.has(node.id)) found.push(`${node.id} is there twice`);
    ids.add(node.id);
    const { size } = node;
    if (size === undefined || !Number.isFinite(size) || size <= 0 || size > 100)
      found.push(`${node.id} has size ${size}`);
    if (depth > 32) found.push(`${node.id} is on level ${depth}`);
    const opposite = parent === null ? 'row' : parent.flexDirection === 'row' ? 'column' : 'row';
    if (node.children === undefined) {
      if (node.data === undefined) found.push(`${node.id} is neither leaf nor branch`);
      else if (blocks.has(node.data.blockId)) found.push(`block ${node.data.blockId} is in two leaves`);
      else blocks.add(node.data.blockId);
      if (node.flexDirection !== opposite) found.push(`leaf ${node.id} lies along its parent`);
      return;
    }
    if (node.data !== undefined) found.push(`${node.id} is leaf and branch`);
    if (node.children.length < 2) found.push(`${node.id} has ${node.children.length} children`);
    if (parent !== null && node.flexDirection !== opposite) found.push(`${node.id} has its parent's direction`);
    for (const child of node.children) look(child, node, depth + 1);
  };
  if (tree !== null) look(tree, null, 1);
  if (ids.size > 1024) found.push(`there are ${ids.size} nodes`);
  return found;
}

/** Any write to the tree throws from now on. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
