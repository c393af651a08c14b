/** The state of the agents domain: agents over all their sessions, and the messages to them. */
import type { AgentRequest, AgentStatus, AgentUsage, Parked, RestartPolicy } from '../../protocol/agent/index.ts';
import type { AgentRecord } from '../../protocol/control/index.ts';
import type { Message } from './messages.ts';

export interface Agent {
  agent_id: string;
  /** Its current session. */
  session_id: string;
  name: string | null;
  profile: string;
  mode: AgentRecord['mode'];
  cli_version: string | null;
  status: AgentStatus;
  requests: AgentRequest[];
  conversation_id: string | null;
  usage: AgentUsage | null;
  policy: RestartPolicy;
  parked: Parked | null;
  /** Its session is over and a new one is due; ms since the Unix epoch. */
  restarting: { due_at: number; attempt: number; reason: string } | null;
  /** When it was started again by its policy, ms since the Unix epoch, oldest first; as many as a policy may count. */
  restarts: number[];
  /** How often it got a new session. */
  replaced: number;
  /** Messages that wait, the next first. */
  waiting: string[];
  /** The message under way. */
  delivering: string | null;
  cwd: string;
  worktree: { path: string; branch: string } | null;
  /** Others may work in its directory, too. */
  share_directory: boolean;
  /** Oldest first; removed ones are not in it. */
  sessions: string[];
  /** When its conversation was last seen to go on, ms since the Unix epoch. */
  active_at: number;
  /** Version of the last event about it. */
  changed_at: number;
}

export interface AgentsState {
  readonly agents: Map<string, Agent>;
  /** Session → agent, for every session that is not removed. */
  readonly bySession: Map<string, string>;
  readonly messages: Map<string, Message>;
  /** Closed messages that are kept, oldest first. */
  readonly closed: string[];
  /** Bytes, as JSON, of what open and closed messages say. */
  openBytes: number;
  closedBytes: number;
  /** The greatest id of a message that was forgotten: an unknown one up to it may have been there. */
  forgotten: string;
  /** Messages accepted so far: first in, first out. */
  order: number;
}

/** More than any policy counts. */
export const RESTARTS_KEPT_COUNT = 1_000;

export function initialState(): AgentsState {
  return {
    agents: new Map(),
    bySession: new Map(),
    messages: new Map(),
    closed: [],
    openBytes: 0,
    closedBytes: 0,
    forgotten: '',
    order: 0,
  };
}

/** What an agent is until its shim says more. */
export function startingStatus(at: number): AgentStatus {
  return {
    activity: 'starting',
    attention: 'none',
    since: at,
    summary: '',
    source: 'none',
    rule: '',
    confidence: 1,
    tasks: [],
  };
}

export function toAgentRecord(agent: Agent): AgentRecord {
  return {
    agent_id: agent.agent_id,
    session_id: agent.session_id,
    name: agent.name,
    profile: agent.profile,
    mode: agent.mode,
    cli_version: agent.cli_version,
    status: agent.status,
    requests: [...agent.requests],
    conversation_id: agent.conversation_id,
    usage: agent.usage,
    policy: agent.policy,
    parked: agent.parked,
    restarts: agent.replaced,
    queue: { waiting: agent.waiting.length, delivering: agent.delivering },
    cwd: agent.cwd,
    worktree: agent.worktree,
    sessions: [...agent.sessions],
  };
}

interface Serialised extends Omit<AgentsState, 'agents' | 'bySession' | 'messages'> {
  agents: Agent[];
  messages: Message[];
}

export function serialise(state: AgentsState): unknown {
  const { agents, bySession: _derived, messages, ...rest } = state;
  const json: Serialised = { ...rest, agents: [...agents.values()], messages: [...messages.values()] };
  return structuredClone(json);
}

export function restore(json: unknown): AgentsState {
  const { agents, messages, ...rest } = structuredClone(json) as Serialised;
  const state: AgentsState = { ...initialState(), ...rest };
  for (const agent of agents) {
    state.agents.set(agent.agent_id, agent);
    for (const session of agent.sessions) state.bySession.set(session, agent.agent_id);
  }
  for (const message of messages) state.messages.set(message.message_id, message);
  return state;
}
