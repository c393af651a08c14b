/**
 * The layout tree of a tab and the commands that change it (seed 2, #41–53). Field names are the seed's: `flexDirection`
 * and `blockId` in camel case, the rest in snake case.
 */
import { z } from 'zod';
import { LAYOUT_DEPTH, LAYOUT_NODES, LAYOUT_SIZE_MAX } from '../../limits.ts';
import { choice, correlationId, flag, id, idOrNone, list, OBJECT, ours, u32 } from './fields.ts';
import { seedCommands } from './variants.ts';

const SIZE = { error: `must be a number above 0 and at most ${LAYOUT_SIZE_MAX}` };
/** Relative among siblings. */
export const size = z.number(SIZE).gt(0, SIZE).max(LAYOUT_SIZE_MAX, SIZE);

/** What a leaf shows. Unknown keys are kept. */
const leaf = z.looseObject({ blockId: id }, OBJECT);

export const flexDirection = choice(['row', 'column']);

/**
 * Leaf (`data`) or branch (`children`); unknown keys are kept. Without `size` only where a command leaves it to the
 * runtime. Written out because inference through a recursive getter depends on who asks first.
 */
export type LayoutNode = {
  id: string;
  flexDirection: 'row' | 'column';
  size?: number;
  children?: LayoutNode[];
  data?: z.infer<typeof leaf>;
  [extra: string]: unknown;
};
type Fields = Record<'id' | 'flexDirection' | 'size' | 'children' | 'data', z.ZodType>;

/** How many nodes and levels a tree may have is the layout's to say: `too_large`. */
export const layoutNode: z.ZodType<LayoutNode> = z
  .looseObject(
    {
      id,
      flexDirection: flexDirection.default('row'),
      size: size.exactOptional(),
      get children(): z.ZodExactOptional<z.ZodArray<z.ZodType<LayoutNode>>> {
        return list(layoutNode).exactOptional();
      },
      data: leaf.exactOptional(),
    } satisfies Fields,
    OBJECT,
  )
  .describe(
    'A leaf has `data`, a branch `children`. Unknown keys are kept. Without `size` it gets what fits its place',
  );

/** As state and events have it: with its direction and size. */
export const placedNode: z.ZodType<LayoutNode> = z
  .looseObject(
    {
      id,
      flexDirection,
      size,
      get children(): z.ZodExactOptional<z.ZodArray<z.ZodType<LayoutNode>>> {
        return list(placedNode).exactOptional();
      },
      data: leaf.exactOptional(),
    } satisfies Fields,
    OBJECT,
  )
  .describe('A leaf has `data`, a branch `children`. Unknown keys are kept');

export const resizeOp = z.object({ node_id: id, size }, OBJECT);
export const splitPosition = choice(['before', 'after']);

const groupId = ours(id.exactOptional());

const afterwards = {
  focus_after: flag.exactOptional().describe('Default true'),
  magnify_after: flag.exactOptional().describe('Default false'),
  correlation_id: correlationId.exactOptional().describe('Default ""'),
};

const insertPlace = z.object(
  {
    node_id: id.exactOptional(),
    parent_id: id.exactOptional(),
    index: u32.exactOptional(),
    group_id: id.exactOptional(),
    size: size.exactOptional(),
    ...afterwards,
    target_id: z.never({ error: 'goes with direction and position' }).exactOptional(),
    direction: z.never({ error: 'goes with target_id' }).exactOptional(),
    position: z.never({ error: 'goes with target_id' }).exactOptional(),
  },
  OBJECT,
);

const splitPlace = z.object(
  {
    node_id: id.exactOptional(),
    target_id: id,
    direction: flexDirection,
    position: splitPosition,
    group_id: id.exactOptional(),
    size: size.exactOptional(),
    ...afterwards,
    parent_id: z.never({ error: 'does not go with target_id' }).exactOptional(),
    index: z.never({ error: 'does not go with target_id' }).exactOptional(),
  },
  OBJECT,
);

export const place = ours(z.union([insertPlace, splitPlace])).describe(
  'Into a parent, or where there is room; or beside a node, which shares its slot',
);

const split = {
  tab_id: id,
  target_id: id,
  new_node: layoutNode,
  position: splitPosition,
  focus_after: flag,
  correlation_id: correlationId,
  size: ours(size.exactOptional()).describe("The new node's size after the split; half the target's slot unless given"),
  group_id: groupId,
};

export const LAYOUT_COMMANDS = seedCommands({
  set_focused_node: ['Focuses a node; "" none', { tab_id: id, node_id: idOrNone }],
  set_magnified_node: ['Magnifies a node; "" none', { tab_id: id, node_id: idOrNone }],
  layout_insert_node: [
    'Puts a node into a parent, or where there is room. `magnify_after` implies `focus_after`',
    {
      tab_id: id,
      node: layoutNode,
      parent_id: id.exactOptional(),
      index: u32.exactOptional().describe('Among the children of the parent; beyond the last or missing: after it'),
      focus_after: flag,
      magnify_after: flag,
      correlation_id: correlationId,
      group_id: groupId,
    },
  ],
  layout_insert_node_at_index: [
    'Puts a node at the end of a path of indexes, each clamped',
    {
      tab_id: id,
      node: layoutNode,
      index_arr: list(u32, LAYOUT_DEPTH),
      focus_after: flag,
      magnify_after: flag,
      correlation_id: correlationId,
      group_id: groupId,
    },
  ],
  layout_delete_node: [
    'Takes a node out; the blocks of its leaves are parked',
    { tab_id: id, node_id: id, correlation_id: correlationId },
  ],
  layout_move_node: [
    'Gives a node another parent or index; its size travels with it',
    { tab_id: id, node_id: id, new_parent_id: id, index: u32, correlation_id: correlationId, group_id: groupId },
  ],
  layout_swap_nodes: [
    'Exchanges two nodes; sizes travel with them',
    { tab_id: id, node1_id: id, node2_id: id, correlation_id: correlationId },
  ],
  layout_resize_nodes: [
    'Sets sizes, all or none',
    { tab_id: id, ops: list(resizeOp, LAYOUT_NODES), correlation_id: correlationId },
  ],
  layout_replace_node: [
    'Puts a node in the place and size of another, whose blocks are parked',
    { tab_id: id, target_id: id, new_node: layoutNode, focus_after: flag, correlation_id: correlationId },
  ],
  layout_split_horizontal: ['Puts a node left or right of another, which shares its slot', split],
  layout_split_vertical: ['Puts a node above or below another, which shares its slot', split],
  layout_clear: ['Takes the whole tree away; its blocks are parked', { tab_id: id, correlation_id: correlationId }],
  layout_set_tree: [
    'Replaces the whole tree; blocks it does not name are parked',
    {
      tab_id: id,
      new_tree: layoutNode.nullable().exactOptional().describe('Null or missing clears the tree'),
      correlation_id: correlationId,
    },
  ],
});
