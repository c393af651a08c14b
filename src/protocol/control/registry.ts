/**
 * What each variant is: the protocol number that introduced it, the domain it belongs to, and where a command goes.
 * Plain data, so that the filter for seed connections costs nobody a schema library; a variant without its entry does
 * not compile, and a test compares the numbers with the schemas.
 */
import { HoldfastError } from '../errors.ts';
import type { AnyCommandName, AnyEventName } from './vocabulary.ts';

export type VariantDomain = 'connection' | 'sessions' | 'agents' | 'workspaces' | 'windows';
/** Who takes a command: srv, the launcher, either of them, or the host from the launcher. */
export type CommandReceiver = 'srv' | 'launcher' | 'either' | 'host';

export interface CommandEntry {
  since: 0 | 1;
  domain: VariantDomain;
  to: CommandReceiver;
}

export interface EventEntry {
  since: 0 | 1;
  domain: VariantDomain | 'sagas';
  /** Answers one connection; never in the log. */
  private?: true;
}

const either = { since: 0, domain: 'connection', to: 'either' } as const;
const connection = { since: 1, domain: 'connection', to: 'either' } as const;
const sessions = { since: 1, domain: 'sessions', to: 'srv' } as const;
const agents = { since: 1, domain: 'agents', to: 'srv' } as const;
const workspaces = { since: 0, domain: 'workspaces', to: 'srv' } as const;
const windows = { since: 0, domain: 'windows', to: 'launcher' } as const;
const host = { since: 0, domain: 'windows', to: 'host' } as const;

export const COMMAND_REGISTRY = {
  register: either,
  ping: either,
  goodbye: either,
  get_events: either,
  subscribe: connection,
  unsubscribe: connection,
  get_status: connection,
  shutdown: connection,
  get_srv_snapshot: { since: 0, domain: 'connection', to: 'srv' },

  create_session: sessions,
  get_session: sessions,
  list_sessions: sessions,
  terminate_session: sessions,
  signal_session: sessions,
  rename_session: sessions,
  remove_session: sessions,
  purge_exited: sessions,
  set_desired: sessions,

  send_message: agents,
  broadcast_message: agents,
  cancel_message: agents,
  get_message: agents,
  list_messages: agents,
  list_agents: agents,
  get_agent: agents,
  explain_agent: agents,
  list_profiles: agents,
  get_profile: agents,
  answer_request: agents,
  interrupt_agent: agents,
  resume_agent: agents,
  restart_agent: agents,
  set_restart_policy: agents,
  park_agent: agents,
  unpark_agent: agents,
  get_worktree: agents,
  remove_worktree: agents,

  create_workspace: workspaces,
  delete_workspace: workspaces,
  create_tab: workspaces,
  delete_tab: workspaces,
  set_active_tab: workspaces,
  reorder_tab: workspaces,
  create_window: workspaces,
  close_window_internal: workspaces,
  switch_workspace: workspaces,
  reorder_tabs_bulk: workspaces,
  rename_workspace: workspaces,
  rename_tab: workspaces,
  update_workspace_meta: workspaces,
  update_tab_meta: workspaces,
  update_block_meta: workspaces,
  update_window_meta: workspaces,
  move_tab: workspaces,
  move_block: workspaces,
  create_block: workspaces,
  delete_block: workspaces,
  set_focused_node: workspaces,
  set_magnified_node: workspaces,
  layout_insert_node: workspaces,
  layout_insert_node_at_index: workspaces,
  layout_delete_node: workspaces,
  layout_move_node: workspaces,
  layout_swap_nodes: workspaces,
  layout_resize_nodes: workspaces,
  layout_replace_node: workspaces,
  layout_split_horizontal: workspaces,
  layout_split_vertical: workspaces,
  layout_clear: workspaces,
  layout_set_tree: workspaces,
  bind_block: { since: 1, domain: 'workspaces', to: 'srv' },

  get_snapshot: windows,
  report_window_opened: windows,
  report_window_closed: windows,
  report_pool_window_added: windows,
  report_pool_window_removed: windows,
  report_pool_window_promoted: windows,
  report_host_counts: windows,
  report_host_pool_count: windows,
  report_backend_window_id_registered: windows,
  report_backend_window_id_unregistered: windows,
  report_hwnd_opened: windows,
  report_hwnd_destroyed: windows,
  report_hwnd_visibility_changed: windows,
  report_hwnd_foreground_changed: windows,
  report_hwnd_iconic_changed: windows,
  report_hwnd_position_changed: windows,
  report_monitor_topology_changed: windows,
  report_panes_reaped: windows,
  report_pool_drain_decision: windows,
  report_saga_action_failed: windows,

  spawn_pool_window: host,
  reap_panes: host,
  drain_pool_if_last: host,
} as const satisfies { readonly [K in AnyCommandName]: CommandEntry };

