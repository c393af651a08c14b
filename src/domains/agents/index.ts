/**
 * The agents domain (DESIGN §7): what each agent is doing and needs, and the messages to it, each with one outcome.
 * Pure. It decides beside the sessions domain, on the same version line: `domains/srv` puts them together.
 */
import type { AgentsEvent, SessionsEvent } from '../../protocol/control/index.ts';
import type { AgentsDecided, AgentsErrand, AgentsInput, AgentsInternal } from './commands.ts';
import { evolve, type SessionChange } from './evolve.ts';
import { step } from './deliver.ts';
import { observe } from './observe.ts';
import { supervise, unparked } from './restart.ts';
import { chooseAnswer } from './requests.ts';
import { type AgentsContext, selectAgent, senderOf, type SessionsView } from './select.ts';
import { type AgentsDecision, broadcast, cancel, send } from './send.ts';
import { type AgentPlanner, policyOf } from './create.ts';
import { type Agent, type AgentsState, initialState, restore, serialise, toAgentRecord } from './state.ts';
import { HoldfastError } from '../../protocol/index.ts';

export type {
  AgentsInput,
  AgentsInternal,
  AgentStart,
  MessageStep,
  ReplaceAgent,
  SessionEnd,
} from './commands.ts';
export { type AgentPlan, type AgentPlanner, created, found, replaced, startOf } from './create.ts';
export { afterEnd, afterRemoval } from './ending.ts';
export { checkLease, sharesDirectory } from './lease.ts';
export { deadlineOf, isOpen, type Message } from './messages.ts';
export { agentRecords, getMessage, listMessages, openMessages, type ReadContext } from './read.ts';
export {
  type AgentsActor,
  type AgentsContext,
  isOver,
  selectAgent,
  senderOf,
  type SessionFacts,
  type SessionsView,
} from './select.ts';
export { type Agent, type AgentsState, toAgentRecord } from './state.ts';
export { DEFAULT_RESTART_POLICY } from './supervision.ts';

export interface AgentsDomain {
  readonly name: string;
  /** What makes an agent of a start. */
  readonly planner: AgentPlanner;
  initial(): AgentsState;
  decides(command: { cmd: string }): command is AgentsInput;
  decide(state: AgentsState, command: AgentsInput, context: AgentsContext): AgentsDecision;
  concerns(event: { event: string }): event is AgentsEvent | SessionChange;
  evolve(state: AgentsState, event: AgentsEvent | SessionChange, version: number, at: number): AgentsState;
  changedAt(state: AgentsState, command: AgentsInput, sessions: SessionsView): number | undefined;
  serialise(state: AgentsState): unknown;
  restore(json: unknown): AgentsState;
}

const COMMANDS: Record<AgentsInput['cmd'], true> = {
  send_message: true,
  broadcast_message: true,
  cancel_message: true,
  interrupt_agent: true,
  answer_request: true,
  resume_agent: true,
  restart_agent: true,
  remove_worktree: true,
  set_restart_policy: true,
  park_agent: true,
  unpark_agent: true,
  deliver_next: true,
  observe_requeued: true,
  observe_delivered: true,
  observe_closed: true,
  settle_messages: true,
  observe_status: true,
  observe_requested: true,
  observe_request_closed: true,
  observe_requests: true,
  observe_conversation: true,
  observe_usage: true,
  observe_worktree_removed: true,
  mark_restart: true,
  restart_failed: true,
  parking_over: true,
};
const SESSION_CHANGES: ReadonlySet<string> = new Set<SessionsEvent['event']>(['session_removed', 'session_renamed']);

export function createAgentsDomain(planner: AgentPlanner): AgentsDomain {
  return {
    name: 'agents',
    planner,
    initial: initialState,
    decides: (command): command is AgentsInput => Object.hasOwn(COMMANDS, command.cmd),
    decide,
    concerns: (event): event is AgentsEvent | SessionChange =>
      event.event.startsWith('agent_') || event.event.startsWith('message_') || SESSION_CHANGES.has(event.event),
    evolve,
    changedAt,
    serialise,
    restore,
  };
}

