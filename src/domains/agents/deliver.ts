/** The courier's steps: which message goes next, and what its shim or the clock made of it. */
import type { AgentsEvent } from '../../protocol/control/index.ts';
import type { MessageStep } from './commands.ts';
import { deadlineOf, isOpen, type Message } from './messages.ts';
import { type AgentsContext, isOver } from './select.ts';
import { type AgentsDecision, closed } from './send.ts';
import type { AgentsState } from './state.ts';

/** What becomes of the messages that wait for an agent which will not run again by itself. */
export const AGENT_ENDED = 'agent_ended';

export function step(state: AgentsState, command: MessageStep, context: AgentsContext): AgentsDecision {
  if (command.cmd === 'settle_messages') return { events: settle(state, context.now) };
  if (command.cmd === 'deliver_next') return next(state, command, context);
  const message = state.messages.get(command.message_id);
  // It was closed meanwhile, or is another session's by now.
  if (message === undefined || !isOpen(message) || message.session_id !== command.session_id) return { events: [] };
  switch (command.cmd) {
    case 'observe_requeued':
      return { events: requeued(state, message, command.reason, context) };
    case 'observe_delivered':
      return { events: delivered(message, context.now) };
    case 'observe_closed': {
      const { outcome, reason, response, truncated } = command;
      const before = outcome === 'answered' ? delivered(message, context.now) : [];
      return { events: [...before, closed(message, outcome, reason, { response, truncated })] };
    }
  }
}

function next(
  state: AgentsState,
  { agent_id, session_id }: Extract<MessageStep, { cmd: 'deliver_next' }>,
  { now }: AgentsContext,
): AgentsDecision {
  const agent = state.agents.get(agent_id);
  const none = (events: AgentsEvent[] = []): AgentsDecision => ({ events, result: { message_id: null } });
  if (agent === undefined || agent.session_id !== session_id) return none();
  if (agent.delivering !== null || agent.parked !== null) return none();
  const waiting = agent.waiting.flatMap((id) => state.messages.get(id) ?? []);
  const message = waiting.find(({ expires_at }) => expires_at > now);
  const late = waiting.slice(0, message === undefined ? waiting.length : waiting.indexOf(message));
  const expired = late.map((one) => closed(one, 'expired', null));
  if (message === undefined) return none(expired);
  const { message_id } = message;
  return {
    events: [...expired, { event: 'message_delivering', message_id, agent_id, session_id }],
    result: { message_id },
  };
}

function requeued(state: AgentsState, message: Message, reason: string, context: AgentsContext): AgentsEvent[] {
  const { message_id, agent_id } = message;
  if (message.state !== 'delivering') return [];
  const agent = state.agents.get(agent_id);
  if (agent === undefined || isOver(agent, context.sessions)) return [closed(message, 'failed', AGENT_ENDED)];
  return [{ event: 'message_requeued', message_id, agent_id, reason }];
}

function delivered(message: Message, now: number): AgentsEvent[] {
  const { message_id, agent_id, session_id } = message;
  if (message.state !== 'delivering' || session_id === null) return [];
  return [{ event: 'message_delivered', message_id, agent_id, session_id, answer_by: now + message.answer_ms }];
}

function settle(state: AgentsState, now: number): AgentsEvent[] {
  const events: AgentsEvent[] = [];
  for (const message of state.messages.values()) {
    const deadline = deadlineOf(message);
    if (deadline === null || deadline > now) continue;
    if (message.state === 'accepted') events.push(closed(message, 'expired', null));
    else if (message.state === 'delivered') events.push(closed(message, 'failed', 'no_answer'));
    else events.push(closed(message, 'indeterminate', 'no_outcome'));
  }
  return events;
}
