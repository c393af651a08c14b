/** Messages: where each one is, the order they wait in, and how many of the closed ones are kept. */
import type { MessageOutcome, MessagePriority, MessageState } from '../../protocol/agent/index.ts';
import type { AgentsEvent, MessageRecord, MessageSender } from '../../protocol/control/index.ts';
import { limits } from '../../protocol/index.ts';
import type { Agent, AgentsState } from './state.ts';

export interface Message {
  message_id: string;
  agent_id: string;
  /** That it was handed to; null before. */
  session_id: string | null;
  from: MessageSender;
  body: string;
  priority: MessagePriority;
  state: MessageState;
  reason: string | null;
  response: string | null;
  truncated: boolean;
  created_at: number;
  delivering_at: number | null;
  delivered_at: number | null;
  closed_at: number | null;
  expires_at: number;
  answer_ms: number;
  answer_by: number | null;
  reply_to: string | null;
  /** Counts up: of two with one priority the lower goes first. */
  order: number;
  /** Version of the last event about it. */
  changed_at: number;
  /** Of what it says, as JSON. */
  bytes: number;
}

type MessageEvent = Extract<AgentsEvent, { event: `message_${string}` }>;

const RANK: Record<MessagePriority, number> = { urgent: 0, high: 1, normal: 2, low: 3 };

const OUTCOMES: ReadonlySet<MessageState> = new Set<MessageOutcome>([
  'answered',
  'failed',
  'expired',
  'refused',
  'cancelled',
  'indeterminate',
]);

export function isOpen(message: Message): boolean {
  return !OUTCOMES.has(message.state);
}

/** What a text takes on the wire, without its quotes. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

export function evolveMessage(state: AgentsState, event: MessageEvent, version: number, at: number): void {
  if (event.event === 'message_accepted') {
    accept(state, event, version);
    return;
  }
  const message = state.messages.get(event.message_id);
  if (message === undefined || !isOpen(message)) return;
  message.changed_at = version;
  const agent = state.agents.get(message.agent_id);
  switch (event.event) {
    case 'message_delivering':
      leaveQueue(agent, message.message_id);
      message.state = 'delivering';
      message.session_id = event.session_id;
      message.delivering_at = at;
      if (agent !== undefined) agent.delivering = message.message_id;
      break;
    case 'message_requeued':
      message.state = 'accepted';
      message.session_id = null;
      message.delivering_at = null;
      if (agent?.delivering === message.message_id) agent.delivering = null;
      if (agent !== undefined) enqueue(state, agent, message);
      break;
    case 'message_delivered':
      message.state = 'delivered';
      message.session_id = event.session_id;
      message.delivered_at = at;
      message.answer_by = event.answer_by;
      break;
    case 'message_closed':
      leaveQueue(agent, message.message_id);
      if (agent?.delivering === message.message_id) agent.delivering = null;
      close(state, message, event, at);
      break;
  }
}

function accept(
  state: AgentsState,
  event: Extract<MessageEvent, { event: 'message_accepted' }>,
  version: number,
): void {
  const message: Message = {
    message_id: event.message_id,
    agent_id: event.agent_id,
    session_id: null,
    from: event.from,
    body: event.body,
    priority: event.priority,
    state: 'accepted',
    reason: null,
    response: null,
    truncated: false,
    created_at: event.created_at,
    delivering_at: null,
    delivered_at: null,
    closed_at: null,
    expires_at: event.expires_at,
    answer_ms: event.answer_ms,
    answer_by: null,
    reply_to: event.reply_to,
    order: ++state.order,
    changed_at: version,
    bytes: jsonBytes(event.body),
  };
  state.messages.set(message.message_id, message);
  state.openBytes += message.bytes;
  const agent = state.agents.get(message.agent_id);
  if (agent !== undefined) enqueue(state, agent, message);
}

function enqueue(state: AgentsState, agent: Agent, message: Message): void {
  const isAfter = (id: string): boolean => {
    const other = state.messages.get(id);
    if (other === undefined) return false;
    return (
      RANK[other.priority] - RANK[message.priority] > 0 ||
      (other.priority === message.priority && other.order > message.order)
    );
  };
  const at = agent.waiting.findIndex(isAfter);
  agent.waiting.splice(at < 0 ? agent.waiting.length : at, 0, message.message_id);
}

function leaveQueue(agent: Agent | undefined, messageId: string): void {
  const at = agent?.waiting.indexOf(messageId) ?? -1;
  if (at >= 0) agent?.waiting.splice(at, 1);
}

function close(
  state: AgentsState,
  message: Message,
  event: Extract<MessageEvent, { event: 'message_closed' }>,
  at: number,
): void {
  state.openBytes -= message.bytes;
  message.state = event.outcome;
  message.reason = event.reason;
  message.response = event.response;
  message.truncated = event.truncated;
  message.closed_at = at;
  if (event.response !== null) message.bytes += jsonBytes(event.response);
  state.closedBytes += message.bytes;
  state.closed.push(message.message_id);
  while (state.closed.length > limits.MESSAGES_KEPT_COUNT || state.closedBytes > limits.MESSAGES_KEPT_BYTES)
    forget(state);
}

function forget(state: AgentsState): void {
  const id = state.closed.shift() ?? '';
  state.closedBytes -= state.messages.get(id)?.bytes ?? 0;
  state.messages.delete(id);
  if (id > state.forgotten) state.forgotten = id;
}

export function toMessageRecord(state: AgentsState, message: Message): MessageRecord {
  const at =
    message.state === 'accepted' ? (state.agents.get(message.agent_id)?.waiting.indexOf(message.message_id) ?? -1) : -1;
  return {
    message_id: message.message_id,
    agent_id: message.agent_id,
    session_id: message.session_id,
    from: message.from,
    body: message.body,
    priority: message.priority,
    state: message.state,
    reason: message.reason,
    response: message.response,
    truncated: message.truncated,
    created_at: message.created_at,
    delivered_at: message.delivered_at,
    closed_at: message.closed_at,
    expires_at: message.expires_at,
    answer_by: message.answer_by,
    reply_to: message.reply_to,
    position: at < 0 ? null : at + 1,
  };
}

/** When something becomes of a message by time alone, ms since the Unix epoch; null for a closed one. */
export function deadlineOf(message: Message): number | null {
  switch (message.state) {
    case 'accepted':
      return message.expires_at;
    case 'delivering':
      return (message.delivering_at ?? 0) + limits.MESSAGE_DELIVERY_MS;
    case 'delivered':
      return message.answer_by;
    default:
      return null;
  }
}