function decide(state: AgentsState, command: AgentsInput, context: AgentsContext): AgentsDecision {
  switch (command.cmd) {
    case 'send_message':
      return send(state, command, context);
    case 'broadcast_message':
      return broadcast(state, command, context);
    case 'cancel_message':
      return cancel(state, command, context);
    case 'answer_request':
    case 'resume_agent':
    case 'restart_agent':
    case 'remove_worktree':
      return errand(state, command, context);
    case 'interrupt_agent':
    case 'set_restart_policy':
    case 'park_agent':
    case 'unpark_agent':
      return change(state, command, context);
    default:
      return internal(state, command, context);
  }
}

function internal(state: AgentsState, command: AgentsInternal, context: AgentsContext): AgentsDecision {
  switch (command.cmd) {
    case 'deliver_next':
    case 'observe_requeued':
    case 'observe_delivered':
    case 'observe_closed':
    case 'settle_messages':
      return step(state, command, context);
    case 'mark_restart':
    case 'restart_failed':
    case 'parking_over':
      return { events: supervise(state, command, context) };
    default:
      return { events: observe(state, command, context) };
  }
}

function errand(
  state: AgentsState,
  command: Extract<AgentsDecided, { cmd: AgentsErrand }>,
  { sessions }: AgentsContext,
): AgentsDecision {
  const agent = selectAgent(state, sessions, command.session);
  if (command.cmd !== 'answer_request') return { events: [], result: { agent: toAgentRecord(agent) } };
  const { request, choice } = chooseAnswer(agent, command);
  return { events: [], result: { request_id: request.request_id, choice } };
}

/** Version of the last event about the agent or message a command names; undefined when it names none. */
function changedAt(state: AgentsState, command: AgentsInput, sessions: SessionsView): number | undefined {
  if ('message' in command) return state.messages.get(command.message)?.changed_at;
  const selector = 'session' in command ? command.session : 'to' in command ? command.to : null;
  if (selector === null) return undefined;
  try {
    return selectAgent(state, sessions, selector).changed_at;
  } catch {
    return undefined; // The decision says what is wrong with it.
  }
}

type Change = Exclude<Extract<AgentsDecided, { session: string }>, { cmd: AgentsErrand }>;

function change(state: AgentsState, command: Change, context: AgentsContext): AgentsDecision {
  const agent = selectAgent(state, context.sessions, command.session);
  const { agent_id, session_id } = agent;
  const of = { agent_id, session_id };
  const record = toAgentRecord(agent);
  switch (command.cmd) {
    case 'interrupt_agent':
      checkRuns(agent, context);
      return {
        events: [{ event: 'agent_interrupted', ...of, by: senderOf(state, context.actor) }],
        result: { agent: record },
      };
    case 'set_restart_policy': {
      const policy = policyOf(command.policy);
      return {
        events: [{ event: 'agent_policy_changed', ...of, policy }],
        result: { agent: { ...record, policy } },
      };
    }
    case 'park_agent': {
      const parked = { reason: 'requested', since: context.now, until: null } as const;
      if (agent.parked?.reason === 'requested') return { events: [], result: { agent: record } };
      return {
        events: [{ event: 'agent_parked', ...of, reason: 'requested', until: null }],
        result: { agent: { ...record, parked } },
      };
    }
    case 'unpark_agent':
      return { events: unparked(state, agent, context), result: { agent: { ...record, parked: null } } };
  }
}

function checkRuns({ session_id }: Agent, { sessions }: AgentsContext): void {
  if (sessions.find(session_id)?.live === true) return;
  throw new HoldfastError(
    'session_exited',
    `session ${session_id} has ended; "holdfast resume ${session_id}" starts it again`,
    {
      field: 'session',
      details: { session: session_id },
    },
  );
}