const answer = { since: 0, domain: 'connection', private: true } as const;
const ourAnswer = { since: 1, domain: 'connection', private: true } as const;
const process = { since: 0, domain: 'connection' } as const;
const session = { since: 1, domain: 'sessions' } as const;
const agent = { since: 1, domain: 'agents' } as const;
const workspace = { since: 0, domain: 'workspaces' } as const;
const window = { since: 0, domain: 'windows' } as const;
const saga = { since: 0, domain: 'sagas' } as const;

export const EVENT_REGISTRY = {
  registered: answer,
  pong: answer,
  error: answer,
  event_list: answer,
  snapshot: answer,
  srv_snapshot: answer,
  gap: ourAnswer,
  closed: ourAnswer,

  process_spawned: process,
  process_exited: process,
  lifecycle_phase_changed: process,
  connection_closed: { since: 1, domain: 'connection' },

  session_created: session,
  session_started: session,
  session_start_failed: session,
  session_adopted: session,
  session_exited: session,
  session_held: session,
  session_ended: session,
  session_lost: session,
  session_renamed: session,
  session_removed: session,
  session_driver_changed: session,
  session_resized: session,
  session_desired: session,
  session_warning: session,

  agent_created: agent,
  agent_status_changed: agent,
  agent_requested: agent,
  agent_request_closed: agent,
  agent_conversation_changed: agent,
  agent_usage_changed: agent,
  message_accepted: agent,
  message_delivering: agent,
  message_requeued: agent,
  message_delivered: agent,
  message_closed: agent,
  agent_policy_changed: agent,
  agent_parked: agent,
  agent_unparked: agent,
  agent_worktree_removed: agent,
  agent_restarting: agent,
  agent_replaced: agent,
  agent_interrupted: agent,

  workspace_created: workspace,
  workspace_deleted: workspace,
  workspace_renamed: workspace,
  workspace_meta_updated: workspace,
  tab_created: workspace,
  tab_deleted: workspace,
  tab_renamed: workspace,
  tab_meta_updated: workspace,
  active_tab_changed: workspace,
  tab_reordered: workspace,
  tabs_reordered_bulk: workspace,
  tab_moved: workspace,
  block_created: workspace,
  block_deleted: workspace,
  block_moved: workspace,
  block_meta_updated: workspace,
  block_bound: { since: 1, domain: 'workspaces' },
  srv_window_opened: workspace,
  srv_window_closed: workspace,
  srv_window_workspace_changed: workspace,
  window_meta_updated: workspace,
  focused_node_changed: workspace,
  magnified_node_changed: workspace,
  layout_node_inserted: workspace,
  layout_node_inserted_at_index: workspace,
  layout_node_deleted: workspace,
  layout_node_moved: workspace,
  layout_nodes_swapped: workspace,
  layout_nodes_resized: workspace,
  layout_node_replaced: workspace,
  layout_split_horizontal_applied: workspace,
  layout_split_vertical_applied: workspace,
  layout_cleared: workspace,
  layout_tree_replaced: workspace,

  window_opened: window,
  window_closed: window,
  window_instance_assigned: window,
  window_instance_released: window,
  backend_window_id_registered: window,
  backend_window_id_unregistered: window,
  pool_window_added: window,
  pool_window_removed: window,
  pool_window_promoted: window,
  panes_reaped: window,
  pool_drained: window,
  pool_not_last: window,
  drift_detected: window,
  hwnd_drift_detected: window,
  corrective_window_move: window,
  host_should_quit: window,

  saga_started: saga,
  saga_completed: saga,
  saga_failed: saga,
  saga_action_failed: saga,
} as const satisfies { readonly [K in AnyEventName]: EventEntry };

/** Whether a name is one of the seed's 61 commands. */
export function isSeedCommand(name: string): boolean {
  return entryOf(name)?.since === 0;
}

/**
 * Why the process that `at` names does not take this command from a client: `wrong_domain`, or `wrong_direction` for
 * what the launcher tells the host. Null: it does, or there is no such command.
 */
export function misdirected(name: string, at: 'srv' | 'launcher'): HoldfastError | null {
  const entry = entryOf(name);
  if (entry === undefined || entry.to === 'either' || entry.to === at) return null;
  if (entry.to === 'host') {
    return new HoldfastError('wrong_direction', `${name} goes from the launcher to the host; no client sends it`, {
      field: 'cmd',
    });
  }
  return new HoldfastError('wrong_domain', `${name} is served by ${entry.to}, not by ${at}`, { field: 'cmd' });
}

function entryOf(name: string): CommandEntry | undefined {
  return Object.hasOwn(COMMAND_REGISTRY, name) ? COMMAND_REGISTRY[name as AnyCommandName] : undefined;
}
