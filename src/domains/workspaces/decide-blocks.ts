/** Blocks: what a tab shows. Leaving a tab, a block leaves its layout in the same commit. */
import type { WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError, limits } from '../../protocol/index.ts';
import { checkRoom, newId } from './check.ts';
import { type Decide, NOTHING, partFromSessions, type SessionsView } from './decision.ts';
import { without } from './evolve.ts';
import { placeBlock, takeBlockOut } from './placement.ts';
import { firstMeta, patchMeta } from './meta.ts';
import { blockOf, checkBlockIn, missing, tabOf, type WorkspacesState } from './state.ts';

export const createBlock: Decide<'create_block'> = (state, command, context) => {
  const tab = tabOf(state, command.tab_id);
  const meta = firstMeta(command.meta);
  checkRoom('blocks of this tab', 'tab_id', tab.blocks.length, limits.BLOCKS_PER_TAB);
  const block_id = newId(state.blocks, 'block_id', command.block_id, context.ulid);
  const session_id = command.session_id ?? null;
  if (session_id !== null) checkBindable(state, session_id, context.sessions);
  const created: WorkspacesEvent = { event: 'block_created', tab_id: tab.id, block_id, meta, session_id };
  if (command.place === undefined) return { events: [created], result: { block_id } };
  const placed = placeBlock(tab, block_id, command.place, context.ulid);
  return { events: [created, ...placed.events], result: { block_id, node_id: placed.node_id } };
};

export const deleteBlock: Decide<'delete_block'> = (state, { tab_id, block_id, session }, context) => {
  const block = state.blocks.get(block_id);
  if (block === undefined) return { ...NOTHING, result: { deleted: false } };
  const tab = tabOf(state, tab_id);
  checkBlockIn(block, tab_id);
  const parted = partFromSessions(state, [block_id], session, context);
  return {
    events: [...takeBlockOut(tab, block_id), { event: 'block_deleted', tab_id, block_id }],
    result: { deleted: true, ...parted },
    terminate: parted.terminated,
  };
};

/** Within its tab only its place in the order changes; its leaf stays. */
export const moveBlock: Decide<'move_block'> = (state, command) => {
  const { block_id, src_tab_id, dst_tab_id } = command;
  const source = tabOf(state, src_tab_id, 'src_tab_id');
  const target = tabOf(state, dst_tab_id, 'dst_tab_id');
  checkBlockIn(blockOf(state, block_id), src_tab_id);
  const others = without(target.blocks, block_id);
  if (source !== target) checkRoom('blocks of that tab', 'dst_tab_id', others.length, limits.BLOCKS_PER_TAB);
  const dst_index = Math.min(command.dst_index, others.length);
  const result = { dst_index };
  if (source === target && source.blocks[dst_index] === block_id) return { ...NOTHING, result };
  const left = source === target ? [] : takeBlockOut(source, block_id);
  return { events: [...left, { event: 'block_moved', block_id, src_tab_id, dst_tab_id, dst_index }], result };
};

export const updateBlockMeta: Decide<'update_block_meta'> = (state, { block_id, meta_patch }) => {
  const block = blockOf(state, block_id);
  const meta = patchMeta(block.meta, meta_patch);
  if (meta === null) return { ...NOTHING, result: { meta: block.meta } };
  return { events: [{ event: 'block_meta_updated', block_id, meta_patch, meta }], result: { meta } };
};

export const bindBlock: Decide<'bind_block'> = (state, { block_id, session_id }, context) => {
  const block = blockOf(state, block_id);
  if (block.session === session_id) return NOTHING;
  if (session_id !== null) checkBindable(state, session_id, context.sessions);
  return { events: [{ event: 'block_bound', block_id, session_id }] };
};

function checkBindable(state: WorkspacesState, sessionId: string, sessions: SessionsView): void {
  if (!sessions.exists(sessionId)) throw missing('session', 'session_id', sessionId);
  const block = state.bound.get(sessionId);
  if (block === undefined) return;
  throw new HoldfastError('conflict', `session "${sessionId}" is shown by block "${block}": take it away there first`, {
    field: 'session_id',
    details: { block_id: block },
  });
}
