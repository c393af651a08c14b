/** Commands on workspaces, tabs, blocks and the windows that show them (seed 2, #21–40), and `bind_block`. */
import { z } from 'zod';
import { TABS_PER_WORKSPACE } from '../../limits.ts';
import { choice, flag, id, list, ours, title, u32 } from './fields.ts';
import { LAYOUT_COMMANDS, place } from './layout.ts';
import { metaPatch } from './meta.ts';

/** What becomes of the sessions of the blocks that go. Required when one of them is live. */
const session = ours(choice(['detach', 'terminate']).exactOptional());
const newId = ours(id.exactOptional());

export const WORKSPACES_COMMANDS = {
  /** "" is the default name. */
  create_workspace: z.object({ cmd: z.literal('create_workspace'), name: title, workspace_id: newId }),
  delete_workspace: z.object({
    cmd: z.literal('delete_workspace'),
    workspace_id: id,
    force: flag.exactOptional(),
    session,
  }),
  create_tab: z.object({ cmd: z.literal('create_tab'), workspace_id: id, name: title, tab_id: newId }),
  delete_tab: z.object({
    cmd: z.literal('delete_tab'),
    workspace_id: id,
    tab_id: id,
    force: flag.exactOptional(),
    session,
  }),
  set_active_tab: z.object({ cmd: z.literal('set_active_tab'), workspace_id: id, tab_id: id }),
  reorder_tab: z.object({ cmd: z.literal('reorder_tab'), workspace_id: id, tab_id: id, new_index: u32 }),
  create_window: z.object({ cmd: z.literal('create_window'), window_id: id, workspace_id: id }),
  close_window_internal: z.object({ cmd: z.literal('close_window_internal'), window_id: id }),
  switch_workspace: z.object({ cmd: z.literal('switch_workspace'), window_id: id, workspace_id: id }),
  reorder_tabs_bulk: z.object({
    cmd: z.literal('reorder_tabs_bulk'),
    workspace_id: id,
    tab_ids: list(id, TABS_PER_WORKSPACE),
  }),
  rename_workspace: z.object({ cmd: z.literal('rename_workspace'), workspace_id: id, name: title }),
  rename_tab: z.object({ cmd: z.literal('rename_tab'), tab_id: id, name: title }),
  update_workspace_meta: z.object({
    cmd: z.literal('update_workspace_meta'),
    workspace_id: id,
    meta_patch: metaPatch,
  }),
  update_tab_meta: z.object({ cmd: z.literal('update_tab_meta'), tab_id: id, meta_patch: metaPatch }),
  update_block_meta: z.object({ cmd: z.literal('update_block_meta'), block_id: id, meta_patch: metaPatch }),
  update_window_meta: z.object({ cmd: z.literal('update_window_meta'), window_id: id, meta_patch: metaPatch }),
  move_tab: z.object({
    cmd: z.literal('move_tab'),
    tab_id: id,
    src_workspace_id: id,
    dst_workspace_id: id,
    dst_index: u32,
    /** What happens to a source that would be left without a tab; refused unless given. */
    fallback: ours(choice(['delete_workspace', 'allow_empty']).exactOptional()),
  }),
  move_block: z.object({
    cmd: z.literal('move_block'),
    block_id: id,
    src_tab_id: id,
    dst_tab_id: id,
    dst_index: u32,
  }),
  create_block: z.object({
    cmd: z.literal('create_block'),
    tab_id: id,
    meta: metaPatch.exactOptional(),
    block_id: newId,
    /** Binds the block to a session at once. */
    session_id: ours(id.exactOptional()),
    /** Creates its leaf in the same commit. */
    place: ours(place.exactOptional()),
  }),
  delete_block: z.object({ cmd: z.literal('delete_block'), tab_id: id, block_id: id, session }),
  ...LAYOUT_COMMANDS,
  /** Null takes the session away. */
  bind_block: ours(z.object({ cmd: z.literal('bind_block'), block_id: id, session_id: id.nullable() })),
};
