/** Supervision as facts: what the end of a session or a new attention means for its agent, in the same commit. */
import type { AgentStatus } from '../../protocol/agent/index.ts';
import type { AgentsEvent } from '../../protocol/control/index.ts';
import type { EndCause, ExitFact, HolderFact } from '../../protocol/session/index.ts';
import type { Agent } from './state.ts';
import { superviseAttention, superviseEnd } from './supervision.ts';

export interface SessionEnd {
  cause: EndCause;
  exit: ExitFact | null;
  survivors: readonly HolderFact[];
  /** Whether the session was meant to go on. */
  wanted: boolean;
}

export function afterEnd(agent: Agent, end: SessionEnd, now: number): AgentsEvent[] {
  const { agent_id, session_id, status, parked } = agent;
  const retryAt = parked?.reason === 'quota' ? parked.until : null;
  const decision = superviseEnd(agent.policy, agent.restarts, { ...end, attention: status.attention, retryAt }, now);
  if (decision.act === 'leave') return [];
  const restarting = (attempt: number, delay_ms: number, reason: string, due_at: number): AgentsEvent => ({
    event: 'agent_restarting',
    agent_id,
    session_id,
    reason,
    attempt,
    delay_ms,
    due_at,
  });
  if (decision.act === 'restart')
    return [restarting(decision.attempt, decision.delayMs, end.cause, now + decision.delayMs)];
  const { reason, until } = decision.parked;
  const parking: AgentsEvent = { event: 'agent_parked', agent_id, session_id, reason, until };
  // What is parked for a time starts again when that is over.
  return until === null ? [parking] : [parking, restarting(agent.restarts.length + 1, until - now, reason, until)];
}

/** The exact hour, when the agent tells one, is in what it says: `retryAt`, ms since the Unix epoch. */
export function afterStatus(agent: Agent, status: AgentStatus, retryAt: number | null, now: number): AgentsEvent[] {
  const { agent_id, session_id, parked } = agent;
  const parking = superviseAttention(status.attention, retryAt, now);
  if (parking !== null) {
    if (parked !== null) return [];
    return [{ event: 'agent_parked', agent_id, session_id, reason: parking.reason, until: parking.until }];
  }
  // A person logged in, or the quota is back: the agent itself shows it.
  const isOver = parked !== null && (parked.reason === 'quota' || parked.reason === 'auth');
  const works = status.activity === 'working' || status.activity === 'done' || status.activity === 'idle';
  return isOver && works && status.attention === 'none' ? [{ event: 'agent_unparked', agent_id, session_id }] : [];
}
