/** Restarts that are asked for, that failed, and parking that is over. */
import type { AgentsEvent } from '../../protocol/control/index.ts';
import type { SupervisionStep } from './commands.ts';
import { failWaiting } from './ending.ts';
import type { AgentsContext } from './select.ts';
import type { Agent, AgentsState } from './state.ts';
import { superviseEnd } from './supervision.ts';

export function supervise(state: AgentsState, command: SupervisionStep, context: AgentsContext): AgentsEvent[] {
  const agent = state.agents.get(command.agent_id);
  if (agent === undefined) return [];
  switch (command.cmd) {
    case 'mark_restart':
      if (agent.session_id !== command.session_id || agent.restarting !== null) return [];
      return [restarting(agent, command.reason, { attempt: 0, delayMs: 0 }, context.now)];
    case 'restart_failed':
      return agent.restarting === null ? [] : [again(agent, command.retryable, context)];
    case 'parking_over': {
      const until = agent.parked?.until ?? null;
      return until === null || until > context.now ? [] : unparked(state, agent, context);
    }
  }
}

/** An agent that is over when it is let go on, and that nobody starts, has nobody to read its messages. */
export function unparked(state: AgentsState, agent: Agent, { now, sessions }: AgentsContext): AgentsEvent[] {
  const { agent_id, session_id, parked, policy } = agent;
  if (parked === null) return [];
  const events: AgentsEvent[] = [{ event: 'agent_unparked', agent_id, session_id }];
  if (sessions.find(session_id)?.live === true) return events;
  if (policy.when === 'never') return [...events, ...failWaiting(state, agent)];
  return [...events, restarting(agent, 'unparked', { attempt: 1, delayMs: 0 }, now)];
}

function again(agent: Agent, retryable: boolean, { now, sessions }: AgentsContext): AgentsEvent {
  const { agent_id, session_id, policy, restarts } = agent;
  const parked = { event: 'agent_parked', agent_id, session_id, until: null } as const;
  if (sessions.find(session_id)?.live === true) return { ...parked, reason: 'survivors' };
  if (!retryable) return { ...parked, reason: 'restarts_exhausted' };
  const end = {
    cause: 'shim_lost',
    exit: null,
    survivors: [],
    wanted: true,
    attention: 'none',
    retryAt: null,
  } as const;
  const decision = superviseEnd(policy, restarts, end, now);
  return decision.act === 'restart'
    ? restarting(agent, 'start_failed', decision, now)
    : { ...parked, reason: 'restarts_exhausted' };
}

function restarting(
  { agent_id, session_id }: Agent,
  reason: string,
  { attempt, delayMs }: { attempt: number; delayMs: number },
  now: number,
): AgentsEvent {
  return { event: 'agent_restarting', agent_id, session_id, reason, attempt, delay_ms: delayMs, due_at: now + delayMs };
}
