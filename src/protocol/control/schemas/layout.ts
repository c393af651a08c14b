/**
 * The layout tree of a tab and the commands that change it (seed 2, #41–53). Field names are the seed's: `flexDirection`
 * and `blockId` in camel case, the rest in snake case.
 */
import { z } from 'zod';
import { LAYOUT_DEPTH, LAYOUT_NODES, LAYOUT_SIZE_MAX } from '../../limits.ts';
import { choice, correlationId, flag, id, idOrNone, list, ours, u32 } from './fields.ts';

const SIZE = { error: `must be a number above 0 and at most ${LAYOUT_SIZE_MAX}` };
/** Relative among siblings. */
export const size = z.number(SIZE).gt(0, SIZE).max(LAYOUT_SIZE_MAX, SIZE);

const OBJECT = { error: 'must be an object' };

/** What a leaf shows. Unknown keys are kept. */
const leaf = z.looseObject({ blockId: id }, OBJECT);

export const flexDirection = choice(['row', 'column']);

/** Leaf (`data`) or branch (`children`). Unknown keys are kept. A command may leave `size` out: "not given". */
export const layoutNode = z.looseObject(
  {
    id,
    flexDirection: flexDirection.default('row'),
    size: size.exactOptional(),
    get children() {
      return list(layoutNode, LAYOUT_NODES).exactOptional();
    },
    data: leaf.exactOptional(),
  },
  OBJECT,
);

export const resizeOp = z.object({ node_id: id, size }, OBJECT);
export const splitPosition = choice(['before', 'after']);

const index = u32;
const groupId = ours(id.exactOptional());

/** Where a new block goes: into a parent (or where there is room) … */
const insertPlace = z.object(
  {
    node_id: id.exactOptional(),
    parent_id: id.exactOptional(),
    index: index.exactOptional(),
    group_id: id.exactOptional(),
    size: size.exactOptional(),
    focus_after: flag.exactOptional(),
    magnify_after: flag.exactOptional(),
    correlation_id: correlationId.exactOptional(),
    target_id: z.never({ error: 'goes with direction and position' }).exactOptional(),
    direction: z.never({ error: 'goes with target_id' }).exactOptional(),
    position: z.never({ error: 'goes with target_id' }).exactOptional(),
  },
  OBJECT,
);

/** … or beside a node, which shares its slot. */
const splitPlace = z.object(
  {
    node_id: id.exactOptional(),
    target_id: id,
    direction: flexDirection,
    position: splitPosition,
    group_id: id.exactOptional(),
    size: size.exactOptional(),
    focus_after: flag.exactOptional(),
    magnify_after: flag.exactOptional(),
    correlation_id: correlationId.exactOptional(),
    parent_id: z.never({ error: 'does not go with target_id' }).exactOptional(),
    index: z.never({ error: 'does not go with target_id' }).exactOptional(),
  },
  OBJECT,
);

/** Defaults: focus_after true, magnify_after false, correlation_id "". */
export const place = z.union([insertPlace, splitPlace]);

const split = {
  tab_id: id,
  target_id: id,
  new_node: layoutNode,
  position: splitPosition,
  focus_after: flag,
  correlation_id: correlationId,
  /** The new node's size after the split; half the target's slot unless given. */
  size: ours(size.exactOptional()),
  group_id: groupId,
};

export const LAYOUT_COMMANDS = {
  set_focused_node: z.object({ cmd: z.literal('set_focused_node'), tab_id: id, node_id: idOrNone }),
  set_magnified_node: z.object({ cmd: z.literal('set_magnified_node'), tab_id: id, node_id: idOrNone }),
  layout_insert_node: z.object({
    cmd: z.literal('layout_insert_node'),
    tab_id: id,
    node: layoutNode,
    parent_id: id.exactOptional(),
    index: index.exactOptional(),
    focus_after: flag,
    magnify_after: flag,
    correlation_id: correlationId,
    group_id: groupId,
  }),
  layout_insert_node_at_index: z.object({
    cmd: z.literal('layout_insert_node_at_index'),
    tab_id: id,
    node: layoutNode,
    index_arr: list(index, LAYOUT_DEPTH),
    focus_after: flag,
    magnify_after: flag,
    correlation_id: correlationId,
    group_id: groupId,
  }),
  layout_delete_node: z.object({
    cmd: z.literal('layout_delete_node'),
    tab_id: id,
    node_id: id,
    correlation_id: correlationId,
  }),
  layout_move_node: z.object({
    cmd: z.literal('layout_move_node'),
    tab_id: id,
    node_id: id,
    new_parent_id: id,
    index,
    correlation_id: correlationId,
    group_id: groupId,
  }),
  layout_swap_nodes: z.object({
    cmd: z.literal('layout_swap_nodes'),
    tab_id: id,
    node1_id: id,
    node2_id: id,
    correlation_id: correlationId,
  }),
  layout_resize_nodes: z.object({
    cmd: z.literal('layout_resize_nodes'),
    tab_id: id,
    ops: list(resizeOp, LAYOUT_NODES),
    correlation_id: correlationId,
  }),
  layout_replace_node: z.object({
    cmd: z.literal('layout_replace_node'),
    tab_id: id,
    target_id: id,
    new_node: layoutNode,
    focus_after: flag,
    correlation_id: correlationId,
  }),
  layout_split_horizontal: z.object({ cmd: z.literal('layout_split_horizontal'), ...split }),
  layout_split_vertical: z.object({ cmd: z.literal('layout_split_vertical'), ...split }),
  layout_clear: z.object({ cmd: z.literal('layout_clear'), tab_id: id, correlation_id: correlationId }),
  layout_set_tree: z.object({
    cmd: z.literal('layout_set_tree'),
    tab_id: id,
    /** Null or missing clears the tree. */
    new_tree: layoutNode.nullable().exactOptional(),
    correlation_id: correlationId,
  }),
};
