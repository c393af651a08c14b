/** Agents among the sessions: one starts with its session in one commit, and what follows from an end is in the end's. */
import {
  afterEnd,
  afterRemoval,
  checkLease,
  type AgentPlanner,
  type AgentsContext,
  type AgentsDomain,
  type AgentStart,
  created,
  found,
  replaced,
  type ReplaceAgent,
  sharesDirectory,
  type SessionEnd,
  type SessionFacts,
  startOf,
  toAgentRecord,
} from '../agents/index.ts';
import {
  isLive,
  type Session,
  type SessionAgent,
  type SessionsDomain,
  type SessionsState,
  selectSession,
  withAgent,
} from '../sessions/index.ts';
import type { AgentGiven, CreateSession, SessionsEvent } from '../../protocol/control/index.ts';
import { HoldfastError, invalid } from '../../protocol/index.ts';
import type { SrvContext, SrvDecision, SrvEvent, SrvState } from './index.ts';

export interface AgentParts {
  sessions: SessionsDomain;
  agents: AgentsDomain;
}

export type CreateAgent = CreateSession & { agent: AgentGiven };

export function agentsContext(state: SrvState, context: SrvContext): AgentsContext {
  const { now, actor } = context;
  return { now, actor, ulid: () => context.ulid(), sessions: viewOf(state.sessions) };
}

/** The sessions, to those who ask about agents. */
export function viewOf(state: SessionsState): AgentsContext['sessions'] {
  const factsOf = (session: Session): SessionFacts => ({
    id: session.id,
    live: isLive(session),
    wanted: session.desired === 'running',
  });
  return {
    select: (selector) => factsOf(selectSession(state, selector)),
    find: (id) => {
      const session = state.sessions.get(id);
      return session === undefined ? undefined : factsOf(session);
    },
  };
}

/** `create_session` with an agent: what the profile makes of it is planned at once, what has to be made comes after. */
export function createAgent(
  parts: AgentParts,
  state: SrvState,
  command: CreateAgent,
  context: SrvContext,
): SrvDecision {
  const { agent: given } = command;
  const kind = kindOf(given.mode ?? 'pty', command.kind);
  const session_id = context.ulid();
  const start = startOf(given, command.argv);
  const plan = parts.agents.planner.plan(start, session_id, given.conversation ?? null, given);
  const worktree = worktreeOf(parts.agents.planner, command, session_id);
  const { agent: _agent, ...session } = command;
  checkLease(state.agents, agentsContext(state, context), {
    agent_id: null,
    profile: given.profile,
    conversation_id: given.conversation ?? null,
    cwd: worktree?.path ?? command.cwd,
    share_directory: sharesDirectory(given),
  });
  const decision = parts.sessions.decide(
    state.sessions,
    { ...session, kind, argv: plan.argv, cwd: worktree?.path ?? command.cwd },
    { ...context, ulid: () => session_id },
  );
  const agent = { agent_id: session_id, ...agentFacts(start, plan) };
  const { event, session: record } = withAgent(
    parts.sessions,
    decision,
    { agent, name: command.name ?? null },
    context.now,
  );
  const facts = created(state.agents, event, plan, { given, worktree }, agentsContext(state, context));
  return { events: [event, ...facts], result: { session: record } };
}

