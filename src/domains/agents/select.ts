/** Which agent or message a command is about, and who asks. */
import type { MessageSender } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { Message } from './messages.ts';
import type { Agent, AgentsState } from './state.ts';

/** A session as the agents domain needs it. */
export interface SessionFacts {
  id: string;
  /** Its shim may still be there. */
  live: boolean;
  /** It was not to end. */
  wanted: boolean;
}

/** The sessions beside the agents, as of the same version. */
export interface SessionsView {
  /** By id, unique prefix or name. Throws `not_found`, `ambiguous`. */
  select(selector: string): SessionFacts;
  find(id: string): SessionFacts | undefined;
}

/** Who issues a command: a connection, and the session whose token it registered with. */
export interface AgentsActor {
  readonly client_id: string;
  readonly kind: string;
  readonly session_id?: string | undefined;
  /** Name of the user it acts for; missing: srv itself. */
  readonly owner?: string | undefined;
}

export interface AgentsContext {
  readonly now: number;
  ulid(): string;
  readonly actor: AgentsActor;
  readonly sessions: SessionsView;
}

/** Throws `not_found`, `ambiguous`, `conflict` for a session that runs none. */
export function selectAgent(
  state: AgentsState,
  sessions: SessionsView,
  selector: string,
  field: 'session' | 'to' = 'session',
): Agent {
  // The id of an agent outlives the session it was taken from.
  const known = state.agents.get(selector);
  if (known !== undefined) return known;
  const session = selected(sessions, selector, field);
  const agent = state.agents.get(state.bySession.get(session.id) ?? '');
  if (agent !== undefined) return agent;
  throw new HoldfastError('conflict', `session ${session.id} runs no agent; "holdfast agents" lists those that do`, {
    field,
    details: { session: session.id },
  });
}

function selected(sessions: SessionsView, selector: string, field: string): SessionFacts {
  try {
    return sessions.select(selector);
  } catch (thrown) {
    const error = HoldfastError.from(thrown);
    if (error.field !== 'session' || field === 'session') throw error;
    throw new HoldfastError(error.code, error.message, { field, details: error.details });
  }
}

export function agentOf(state: AgentsState, sessionId: string): Agent | undefined {
  return state.agents.get(state.bySession.get(sessionId) ?? '');
}

/** The agent whose current session this is. */
export function agentAt(state: AgentsState, sessionId: string): Agent | undefined {
  const agent = agentOf(state, sessionId);
  return agent?.session_id === sessionId ? agent : undefined;
}

/** What the server says of whoever issues a command. */
export function senderOf(state: AgentsState, { client_id, session_id, owner }: AgentsActor): MessageSender {
  if (session_id !== undefined) {
    const agent = agentOf(state, session_id);
    return { kind: 'agent', name: agent?.name ?? agent?.profile ?? session_id, session_id };
  }
  if (owner !== undefined) return { kind: 'person', name: owner, session_id: null };
  return { kind: 'tool', name: client_id, session_id: null };
}

/** Throws `not_found`; `forbidden` to an agent whose message it neither is nor was. */
export function selectMessage(state: AgentsState, messageId: string, actor: AgentsActor): Message {
  const message = state.messages.get(messageId);
  if (message === undefined) {
    throw new HoldfastError('not_found', `no message ${messageId} is kept; "holdfast inbox" lists those that are`, {
      field: 'message',
    });
  }
  if (actor.session_id === undefined || isSentBy(state, message, actor.session_id)) return message;
  if (state.bySession.get(actor.session_id) === message.agent_id) return message;
  throw new HoldfastError('forbidden', 'an agent sees the messages it sent and those it got', { field: 'message' });
}

/** Whether the agent of a session sent it, from this session or another. */
export function isSentBy(state: AgentsState, { from }: Message, sessionId: string): boolean {
  if (from.session_id === null) return false;
  if (from.session_id === sessionId) return true;
  const agent = state.bySession.get(sessionId);
  return agent !== undefined && agent === state.bySession.get(from.session_id);
}

/** No session of it runs, and none will by itself. */
export function isOver(agent: Agent, sessions: SessionsView): boolean {
  if (agent.restarting !== null || agent.parked !== null) return false;
  return sessions.find(agent.session_id)?.live !== true;
}
