/** Sending, broadcasting and cancelling: what is accepted is durable, and a refusal says what to do instead. */
import type { AgentsCommand, AgentsEvent, MessageSender } from '../../protocol/control/index.ts';
import { HoldfastError, invalid, isUlid, limits, ulidTime } from '../../protocol/index.ts';
import { isOpen, jsonBytes, type Message, toMessageRecord } from './messages.ts';
import { type AgentsContext, isOver, isSentBy, selectAgent, selectMessage, senderOf } from './select.ts';
import type { Agent, AgentsState } from './state.ts';

type Command<K extends AgentsCommand['cmd']> = Extract<AgentsCommand, { cmd: K }>;
type Delivery = Pick<Command<'send_message'>, 'priority' | 'ttl_ms' | 'answer_ms'>;
type Accepted = Extract<AgentsEvent, { event: 'message_accepted' }>;

export interface AgentsDecision {
  events: AgentsEvent[];
  result?: Record<string, unknown>;
}

export function send(state: AgentsState, command: Command<'send_message'>, context: AgentsContext): AgentsDecision {
  const from = senderOf(state, context.actor);
  checkSender(command.from, from);
  const agent = selectAgent(state, context.sessions, command.to, 'to');
  const { message_id, reply_to = null } = command;
  const known = message_id === undefined ? undefined : checkId(state, message_id, context.now);
  if (known !== undefined) return repeated(known, agent, command.body, from);
  checkInbox(state, agent, command.body, context);
  const id = message_id ?? context.ulid();
  return {
    events: [accepted(id, agent, command.body, from, command, reply_to, context.now)],
    result: { message_id: id, state: 'accepted' },
  };
}

/** As the first message of an agent that is being created. */
export function sendPrompt(agentId: string, body: string, from: MessageSender, context: AgentsContext): Accepted {
  return accepted(context.ulid(), { agent_id: agentId }, body, from, {}, null, context.now);
}

export function broadcast(
  state: AgentsState,
  { select, body, ...delivery }: Command<'broadcast_message'>,
  context: AgentsContext,
): AgentsDecision {
  const from = senderOf(state, context.actor);
  const events: AgentsEvent[] = [];
  const messages: { session_id: string; message_id: string }[] = [];
  const refused: { session_id: string; error: object }[] = [];
  let added = 0;
  for (const agent of selectAgents(state, select, context)) {
    const { session_id } = agent;
    try {
      checkInbox(state, agent, body, context, added);
    } catch (thrown) {
      refused.push({ session_id, error: HoldfastError.from(thrown).toWire() });
      continue;
    }
    const event = accepted(context.ulid(), agent, body, from, delivery, null, context.now);
    added += jsonBytes(body);
    events.push(event);
    messages.push({ session_id, message_id: event.message_id });
  }
  return { events, result: { messages, refused } };
}

/** At once and for good; what its shim still does about it is the courier's to stop. */
export function cancel(state: AgentsState, command: Command<'cancel_message'>, context: AgentsContext): AgentsDecision {
  const { actor } = context;
  const message = selectMessage(state, command.message, actor);
  if (actor.session_id !== undefined && !isSentBy(state, message, actor.session_id)) {
    throw new HoldfastError('forbidden', 'an agent cancels the messages it sent', { field: 'message' });
  }
  if (!isOpen(message)) return { events: [], result: { message: toMessageRecord(state, message) } };
  const reason = message.state === 'accepted' ? 'before_delivery' : message.state;
  const record = {
    ...toMessageRecord(state, message),
    state: 'cancelled',
    reason,
    position: null,
    closed_at: context.now,
  };
  return { events: [closed(message, 'cancelled', reason)], result: { message: record } };
}

export function closed(
  message: Message,
  outcome: Extract<AgentsEvent, { event: 'message_closed' }>['outcome'],
  reason: string | null,
  said: { response: string | null; truncated: boolean } = { response: null, truncated: false },
): Extract<AgentsEvent, { event: 'message_closed' }> {
  const { message_id, agent_id, session_id } = message;
  return { event: 'message_closed', message_id, agent_id, session_id, outcome, reason, ...said };
}

function checkSender(claimed: MessageSender | undefined, from: MessageSender): void {
  if (claimed === undefined) return;
  const isSame = claimed.kind === from.kind && claimed.name === from.name && claimed.session_id === from.session_id;
  if (isSame) return;
  throw new HoldfastError('forbidden', 'the server says who sends a message; leave "from" out', {
    field: 'from',
    details: { from },
  });
}

