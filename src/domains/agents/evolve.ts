/** How facts change the state of agents. */
import type { AgentsEvent, SessionsEvent } from '../../protocol/control/index.ts';
import { evolveMessage } from './messages.ts';
import { agentAt, agentOf } from './select.ts';
import { type Agent, type AgentsState, RESTARTS_KEPT_COUNT, startingStatus } from './state.ts';

/** What happens to sessions and concerns their agents. */
export type SessionChange = Extract<SessionsEvent, { event: 'session_removed' | 'session_renamed' }>;

export function evolve(
  state: AgentsState,
  event: AgentsEvent | SessionChange,
  version: number,
  at: number,
): AgentsState {
  apply(state, event, version, at);
  const agent = 'agent_id' in event ? state.agents.get(event.agent_id) : agentAt(state, event.session_id);
  if (agent !== undefined) agent.changed_at = version;
  return state;
}

function apply(state: AgentsState, event: AgentsEvent | SessionChange, version: number, at: number): void {
  switch (event.event) {
    case 'message_accepted':
    case 'message_delivering':
    case 'message_requeued':
    case 'message_delivered':
    case 'message_closed':
      evolveMessage(state, event, version, at);
      return;
    case 'session_removed':
      sessionRemoved(state, event.session_id);
      return;
    case 'session_renamed': {
      const agent = agentAt(state, event.session_id);
      if (agent !== undefined) agent.name = event.name;
      return;
    }
    case 'agent_created':
      create(state, event, at);
      return;
    default: {
      const agent = state.agents.get(event.agent_id);
      if (agent !== undefined) change(state, agent, event, at);
      return;
    }
  }
}

function create(state: AgentsState, event: Extract<AgentsEvent, { event: 'agent_created' }>, at: number): void {
  state.agents.set(event.agent_id, {
    agent_id: event.agent_id,
    session_id: event.session_id,
    name: event.name,
    profile: event.profile,
    mode: event.mode,
    cli_version: event.cli_version,
    status: startingStatus(at),
    requests: [],
    conversation_id: event.conversation_id,
    usage: null,
    policy: event.policy,
    parked: null,
    restarting: null,
    restarts: [],
    replaced: 0,
    waiting: [],
    delivering: null,
    cwd: event.cwd,
    worktree: event.worktree,
    share_directory: event.share_directory === true,
    sessions: [event.session_id],
    active_at: at,
    changed_at: 0,
  });
  state.bySession.set(event.session_id, event.agent_id);
}

/** With its current session an agent goes; its closed messages stay as long as others do. */
function sessionRemoved(state: AgentsState, sessionId: string): void {
  const agent = agentOf(state, sessionId);
  if (agent === undefined) return;
  state.bySession.delete(sessionId);
  agent.sessions = agent.sessions.filter((id) => id !== sessionId);
  if (agent.session_id !== sessionId) return;
  state.agents.delete(agent.agent_id);
  for (const id of agent.sessions) state.bySession.delete(id);
}

type Change = Exclude<AgentsEvent, { event: 'agent_created' | `message_${string}` }>;

function change(state: AgentsState, agent: Agent, event: Change, at: number): void {
  switch (event.event) {
    case 'agent_status_changed':
      agent.status = event.status;
      if (event.status.activity === 'working' || event.previous.activity === 'working') agent.active_at = at;
      break;
    case 'agent_requested':
      agent.requests = [...agent.requests, event.request];
      break;
    case 'agent_request_closed':
      agent.requests = agent.requests.filter(({ request_id }) => request_id !== event.request_id);
      break;
    case 'agent_conversation_changed':
      agent.conversation_id = event.conversation_id;
      break;
    case 'agent_usage_changed':
      agent.usage = event.usage;
      break;
    case 'agent_policy_changed':
      agent.policy = event.policy;
      break;
    case 'agent_parked':
      agent.parked = { reason: event.reason, since: at, until: event.until };
      agent.restarting = null;
      break;
    case 'agent_unparked':
      agent.parked = null;
      break;
    case 'agent_restarting': {
      const { due_at, attempt, reason } = event;
      agent.restarting = { due_at, attempt, reason };
      // One that somebody asked for counts against no policy.
      if (attempt > 0) agent.restarts = [...agent.restarts, at].slice(-RESTARTS_KEPT_COUNT);
      break;
    }
    case 'agent_replaced':
      replace(state, agent, event, at);
      break;
    case 'agent_worktree_removed':
      agent.worktree = null;
      break;
    case 'agent_interrupted':
      break;
  }
}

function replace(
  state: AgentsState,
  agent: Agent,
  { session_id, name }: Extract<AgentsEvent, { event: 'agent_replaced' }>,
  at: number,
): void {
  agent.session_id = session_id;
  agent.name = name;
  agent.sessions = [...agent.sessions, session_id];
  agent.status = startingStatus(at);
  agent.requests = [];
  agent.usage = null;
  agent.restarting = null;
  agent.replaced++;
  state.bySession.set(session_id, agent.agent_id);
}
