/** A tab whose layout has 1,000 leaves, and the eleven operations on it, each with what takes it back. */
import type { LayoutNode, WorkspacesCommand } from '../src/protocol/control/index.ts';

const COLUMNS = 20;
const ROWS = 50;
/** One block of the thousand is parked: what is inserted. Nodes: 20 groups, the root and the leaves. */
export const LEAVES = COLUMNS * ROWS;
export const TAB = 't';

const SPARE = leaf('spare', 'b999');
const where = { tab_id: TAB, correlation_id: '' };
const after = { focus_after: false, magnify_after: false };
const removed: WorkspacesCommand = { cmd: 'layout_delete_node', ...where, node_id: SPARE.id };

export interface Operation {
  name: string;
  /** The measured command; `turn` differs from time to time. */
  act(turn: number): WorkspacesCommand;
  /** Brings the layout back. Missing: the next `act` may follow at once. */
  undo?(turn: number): WorkspacesCommand;
}

/** Without its last leaf, whose block is parked. */
export function largeTree(): LayoutNode {
  const columns = range(0, COLUMNS).map((column) => ({
    id: `c${column}`,
    flexDirection: 'column' as const,
    size: 5,
    children: range(column * ROWS, Math.min((column + 1) * ROWS, LEAVES - 1)).map((at) => leaf(`n${at}`, `b${at}`)),
  }));
  return { id: 'root', flexDirection: 'row', size: 100, children: columns };
}

/** The tab, its thousand blocks and its layout. */
export function largeLayout(): WorkspacesCommand[] {
  return [
    { cmd: 'create_workspace', name: '', workspace_id: 'w' },
    { cmd: 'create_tab', workspace_id: 'w', name: '', tab_id: TAB },
    ...range(0, LEAVES).map((at): WorkspacesCommand => ({ cmd: 'create_block', tab_id: TAB, block_id: `b${at}` })),
    { cmd: 'layout_set_tree', ...where, new_tree: largeTree() },
  ];
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'layout_insert_node, place found',
    act: () => ({ cmd: 'layout_insert_node', ...where, node: SPARE, ...after }),
    undo: () => removed,
  },
  {
    name: 'layout_insert_node_at_index',
    act: (turn) => ({
      cmd: 'layout_insert_node_at_index',
      ...where,
      node: SPARE,
      index_arr: [turn % COLUMNS, turn % (ROWS - 1)],
      ...after,
    }),
    undo: () => removed,
  },
  {
    name: 'layout_delete_node',
    act: (turn) => ({ cmd: 'layout_delete_node', ...where, node_id: nodeAt(turn) }),
    undo: (turn) => ({
      cmd: 'layout_insert_node',
      ...where,
      node: leaf(nodeAt(turn), `b${placeAt(turn)}`),
      parent_id: `c${turn % COLUMNS}`,
      index: placeAt(turn) % ROWS,
      ...after,
    }),
  },
  {
    name: 'layout_move_node, to another group',
    act: (turn) => move(turn, (turn + 7) % COLUMNS, 0),
    undo: (turn) => move(turn, turn % COLUMNS, placeAt(turn) % ROWS),
  },
  {
    name: 'layout_swap_nodes',
    act: (turn) => ({
      cmd: 'layout_swap_nodes',
      ...where,
      node1_id: nodeAt(Math.floor(turn / 2) * 2),
      node2_id: nodeAt(Math.floor(turn / 2) * 2 + 1),
    }),
  },
  {
    name: 'layout_resize_nodes, two',
    act: (turn) => resize(turn, 11, 9),
    undo: (turn) => resize(turn, 10, 10),
  },
  {
    name: 'layout_replace_node',
    act: (turn) => replace(nodeAt(turn), SPARE),
    undo: (turn) => replace(SPARE.id, leaf(nodeAt(turn), `b${placeAt(turn)}`)),
  },
  { name: 'layout_split_horizontal', act: (turn) => split('layout_split_horizontal', turn), undo: () => removed },
  { name: 'layout_split_vertical', act: (turn) => split('layout_split_vertical', turn), undo: () => removed },
  {
    name: 'layout_clear',
    act: () => ({ cmd: 'layout_clear', ...where }),
    undo: () => ({ cmd: 'layout_set_tree', ...where, new_tree: largeTree() }),
  },
  {
    name: 'layout_set_tree, every leaf',
    act: (turn) => {
      const tree = largeTree();
      return { cmd: 'layout_set_tree', ...where, new_tree: { ...tree, size: 50 + (turn % 2) } };
    },
  },
];

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, at) => from + at);
}

function leaf(id: string, blockId: string): LayoutNode {
  return { id, flexDirection: 'row', size: 10, data: { blockId } };
}

/** Another leaf for each turn, never the last of its column. */
function placeAt(turn: number): number {
  return (turn % COLUMNS) * ROWS + (Math.floor(turn / COLUMNS) % (ROWS - 1));
}

function nodeAt(turn: number): string {
  return `n${placeAt(turn)}`;
}

function move(turn: number, column: number, index: number): WorkspacesCommand {
  return { cmd: 'layout_move_node', ...where, node_id: nodeAt(turn), new_parent_id: `c${column}`, index };
}

function resize(turn: number, one: number, other: number): WorkspacesCommand {
  const ops = [
    { node_id: nodeAt(turn), size: one },
    { node_id: nodeAt(turn + COLUMNS), size: other },
  ];
  return { cmd: 'layout_resize_nodes', ...where, ops };
}

function replace(target_id: string, new_node: LayoutNode): WorkspacesCommand {
  return { cmd: 'layout_replace_node', ...where, target_id, new_node, focus_after: false };
}

function split(cmd: 'layout_split_horizontal' | 'layout_split_vertical', turn: number): WorkspacesCommand {
  return { cmd, ...where, target_id: nodeAt(turn), new_node: SPARE, position: 'after', focus_after: false };
}
