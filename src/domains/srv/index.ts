/**
 * What srv decides on: sessions, agents, workspaces and connections on one version line, so that one command may change
 * several (delete a block, end its session) in one commit. Pure.
 */
import type { AgentsEvent, SessionsEvent, WorkspacesCommand, WorkspacesEvent } from '../../protocol/control/index.ts';
import { HoldfastError } from '../../protocol/index.ts';
import type { AgentsActor, AgentsDomain, AgentsInput, AgentsState, ReplaceAgent } from '../agents/index.ts';
import type { ConnectionsDomain, ConnectionsEvent, ConnectionsInput, ConnectionsState } from '../connections/index.ts';
import { isLive, type SessionsDomain, type SessionsInput, type SessionsState } from '../sessions/index.ts';
import type { SessionsView, WorkspacesDomain, WorkspacesState } from '../workspaces/index.ts';
import { agentsContext, alsoAgents, createAgent, type CreateAgent, replaceAgent, viewOf } from './agents.ts';

export { viewOf as sessionsViewOf } from './agents.ts';
export { snapshotOf } from './snapshot.ts';

export interface SrvState {
  readonly sessions: SessionsState;
  readonly agents: AgentsState;
  readonly workspaces: WorkspacesState;
  readonly connections: ConnectionsState;
}

export type SrvInput = SessionsInput | AgentsInput | ReplaceAgent | WorkspacesCommand | ConnectionsInput;
export type SrvEvent = SessionsEvent | AgentsEvent | WorkspacesEvent | ConnectionsEvent;

export interface SrvParts {
  sessions: SessionsDomain;
  agents: AgentsDomain;
  workspaces: WorkspacesDomain;
  connections: ConnectionsDomain;
}

/** The kernel's decision context is one. */
export type SrvContext = Omit<Parameters<SessionsDomain['decide']>[2], 'actor'> & { readonly actor: AgentsActor };

export interface SrvDecision {
  events: SrvEvent[];
  result?: Record<string, unknown>;
}

/** A decider of the kernel's `Domain` form. */
export interface SrvDomain {
  readonly name: string;
  initial(): SrvState;
  decide(state: SrvState, command: SrvInput, context: SrvContext): SrvDecision;
  evolve(state: SrvState, event: SrvEvent, version: number, at: number): SrvState;
  serialise(state: SrvState): unknown;
  restore(json: unknown): SrvState;
  /** Version of the last event about what the command is about; undefined where only the whole state's will do. */
  changedAt(state: SrvState, command: SrvInput): number | undefined;
}

export function createSrvDomain(parts: SrvParts): SrvDomain {
  const { sessions, agents, workspaces, connections } = parts;
  return {
    name: 'srv',
    initial: () => ({
      sessions: sessions.initial(),
      agents: agents.initial(),
      workspaces: workspaces.initial(),
      connections: connections.initial(),
    }),
    decide: (state, command, context) => {
      if (workspaces.decides(command)) return decideWorkspaces(parts, state, command, context);
      if (connections.decides(command)) return connections.decide(state.connections, command);
      if (agents.decides(command)) return agents.decide(state.agents, command, agentsContext(state, context));
      if (command.cmd === 'replace_agent') return replaceAgent(parts, state, command, context);
      if (isCreateAgent(command)) return createAgent(parts, state, command, context);
      return decideSessions(parts, state, command, context);
    },
    evolve: (state, event, version, at) => {
      // Several parts may be concerned: when a session is removed its block has none any more.
      const known = [
        agents.concerns(event) && agents.evolve(state.agents, event, version, at),
        isSessionsEvent(event) && sessions.evolve(state.sessions, event, version, at),
        workspaces.concerns(event) && workspaces.evolve(state.workspaces, event, version),
        connections.concerns(event) && connections.evolve(state.connections, event),
      ];
      if (known.some((part) => part !== false)) return state;
      throw new HoldfastError('internal', `the log has an event "${event.event}" that this version does not know`);
    },
    serialise: (state) => ({
      sessions: sessions.serialise(state.sessions),
      agents: agents.serialise(state.agents),
      workspaces: workspaces.serialise(state.workspaces),
      connections: connections.serialise(state.connections),
    }),
    restore: (json) => restore(parts, json),
    changedAt: (state, command) => {
      if (workspaces.decides(command)) return workspaces.changedAt(state.workspaces, command);
      if (agents.decides(command)) return agents.changedAt(state.agents, command, viewOf(state.sessions));
      if (connections.decides(command) || command.cmd === 'replace_agent') return undefined;
      return sessions.changedAt(state.sessions, command);
    },
  };
}

function isCreateAgent(command: SessionsInput): command is CreateAgent {
  return command.cmd === 'create_session' && command.agent !== undefined;
}

/** What it means for an agent is decided with it. */
function decideSessions(
  { sessions }: SrvParts,
  state: SrvState,
  command: SessionsInput,
  context: SrvContext,
): SrvDecision {
  const decision = sessions.decide(state.sessions, command, context);
  return { ...decision, events: alsoAgents(state, decision.events, context) };
}

function isSessionsEvent(event: SrvEvent): event is SessionsEvent {
  return event.event.startsWith('session_');
}

/** Sessions that are to stop with what showed them are told so in the same commit. */
function decideWorkspaces(
  { sessions, workspaces }: SrvParts,
  state: SrvState,
  command: WorkspacesCommand,
  context: SrvContext,
): SrvDecision {
  const decision = workspaces.decide(state.workspaces, command, {
    ulid: () => context.ulid(),
    sessions: liveness(state.sessions),
  });
  const stopped = (decision.terminate ?? []).flatMap(
    (session) => sessions.decide(state.sessions, { cmd: 'terminate_session', session }, context).events,
  );
  return { events: [...decision.events, ...stopped], result: decision.result ?? {} };
}

function liveness({ sessions }: SessionsState): SessionsView {
  return {
    exists: (id) => sessions.has(id),
    isLive: (id) => {
      const session = sessions.get(id);
      return session !== undefined && isLive(session);
    },
  };
}

/** Snapshots of the first release hold the state of the sessions alone, those of the second no agents. */
function restore({ sessions, agents, workspaces, connections }: SrvParts, json: unknown): SrvState {
  const whole = json as Record<'sessions' | 'agents' | 'workspaces' | 'connections', unknown>;
  if (Array.isArray(whole.sessions)) {
    return {
      sessions: sessions.restore(json),
      agents: agents.initial(),
      workspaces: workspaces.initial(),
      connections: connections.initial(),
    };
  }
  return {
    sessions: sessions.restore(whole.sessions),
    agents: whole.agents === undefined ? agents.initial() : agents.restore(whole.agents),
    workspaces: workspaces.restore(whole.workspaces),
    connections: connections.restore(whole.connections),
  };
}
