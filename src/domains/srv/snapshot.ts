/** The state as `srv_snapshot` tells it: the seed's tuples, and beside them all that they leave out. */
import type { SnapshotFacts } from '../../protocol/control/index.ts';
import { agentRecords, openMessages } from '../agents/index.ts';
import { type SocketPlaces, toRecord } from '../sessions/index.ts';
import type { Meta } from '../workspaces/index.ts';
import type { SrvState } from './index.ts';

/** Every list is sorted by id: equal states give equal JSON. */
export function snapshotOf(state: SrvState, places: SocketPlaces): SnapshotFacts {
  const workspaces = sorted(state.workspaces.workspaces);
  const tabs = sorted(state.workspaces.tabs);
  const blocks = sorted(state.workspaces.blocks);
  const windows = sorted(state.workspaces.windows);
  return {
    lifecycle: state.connections.lifecycle,
    workspaces: workspaces.map(([id, { name }]) => [id, name]),
    tabs: tabs.map(([id, { workspace_id, name }]) => [id, workspace_id, name]),
    active_tabs: workspaces.flatMap(([id, { active }]) => (active === null ? [] : [[id, active]])),
    blocks: blocks.map(([id, { tab_id }]) => [id, tab_id]),
    state: {
      tab_order: workspaces.map(([id, workspace]) => [id, [...workspace.tabs]]),
      block_order: tabs.map(([id, tab]) => [id, [...tab.blocks]]),
      layouts: tabs.map(([id, { tree }]) => [id, tree]),
      focus: tabs.map(([id, { focused, magnified }]) => [id, { focused, magnified }]),
      windows: windows.map(([id, { workspace_id }]) => [id, workspace_id]),
      meta: { workspaces: metas(workspaces), tabs: metas(tabs), blocks: metas(blocks), windows: metas(windows) },
      bindings: blocks.flatMap(([id, { session }]) => (session === null ? [] : [[id, session]])),
      connections: sorted(state.connections.processes),
      sessions: sorted(state.sessions.sessions).map(([, session]) => toRecord(session, places)),
      agents: agentRecords(state.agents),
      messages: openMessages(state.agents),
      sagas: [],
    },
  };
}

/** By code unit, as no locale changes it. */
function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : 1));
}

function metas(things: [string, { meta: Meta }][]): [string, Meta][] {
  return things.map(([id, { meta }]) => [id, meta]);
}