/** The message that has this id already. Throws `key_expired` when it may have been there and is not known any more. */
function checkId(state: AgentsState, id: string, now: number): Message | undefined {
  if (!isUlid(id)) throw invalid('message_id', 'message_id must be a ULID (26 characters)');
  const known = state.messages.get(id);
  if (known !== undefined) return known;
  const age = now - ulidTime(id);
  if (id > state.forgotten && age <= limits.IDEMPOTENCY_RETENTION_MS && age >= -limits.IDEMPOTENCY_SKEW_MS) return;
  const fault = age < 0 ? 'lies in the future' : 'is older than the messages that are kept';
  throw new HoldfastError('key_expired', `message_id ${fault}: look for the message, then send it with a new id`, {
    field: 'message_id',
    details: { age_ms: age },
  });
}

function repeated(message: Message, agent: Agent, body: string, from: MessageSender): AgentsDecision {
  const isSame =
    message.agent_id === agent.agent_id &&
    message.body === body &&
    message.from.kind === from.kind &&
    message.from.session_id === from.session_id;
  if (!isSame) {
    throw new HoldfastError('key_reused', 'this message_id is that of another message: send it with a new id', {
      field: 'message_id',
    });
  }
  return { events: [], result: { message_id: message.message_id, state: message.state } };
}

function checkInbox(state: AgentsState, agent: Agent, body: string, context: AgentsContext, added = 0): void {
  const { actor, sessions } = context;
  if (actor.session_id !== undefined && state.bySession.get(actor.session_id) === agent.agent_id) {
    throw invalid('to', 'an agent sends no message to itself');
  }
  if (isOver(agent, sessions)) {
    throw new HoldfastError(
      'session_exited',
      `the agent has ended; "holdfast resume ${agent.session_id}" starts it again`,
      {
        field: 'to',
        details: { session: agent.session_id },
      },
    );
  }
  if (agent.waiting.length >= limits.INBOX_COUNT) {
    throw new HoldfastError('busy', `${limits.INBOX_COUNT} messages wait for this agent already; send it again later`, {
      field: 'to',
      details: { waiting: agent.waiting.length },
    });
  }
  if (state.openBytes + added + jsonBytes(body) > limits.MESSAGES_OPEN_BYTES) {
    throw new HoldfastError(
      'busy',
      `the messages without an outcome have ${state.openBytes} bytes, at most ${limits.MESSAGES_OPEN_BYTES}; send it again later`,
      { field: 'body' },
    );
  }
}

function accepted(
  message_id: string,
  { agent_id }: Pick<Agent, 'agent_id'>,
  body: string,
  from: MessageSender,
  { priority = 'normal', ttl_ms = limits.MESSAGE_TTL_MS, answer_ms = limits.MESSAGE_ANSWER_MS }: Delivery,
  reply_to: string | null,
  now: number,
): Accepted {
  return {
    event: 'message_accepted',
    message_id,
    agent_id,
    from,
    body,
    priority,
    created_at: now,
    expires_at: now + ttl_ms,
    answer_ms,
    reply_to,
  };
}

/** Those that meet all of it, by the age of the agent; never the one that asks. */
function selectAgents(
  state: AgentsState,
  { agent: profile, sessions, activity }: Command<'broadcast_message'>['select'],
  context: AgentsContext,
): Agent[] {
  const named = sessions?.map((selector, index) => namedAgent(state, selector, index, context));
  const own = context.actor.session_id === undefined ? undefined : state.bySession.get(context.actor.session_id);
  return [...state.agents.values()].filter(
    (agent) =>
      agent.agent_id !== own &&
      (profile === undefined || agent.profile === profile) &&
      (activity === undefined || agent.status.activity === activity) &&
      (named === undefined ? !isOver(agent, context.sessions) : named.includes(agent)),
  );
}

function namedAgent(state: AgentsState, selector: string, index: number, { sessions }: AgentsContext): Agent {
  try {
    return selectAgent(state, sessions, selector);
  } catch (thrown) {
    const { code, message, details } = HoldfastError.from(thrown);
    throw new HoldfastError(code, message, { field: `select.sessions[${index}]`, details });
  }
}