/** The new session has the name of the old one, which has none any more. */
export function replaceAgent(
  parts: AgentParts,
  state: SrvState,
  command: ReplaceAgent,
  context: SrvContext,
): SrvDecision {
  const agent = state.agents.agents.get(command.agent_id);
  const previous = state.sessions.sessions.get(command.previous_session_id);
  if (agent === undefined || previous === undefined || agent.session_id !== previous.id) return { events: [] };
  if (isLive(previous)) throw stillRuns(previous);
  if (command.automatic && (agent.restarting === null || agent.parked !== null)) return { events: [] };
  const session_id = context.ulid();
  const conversation = command.resume ? agent.conversation_id : null;
  checkLease(state.agents, agentsContext(state, context), { ...agent, conversation_id: conversation });
  const plan = parts.agents.planner.plan(command.start, session_id, conversation, command.start);
  const { kind, cwd, originator, rows, cols, merge_stderr, umask, limits, name } = previous;
  const create: CreateSession = {
    cmd: 'create_session',
    argv: plan.argv,
    env: [],
    kind,
    cwd,
    originator,
    rows,
    cols,
    merge_stderr,
    umask,
    limits,
  };
  const decision = parts.sessions.decide(state.sessions, create, { ...context, ulid: () => session_id });
  const facts = { agent_id: agent.agent_id, ...agentFacts(command.start, plan) };
  const { event, session } = withAgent(parts.sessions, decision, { agent: facts, name }, context.now);
  const { agent_id } = agent;
  const events: SrvEvent[] = [];
  if (agent.parked !== null) events.push({ event: 'agent_unparked', agent_id, session_id: previous.id });
  if (name !== null) events.push({ event: 'session_renamed', session_id: previous.id, name: null });
  events.push(event, replaced(agent, event, plan.resumed, context.now));
  const { conversation_id } = plan;
  if (conversation_id !== null && conversation_id !== agent.conversation_id) {
    events.push({ event: 'agent_conversation_changed', agent_id, session_id, conversation_id, transcript_path: null });
  }
  return { events, result: { session, agent: toAgentRecord({ ...agent, session_id }) } };
}

/** What the events of sessions mean for agents, as further events of the same commit. */
export function alsoAgents(state: SrvState, events: readonly SessionsEvent[], context: SrvContext): SrvEvent[] {
  const removed = new Set(events.flatMap((event) => (event.event === 'session_removed' ? event.session_id : [])));
  const agents = agentsContext(state, context);
  return events.flatMap((event): SrvEvent[] => {
    if (event.event === 'session_created') return [event, ...found(state.agents, event)];
    // Before the removal: whoever knows the agent still is told of its messages.
    if (event.event === 'session_removed') return [...afterRemoval(state.agents, event.session_id), event];
    const end = endOf(state.sessions, event);
    if (end === null || removed.has(event.session_id)) return [event];
    return [event, ...afterEnd(state.agents, end, overFor(agents, event.session_id))];
  });
}

/** The sessions once this one is over. */
function overFor(context: AgentsContext, sessionId: string): AgentsContext {
  const { sessions } = context;
  const find = (id: string): SessionFacts | undefined => {
    const facts = sessions.find(id);
    return facts !== undefined && id === sessionId ? { ...facts, live: false } : facts;
  };
  return { ...context, sessions: { ...sessions, find } };
}

function endOf({ sessions }: SessionsState, event: SessionsEvent): SessionEnd | null {
  switch (event.event) {
    case 'session_ended':
      return event;
    case 'session_lost': {
      const { session_id, cause, survivors } = event;
      return { session_id, cause, survivors, exit: sessions.get(session_id)?.exit ?? null };
    }
    case 'session_start_failed':
      return {
        session_id: event.session_id,
        cause: 'start_failed',
        exit: null,
        survivors: [],
        retryable: event.error.retryable,
      };
    default:
      return null;
  }
}

function agentFacts(
  { profile, mode }: AgentStart,
  plan: { conversation_id: string | null; resumed: boolean },
): Omit<SessionAgent, 'agent_id'> {
  return { profile, mode, conversation_id: plan.conversation_id, resumed: plan.resumed };
}

function kindOf(mode: AgentStart['mode'], kind: CreateSession['kind']): 'pty' | 'pipe' {
  const needed = mode === 'pty' ? 'pty' : 'pipe';
  if (kind === undefined || kind === needed) return needed;
  throw invalid('kind', `an agent in mode ${mode} runs in a ${needed} session`);
}

function worktreeOf(
  planner: AgentPlanner,
  { agent, name }: CreateAgent,
  sessionId: string,
): { path: string; branch: string } | null {
  const { worktree } = agent;
  if (worktree === undefined) return null;
  const given = worktree === true ? undefined : worktree.branch;
  return { path: planner.worktree(sessionId), branch: given ?? `holdfast/${name ?? sessionId.toLowerCase()}` };
}

function stillRuns({ id, state }: Session): HoldfastError {
  return new HoldfastError('conflict', `session ${id} of the agent has not ended; restart it or end it first`, {
    field: 'session',
    details: { session: id, state },
  });
}
