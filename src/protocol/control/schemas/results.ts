/** What the reply to each command holds beside `reply`, `ok` and `version`. Fields may be added. */
import { z } from 'zod';
import type { AnyCommandName } from '../vocabulary.ts';
import { agentRecord, explanation, messageRecord, messageState, profileRecord, worktreeState } from './agents-facts.ts';
import { PRIVATE_EVENTS } from './connection-events.ts';
import { wireError } from './facts.ts';
import { flag, list, u32, u53 } from './fields.ts';
import { json } from './meta.ts';
import { runtimeStatus } from './replies.ts';
import { sessionRecord } from './sessions.ts';

const string = z.string();
const nothing = {};
const oneSession = { session: sessionRecord };
const oneAgent = { agent: agentRecord };
const oneMessage = { message: messageRecord };
const parted = {
  deleted: flag.describe('False: there was none'),
  detached: list(string).exactOptional().describe('Sessions that run on without a block'),
  terminated: list(string).exactOptional().describe('Sessions that are ended'),
};
const meta = { meta: json.describe('After the merge') };

const { registered, event_list, srv_snapshot } = PRIVATE_EVENTS;
const { epoch, protocol } = registered.shape;

/** Served by a process that is still to be written, or by none. */
type Unanswered = Extract<
  AnyCommandName,
  'get_snapshot' | `report_${string}` | 'spawn_pool_window' | 'reap_panes' | 'drain_pool_if_last'
>;

export const RESULTS = {
  register: { client_id: string, epoch, protocol },
  subscribe: { subscribed: z.literal(true) },
  unsubscribe: nothing,
  get_events: event_list.omit({ event: true, version: true }).shape,
  get_srv_snapshot: srv_snapshot.omit({ event: true, version: true }).shape,
  get_status: { status: runtimeStatus },
  shutdown: nothing,
  ping: { nonce: u53.exactOptional() },
  goodbye: nothing,

  create_session: oneSession,
  get_session: { ...oneSession, token: string.describe('What a Hello to its socket quotes') },
  list_sessions: { sessions: list(sessionRecord) },
  terminate_session: { ...oneSession, already_exited: flag },
  signal_session: oneSession,
  rename_session: oneSession,
  remove_session: { removed: string },
  purge_exited: { removed: list(string) },
  set_desired: oneSession,

  send_message: { message_id: string, state: messageState },
  broadcast_message: {
    messages: list(z.object({ session_id: string, message_id: string })),
    refused: list(z.object({ session_id: string, error: wireError })),
  },
  cancel_message: oneMessage,
  get_message: oneMessage,
  list_messages: { messages: list(messageRecord) },
  list_agents: { agents: list(agentRecord) },
  get_agent: oneAgent,
  explain_agent: { explanation },
  list_profiles: { profiles: list(profileRecord) },
  get_profile: { profile: json.describe('As docs/PROFILES.md says') },
  answer_request: { request_id: string, choice: string.describe('Id of the choice') },
  interrupt_agent: oneAgent,
  resume_agent: oneAgent,
  restart_agent: oneAgent,
  set_restart_policy: oneAgent,
  park_agent: oneAgent,
  unpark_agent: oneAgent,
  get_worktree: {
    worktree: worktreeState,
    patch: string.exactOptional().describe('With `diff`'),
    truncated: flag.exactOptional().describe('The patch was longer'),
  },
  remove_worktree: oneAgent,

  create_workspace: { workspace_id: string, name: string },
  delete_workspace: parted,
  create_tab: { tab_id: string, name: string },
  delete_tab: parted,
  set_active_tab: nothing,
  reorder_tab: { new_index: u32.describe('After clamping') },
  create_window: nothing,
  close_window_internal: { closed: flag.describe('False: there was none') },
  switch_workspace: nothing,
  reorder_tabs_bulk: nothing,
  rename_workspace: nothing,
  rename_tab: nothing,
  update_workspace_meta: meta,
  update_tab_meta: meta,
  update_block_meta: meta,
  update_window_meta: meta,
  move_tab: { dst_index: u32.describe('After clamping'), workspace_deleted: flag },
  move_block: { dst_index: u32.describe('After clamping') },
  create_block: { block_id: string, node_id: string.exactOptional().describe('Of its leaf, with `place`') },
  delete_block: parted,
  set_focused_node: nothing,
  set_magnified_node: nothing,
  layout_insert_node: nothing,
  layout_insert_node_at_index: nothing,
  layout_delete_node: nothing,
  layout_move_node: nothing,
  layout_swap_nodes: nothing,
  layout_resize_nodes: nothing,
  layout_replace_node: nothing,
  layout_split_horizontal: nothing,
  layout_split_vertical: nothing,
  layout_clear: nothing,
  layout_set_tree: nothing,
  bind_block: nothing,
} satisfies { readonly [K in Exclude<AnyCommandName, Unanswered>]: z.ZodRawShape };
