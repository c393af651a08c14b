/** What follows for an agent when its session is over or removed: in the same commit, so that nothing waits for nobody. */
import type { AgentsEvent } from '../../protocol/control/index.ts';
import type { SessionEnd } from './commands.ts';
import { AGENT_ENDED } from './deliver.ts';
import { isOpen } from './messages.ts';
import { withdrawn } from './observe.ts';
import { type AgentsContext, agentAt } from './select.ts';
import { closed } from './send.ts';
import type { Agent, AgentsState } from './state.ts';
import { superviseEnd } from './supervision.ts';

/**
 * Its message under way stays open: only the shim's outcomes file knows what became of it. Those that wait go on
 * waiting for a restart, or for whoever parked it to let it go on; else they fail.
 */
export function afterEnd(state: AgentsState, end: SessionEnd, context: AgentsContext): AgentsEvent[] {
  const agent = agentAt(state, end.session_id);
  if (agent === undefined) return [];
  return [...died(agent, context.now), ...withdrawn(agent), ...supervised(state, agent, end, context)];
}

/** Nobody will deliver them any more. */
export function afterRemoval(state: AgentsState, sessionId: string): AgentsEvent[] {
  const agent = agentAt(state, sessionId);
  if (agent === undefined) return [];
  return openMessages(state, agent).map((message) => closed(message, 'failed', 'agent_removed'));
}

/** The messages that wait for an agent which will not run again by itself. */
export function failWaiting(state: AgentsState, agent: Agent): AgentsEvent[] {
  return agent.waiting.flatMap((id) => {
    const message = state.messages.get(id);
    return message === undefined ? [] : [closed(message, 'failed', AGENT_ENDED)];
  });
}

function died({ agent_id, session_id, status }: Agent, now: number): AgentsEvent[] {
  if (status.activity === 'dead') return [];
  const { activity, attention } = status;
  return [
    {
      event: 'agent_status_changed',
      agent_id,
      session_id,
      status: {
        activity: 'dead',
        attention: 'none',
        since: now,
        summary: '',
        source: 'process',
        rule: 'session_over',
        confidence: 1,
        tasks: [],
      },
      previous: { activity, attention },
    },
  ];
}

function supervised(state: AgentsState, agent: Agent, end: SessionEnd, context: AgentsContext): AgentsEvent[] {
  const { agent_id, session_id, policy, restarts, status, parked } = agent;
  // It was parked before, or is being ended to be started again.
  if (parked !== null || agent.restarting !== null) return [];
  const { cause, exit, survivors, retryable = false } = end;
  const wanted = context.sessions.find(session_id)?.wanted === true;
  const facts = { cause, exit, survivors, retryable, wanted, attention: status.attention, retryAt: null };
  const decision = superviseEnd(policy, restarts, facts, context.now);
  const of = { agent_id, session_id };
  switch (decision.act) {
    case 'leave':
      return failWaiting(state, agent);
    case 'park':
      return [{ event: 'agent_parked', ...of, reason: decision.parked.reason, until: decision.parked.until }];
    case 'restart': {
      const { attempt, delayMs } = decision;
      const reason = cause === 'child' ? 'exited' : cause;
      return [{ event: 'agent_restarting', ...of, reason, attempt, delay_ms: delayMs, due_at: context.now + delayMs }];
    }
  }
}

function openMessages(state: AgentsState, agent: Agent) {
  const ids = agent.delivering === null ? agent.waiting : [agent.delivering, ...agent.waiting];
  return ids.flatMap((id) => {
    const message = state.messages.get(id);
    return message !== undefined && isOpen(message) ? [message] : [];
  });
}
