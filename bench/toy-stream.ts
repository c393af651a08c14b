/** A small runtime's workspaces and a stream of commands on them that each commit one event. */
import type { WorkspacesCommand } from '../src/protocol/control/index.ts';

/** Commands that share a commit while a log is filled. */
export const FILL_BATCH = 16;

const TABS = 100;
const BLOCKS_PER_TAB = 4;

export function toyLayout(): WorkspacesCommand[] {
  const tabs = Array.from({ length: TABS }, (_, tab) => tab);
  return [
    { cmd: 'create_workspace', name: 'toy', workspace_id: 'w' },
    ...tabs.map((tab): WorkspacesCommand => ({ cmd: 'create_tab', workspace_id: 'w', name: '', tab_id: `t${tab}` })),
    ...tabs.flatMap((tab) =>
      Array.from({ length: BLOCKS_PER_TAB }, (_, at): WorkspacesCommand => {
        const block_id = `b${tab}.${at}`;
        return { cmd: 'create_block', tab_id: `t${tab}`, block_id, place: { node_id: `n${tab}.${at}` } };
      }),
    ),
  ];
}

/** Endless. One in eight changes a layout and so says a whole tree. */
export function* toyCommands(): Generator<WorkspacesCommand, never> {
  for (let turn = 0; ; turn++) {
    const tab = turn % TABS;
    const tab_id = `t${tab}`;
    const round = Math.floor(turn / TABS);
    yield { cmd: 'rename_tab', tab_id, name: `name ${turn}` };
    yield { cmd: 'set_active_tab', workspace_id: 'w', tab_id: `t${(tab + 1) % TABS}` };
    yield { cmd: 'update_block_meta', block_id: `b${tab}.0`, meta_patch: { turn } };
    yield { cmd: 'set_focused_node', tab_id, node_id: `n${tab}.${round % 2}` };
    yield { cmd: 'update_tab_meta', tab_id, meta_patch: { turn } };
    yield { cmd: 'rename_workspace', workspace_id: 'w', name: `toy ${turn}` };
    yield { cmd: 'layout_swap_nodes', tab_id, node1_id: `n${tab}.0`, node2_id: `n${tab}.1`, correlation_id: '' };
    yield { cmd: 'update_workspace_meta', workspace_id: 'w', meta_patch: { turn } };
  }
}
