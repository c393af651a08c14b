/** An agent's first session, and each further one: the facts that join a session to its agent. */
import type { RestartPolicy } from '../../protocol/agent/index.ts';
import type { AgentGiven, AgentsEvent, SessionsEvent } from '../../protocol/control/index.ts';
import type { AgentStart } from './commands.ts';
import { sharesDirectory } from './lease.ts';
import { type AgentsContext, senderOf } from './select.ts';
import { sendPrompt } from './send.ts';
import type { Agent, AgentsState } from './state.ts';
import { DEFAULT_RESTART_POLICY } from './supervision.ts';

type Created = Extract<SessionsEvent, { event: 'session_created' }>;

/** What a profile makes of a start. */
export interface AgentPlan {
  /** In full, with what is appended. */
  argv: string[];
  cli_version: string | null;
  /** Known before the start: made for it, or resumed. */
  conversation_id: string | null;
  resumed: boolean;
}

/** The profiles, as far as deciding needs them. Answers at once, from what is known. */
export interface AgentPlanner {
  /**
   * Throws `not_found`, `invalid_argument`, with fields as in `create_session`. `asked` is the part of the command that
   * asks for the agent: what was found out for it beforehand is known by it.
   */
  plan(start: AgentStart, sessionId: string, conversation: string | null, asked: object): AgentPlan;
  worktree(sessionId: string): string;
}

/** A conversation that was last active longer ago than this is said to be old when it is resumed. */
const OLD_CONVERSATION_MS = 24 * 60 * 60 * 1000;

export function startOf({ profile, mode = 'pty', args }: AgentGiven, argv: string[] | undefined): AgentStart {
  return { profile, mode, ...(args === undefined ? {} : { args }), ...(argv === undefined ? {} : { argv }) };
}

export function policyOf(given: AgentGiven['restart']): RestartPolicy {
  return { ...DEFAULT_RESTART_POLICY, ...given };
}

/** The session's agent, and its first message. */
export function created(
  state: AgentsState,
  session: Created,
  plan: AgentPlan,
  { given, worktree }: { given: AgentGiven; worktree: Agent['worktree'] },
  context: AgentsContext,
): AgentsEvent[] {
  const { session_id, name, cwd } = session;
  const { profile, mode = 'pty', prompt } = given;
  const agent: AgentsEvent = {
    event: 'agent_created',
    agent_id: session_id,
    session_id,
    name,
    profile,
    mode,
    cli_version: plan.cli_version,
    policy: policyOf(given.restart),
    cwd,
    worktree,
    share_directory: sharesDirectory(given),
    conversation_id: plan.conversation_id,
  };
  if (prompt === undefined) return [agent];
  return [agent, sendPrompt(session_id, prompt, senderOf(state, context.actor), context)];
}

/** From a manifest, where the record is lost. */
export function found(state: AgentsState, session: Created): AgentsEvent[] {
  const { agent, session_id, name, cwd } = session;
  if (agent === null || agent === undefined) return [];
  const { agent_id, profile, mode, conversation_id } = agent;
  const known = state.agents.get(agent_id);
  if (known !== undefined) {
    // The younger session is the current one: ids sort by time.
    if (known.session_id >= session_id) return [];
    const previous_session_id = known.session_id;
    return [
      {
        event: 'agent_replaced',
        agent_id,
        session_id,
        previous_session_id,
        name,
        resumed: agent.resumed,
        idle_ms: null,
      },
    ];
  }
  return [
    {
      event: 'agent_created',
      agent_id,
      session_id,
      name,
      profile,
      mode,
      cli_version: null,
      policy: DEFAULT_RESTART_POLICY,
      cwd,
      worktree: null,
      conversation_id,
    },
  ];
}

export function replaced(
  agent: Agent,
  { session_id, name }: Pick<Created, 'session_id' | 'name'>,
  resumed: boolean,
  now: number,
): AgentsEvent {
  const idle = now - agent.active_at;
  return {
    event: 'agent_replaced',
    agent_id: agent.agent_id,
    session_id,
    previous_session_id: agent.session_id,
    name,
    resumed,
    idle_ms: resumed && idle > OLD_CONVERSATION_MS ? idle : null,
  };
}
