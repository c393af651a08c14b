/** Commands on workspaces, tabs, blocks and the windows that show them (seed 2, #21–53), and `bind_block`. */
import { TABS_PER_WORKSPACE } from '../../limits.ts';
import { choice, flag, id, list, ours, title, u32 } from './fields.ts';
import { LAYOUT_COMMANDS, place } from './layout.ts';
import { metaPatch } from './meta.ts';
import { ourCommands, seedCommands } from './variants.ts';

const session = ours(choice(['detach', 'terminate']).exactOptional()).describe(
  'What becomes of the sessions of the blocks that go; needed when one of them is live',
);
const newId = ours(id.exactOptional()).describe('The new id; else one is made');

export const WORKSPACES_COMMANDS = {
  ...seedCommands({
    create_workspace: ['Creates an empty workspace; "" is the default name', { name: title, workspace_id: newId }],
    delete_workspace: [
      'Deletes a workspace with its tabs and blocks, and its windows; success if there is none',
      {
        workspace_id: id,
        force: flag.exactOptional().describe('Says who asked; changes nothing'),
        session,
      },
    ],
    create_tab: ['Appends a tab; "" names it by its number', { workspace_id: id, name: title, tab_id: newId }],
    delete_tab: [
      'Deletes a tab with its blocks; success if there is none',
      {
        workspace_id: id,
        tab_id: id,
        force: flag.exactOptional().describe("Also a workspace's last tab"),
        session,
      },
    ],
    set_active_tab: ['Makes a tab the active one of its workspace', { workspace_id: id, tab_id: id }],
    reorder_tab: [
      'Moves a tab within its workspace; the index is clamped',
      { workspace_id: id, tab_id: id, new_index: u32 },
    ],
    create_window: ['Records which workspace a window shows', { window_id: id, workspace_id: id }],
    close_window_internal: ['Forgets a window; success if there is none', { window_id: id }],
    switch_workspace: ['Shows another workspace in a window', { window_id: id, workspace_id: id }],
    reorder_tabs_bulk: [
      'Orders the tabs of a workspace',
      {
        workspace_id: id,
        tab_ids: list(id, TABS_PER_WORKSPACE).describe('Every tab of the workspace, each once'),
      },
    ],
    rename_workspace: ['Renames a workspace', { workspace_id: id, name: title }],
    rename_tab: ['Renames a tab', { tab_id: id, name: title }],
    update_workspace_meta: [
      'Merges a patch (RFC 7396) into the meta of a workspace',
      { workspace_id: id, meta_patch: metaPatch },
    ],
    update_tab_meta: ['Merges a patch (RFC 7396) into the meta of a tab', { tab_id: id, meta_patch: metaPatch }],
    update_block_meta: ['Merges a patch (RFC 7396) into the meta of a block', { block_id: id, meta_patch: metaPatch }],
    update_window_meta: [
      'Merges a patch (RFC 7396) into the meta of a window',
      { window_id: id, meta_patch: metaPatch },
    ],
    move_tab: [
      'Moves a tab to another workspace, where it becomes the active one',
      {
        tab_id: id,
        src_workspace_id: id,
        dst_workspace_id: id,
        dst_index: u32,
        fallback: ours(choice(['delete_workspace', 'allow_empty']).exactOptional()).describe(
          'What becomes of a source without a tab; such a move is refused unless this is given',
        ),
      },
    ],
    move_block: [
      'Moves a block to another tab, or within its own; its leaf goes in the same commit',
      { block_id: id, src_tab_id: id, dst_tab_id: id, dst_index: u32 },
    ],
    create_block: [
      'Appends a block to a tab',
      {
        tab_id: id,
        meta: metaPatch.exactOptional(),
        block_id: newId,
        session_id: ours(id.exactOptional()).describe('Binds the block to this session'),
        place: ours(place.exactOptional()).describe('Creates its leaf in the same commit; else it is parked'),
      },
    ],
    delete_block: [
      'Deletes a block; its leaf goes in the same commit; success if there is none',
      { tab_id: id, block_id: id, session },
    ],
  }),
  ...LAYOUT_COMMANDS,
  ...ourCommands({
    bind_block: [
      'Binds a block to a session, or unbinds it. A session has at most one block',
      { block_id: id, session_id: id.nullable() },
    ],
  }),
};
